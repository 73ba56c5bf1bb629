"""Every name under which calls are told to other systems: attributes of spans, metrics and their labels.

Where OpenTelemetry's GenAI conventions have a name it is theirs, else it begins with ``penstock``. Spans follow the
conventions' own repository (v0.1.0); metrics keep the names of v1.41, which dashboards know. Prometheus writes dots as
underscores and adds units and ``_total``.
"""

from __future__ import annotations

from collections.abc import Mapping

OPERATION = "gen_ai.operation.name"
PROVIDER = "gen_ai.provider.name"
REQUEST_MODEL = "gen_ai.request.model"
RESPONSE_MODEL = "gen_ai.response.model"
REQUEST_STREAM = "gen_ai.request.stream"
RESPONSE_ID = "gen_ai.response.id"
FINISH_REASONS = "gen_ai.response.finish_reasons"
FIRST_CHUNK = "gen_ai.response.time_to_first_chunk"
CONVERSATION = "gen_ai.conversation.id"
INPUT_TOKENS = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
CACHE_READ_TOKENS = "gen_ai.usage.cache_read.input_tokens"
CACHE_WRITE_TOKENS = "gen_ai.usage.cache_write.input_tokens"
REASONING_TOKENS = "gen_ai.usage.reasoning.output_tokens"
ERROR_TYPE = "error.type"
STATUS = "http.response.status_code"
CALL_ID = "penstock.call.id"
TASK = "penstock.task"
TRACE = "penstock.trace"
ARM = "penstock.arm"
EDITS = "penstock.edits"
EXTRA_SENDS = "penstock.extra_sends"
COST = "penstock.cost_usd"
SAVED = "penstock.saved_usd"
USAGE_BASIS = "penstock.usage.basis"

DURATION = "gen_ai_client_operation_duration_seconds"
FIRST_TOKEN = "gen_ai_server_time_to_first_token_seconds"  # noqa: S105 - a metric's name
ADDED = "penstock_added_latency_seconds"
TOKENS = "gen_ai_client_token_usage_total"
CALLS = "penstock_calls_total"
COST_USD = "penstock_cost_usd_total"
SAVED_USD = "penstock_saved_usd"
SAVED_BY_LEVER = "penstock_saved_by_lever_usd"
UNKNOWN_COST = "penstock_unknown_cost_calls_total"
EDITS_BY_LEVER = "penstock_edits_total"
STOOD_DOWN = "penstock_stand_downs_total"
FAILED_OPEN = "penstock_failed_open_total"
REFUSED = "penstock_refused_total"
FORWARDED = "penstock_forwarded_total"
RUNNING = "penstock_running_calls"
WAITING = "penstock_waiting_calls"
DROPPED = "penstock_own_requests_dropped_total"
TASKS = "penstock_event_loop_tasks"
QUEUE = "penstock_ledger_queue"
WRITTEN = "penstock_ledger_written_total"
LOST = "penstock_ledger_refused_total"
BREAKER = "penstock_breaker_open"
BUDGET = "penstock_budget_usd"
PROMISES = "penstock_cache_promises_total"
FORESEEN = "penstock_cache_foreseen_tokens_total"
REPORTED = "penstock_cache_reported_tokens_total"
DRIFT = "penstock_cache_drift"

HELP: Mapping[str, tuple[str, str]] = {
    DURATION: ("histogram", "From the request to the last byte of the answer."),
    FIRST_TOKEN: ("histogram", "From the request to the first byte of the answer."),
    ADDED: (
        "histogram",
        "What the gateway adds to a call's time: its own work, holding for a sibling's cache write, queueing for room.",
    ),
    TOKENS: ("counter", "Tokens by kind, as the provider reported them."),
    CALLS: ("counter", "Calls by task, model, arm and status."),
    COST_USD: ("counter", "What the calls of known cost cost."),
    SAVED_USD: ("gauge", "What calls cost less than they would have, where both sides are known."),
    SAVED_BY_LEVER: ("gauge", "The same of treated calls, each call's shared over the levers that edited it."),
    UNKNOWN_COST: ("counter", "Calls whose cost is unknown; they are in no sum."),
    EDITS_BY_LEVER: ("counter", "Accepted edits by lever."),
    STOOD_DOWN: ("counter", "Calls in which a lever noted why it did something else than act, by what it did."),
    FAILED_OPEN: ("counter", "Faults of ours that did not stop a call."),
    REFUSED: ("counter", "Requests that we refused, by reason."),
    FORWARDED: ("counter", "Requests of other paths, by provider and status."),
    RUNNING: ("gauge", "Calls that run now."),
    WAITING: ("gauge", "Calls that wait for room in a provider's limits."),
    DROPPED: ("counter", "Shadows, judges and warming requests that made way for callers, by what for."),
    TASKS: ("gauge", "Tasks of the event loop: those of calls, shadows and the server."),
    QUEUE: ("gauge", "Records that wait to be written."),
    WRITTEN: ("counter", "Records written."),
    LOST: ("counter", "Records that could not be kept."),
    BREAKER: ("gauge", "1 while an address is left alone."),
    BUDGET: ("gauge", "Budgets: limit, spent and reserved."),
    PROMISES: ("counter", "Calls in which the cache rules promised a read or a cached prefix, kept or not."),
    FORESEEN: ("counter", "Prompt tokens that the cache model foresaw to be read and written."),
    REPORTED: ("counter", "Prompt tokens that the provider reported as read and written, of the same calls."),
    DRIFT: ("gauge", "1 while the cache lever stands down because a provider does not behave like the cache model."),
}

MODEL_LABELS = ("gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model")

LABELS: Mapping[str, tuple[str, ...]] = {
    DURATION: MODEL_LABELS,
    FIRST_TOKEN: MODEL_LABELS,
    ADDED: ("part",),
    TOKENS: (*MODEL_LABELS, "gen_ai_token_type"),
    CALLS: ("task", "model", "arm", "status"),
    COST_USD: MODEL_LABELS,
    SAVED_USD: MODEL_LABELS,
    SAVED_BY_LEVER: ("lever",),
    UNKNOWN_COST: MODEL_LABELS,
    EDITS_BY_LEVER: ("lever",),
    STOOD_DOWN: ("lever", "did"),
    FAILED_OPEN: ("fault",),
    REFUSED: ("reason",),
    FORWARDED: ("provider", "status"),
    RUNNING: (),
    WAITING: (),
    DROPPED: ("purpose", "reason"),
    TASKS: (),
    QUEUE: ("file",),
    WRITTEN: ("file",),
    LOST: ("file",),
    BREAKER: ("provider", "address"),
    BUDGET: ("budget", "part"),
    PROMISES: ("model", "kind", "kept"),
    FORESEEN: ("model", "kind"),
    REPORTED: ("model", "kind"),
    DRIFT: ("model",),
}
"""The labels of each metric, in their order; a histogram's buckets have ``le`` beside them."""

"""What ``/metrics`` shows. All names are here: OpenTelemetry's GenAI names where there is one, ours for the rest.

Prometheus writes the dots of OpenTelemetry's names as underscores and adds units and ``_total``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from penstock.engine.record import Call
from penstock.money import PICO_PER_USD

DURATION = "gen_ai_client_operation_duration_seconds"
FIRST_TOKEN = "gen_ai_server_time_to_first_token_seconds"  # noqa: S105 - a metric's name
TOKENS = "gen_ai_client_token_usage_total"
CALLS = "penstock_calls_total"
COST = "penstock_cost_usd_total"
SAVED = "penstock_saved_usd"
UNKNOWN_COST = "penstock_unknown_cost_calls_total"
EDITS = "penstock_edits_total"
FAILED_OPEN = "penstock_failed_open_total"
REFUSED = "penstock_refused_total"
FORWARDED = "penstock_forwarded_total"
RUNNING = "penstock_running_calls"
WAITING = "penstock_waiting_calls"
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
    TOKENS: ("counter", "Tokens by kind, as the provider reported them."),
    CALLS: ("counter", "Calls by task, model, arm and status."),
    COST: ("counter", "What the calls of known cost cost."),
    SAVED: ("gauge", "What calls cost less than they would have, where both sides are known."),
    UNKNOWN_COST: ("counter", "Calls whose cost is unknown; they are in no sum."),
    EDITS: ("counter", "Accepted edits by lever."),
    FAILED_OPEN: ("counter", "Faults of ours that did not stop a call."),
    REFUSED: ("counter", "Requests that we refused, by reason."),
    FORWARDED: ("counter", "Requests of other paths, by provider and status."),
    RUNNING: ("gauge", "Calls that run now."),
    WAITING: ("gauge", "Calls that wait for room in a provider's limits."),
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

_MODEL = ("gen_ai_provider_name", "gen_ai_request_model")

LABELS: Mapping[str, tuple[str, ...]] = {
    DURATION: _MODEL,
    FIRST_TOKEN: _MODEL,
    TOKENS: (*_MODEL, "gen_ai_token_type"),
    CALLS: ("task", "model", "arm", "status"),
    COST: _MODEL,
    SAVED: _MODEL,
    UNKNOWN_COST: _MODEL,
    EDITS: ("lever",),
    FAILED_OPEN: ("fault",),
    REFUSED: ("reason",),
    FORWARDED: ("provider", "status"),
    RUNNING: (),
    WAITING: (),
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

BOUNDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
"""Upper bounds of the histograms, seconds."""

MOST_SERIES = 2000
"""Label sets of one metric; further ones are counted under ``other``."""

Labels = tuple[tuple[str, str], ...]
Gauge = tuple[str, Labels, float]


class _Histogram:
    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.total = 0.0

    def add(self, seconds: float) -> None:
        index = 0
        for bound in BOUNDS:
            if seconds <= bound:
                break
            index += 1
        self.counts[index] += 1
        self.total += seconds


class Metrics:
    """The counters of a process. Money is kept in picodollars and shown in dollars."""

    def __init__(self) -> None:
        self._counters: dict[str, dict[Labels, int]] = {}
        self._histograms: dict[str, dict[Labels, _Histogram]] = {}
        self._calls: dict[tuple[str, str, str, int | None], int] = {}

    def heard(self, call: Call) -> None:
        """Count a finished call."""
        self._count_call(call)
        model = tuple(zip(_MODEL, (call.provider, call.model_sent), strict=True))
        usage = call.usage
        if usage is not None:
            for kind, count in (
                ("input", usage.input_uncached),
                ("cache_read", usage.cache_read),
                ("cache_write", usage.cache_write),
                ("output", usage.output),
            ):
                if count > 0:
                    self.count(TOKENS, (*model, ("gen_ai_token_type", kind)), count)
        cost, saved = call.cost_all, call.saved
        if cost is None:
            self.count(UNKNOWN_COST, model)
        elif cost > 0:
            self.count(COST, model, cost)
        if saved:
            self.count(SAVED, model, saved)
        if call.arm == "treated":
            for edit in call.edits:
                self.count(EDITS, (("lever", edit.lever),))
        if call.latency_ms is not None:
            self._observe(DURATION, model, call.latency_ms / 1000)
        if call.ttft_ms is not None:
            self._observe(FIRST_TOKEN, model, call.ttft_ms / 1000)

    def count(self, name: str, labels: Labels = (), amount: int = 1) -> None:
        """Add to a counter."""
        series = self._counters.setdefault(name, {})
        if labels not in series and len(series) >= MOST_SERIES:
            labels = tuple((key, "other") for key, _ in labels)
        series[labels] = series.get(labels, 0) + amount

    def text(self, gauges: Iterable[Gauge] = (), failures: Mapping[str, int] | None = None) -> str:
        """The page in Prometheus' text format.

        Args:
            gauges: what is read at this moment: name, labels and value.
            failures: the engine's, by name.
        """
        return "\n".join(self._lines(list(gauges), failures or {})) + "\n"

    def _lines(self, gauges: list[Gauge], failures: Mapping[str, int]) -> Iterator[str]:
        counters = {name: dict(series) for name, series in self._counters.items()}
        counters[CALLS] = {
            tuple(zip(LABELS[CALLS], (task, model, arm, str(status or "none")), strict=True)): count
            for (task, model, arm, status), count in self._calls.items()
        }
        counters[FAILED_OPEN] = {(("fault", name),): count for name, count in failures.items()}
        for name, (kind, text) in HELP.items():
            shown = [gauge for gauge in gauges if gauge[0] == name]
            if not (shown or counters.get(name) or name in self._histograms):
                continue
            yield f"# HELP {name} {text}"
            yield f"# TYPE {name} {kind}"
            for labels, count in counters.get(name, {}).items():
                yield f"{name}{_labels(labels)} {count / PICO_PER_USD if name in (COST, SAVED) else count}"
            for _, labels, value in shown:
                yield f"{name}{_labels(labels)} {value}"
            for labels, histogram in self._histograms.get(name, {}).items():
                yield from _histogram(name, labels, histogram)

    def _count_call(self, call: Call) -> None:
        key = (call.task, call.model_sent, call.arm, call.status)
        if key not in self._calls and len(self._calls) >= MOST_SERIES:
            key = ("other", "other", call.arm, call.status)
        self._calls[key] = self._calls.get(key, 0) + 1

    def _observe(self, name: str, labels: Labels, seconds: float) -> None:
        series = self._histograms.setdefault(name, {})
        histogram = series.get(labels)
        if histogram is None:
            if len(series) >= MOST_SERIES:
                labels = tuple((key, "other") for key, _ in labels)
            histogram = series.setdefault(labels, _Histogram())
        histogram.add(seconds)


def _histogram(name: str, labels: Labels, histogram: _Histogram) -> Iterator[str]:
    running = 0
    for bound, count in zip((*BOUNDS, "+Inf"), histogram.counts, strict=True):
        running += count
        yield f"{name}_bucket{_labels((*labels, ('le', str(bound))))} {running}"
    yield f"{name}_sum{_labels(labels)} {histogram.total}"
    yield f"{name}_count{_labels(labels)} {running}"


def _labels(labels: Labels) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{key}="{_escaped(value)}"' for key, value in labels) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

"""The simulated provider without sockets: a request and a time in, a response out, and what begins and ends with it.

A driver calls `Provider.handle`, then `Provider.begin` when the first byte of the answer goes out, then
`Provider.finish` with the number of pieces that went out. Only a response that began writes cache entries and is
billed (provider-semantics 1.4 rule 5, section 6 decision 4). Every method may be called from any thread.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import msgspec

from penstock.cachemodel import machine
from penstock.errors import UsageError
from penstock.models.prices import Tier, price_call
from penstock.simulator import anthropic_rules, batch_routes, breaking, catalogue, embeddings, reading
from penstock.simulator.bill import Billed, Logged
from penstock.simulator.config import Config
from penstock.simulator.create import create
from penstock.simulator.errors import ApiError, bad_request, error_bytes
from penstock.simulator.faults import Fault, FaultBook, FaultRule, parse_header
from penstock.simulator.incoming import Incoming, check_door, provider_of, redacted
from penstock.simulator.over_limit import over_limit
from penstock.simulator.response import Pending, Response, json_response
from penstock.simulator.world import World
from penstock.wire.dialect import Dialect
from penstock.wire.simulated import HEADER, VALUE
from penstock.wire.usage import Usage

ORGANISATION = "00000000-0000-4000-8000-0000000051a7"
WORKSPACE = "wrkspc_simulated"
LABEL = (HEADER, VALUE)
"""Every response carries this header."""

_Handler = Callable[["Provider", Incoming, str], Response]


class Provider:
    """Both providers' APIs over one simulated world."""

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or Config()
        self.world = World(self.config)
        self.faults = FaultBook(self.config.faults, seed=self.config.seed)
        self.requests: deque[Logged] = deque(maxlen=self.config.keep_requests)
        self.statuses: dict[int, int] = {}
        self._lock = threading.RLock()

    def handle(self, method: str, path: str, headers: Mapping[str, str], body: bytes, at: float) -> Response:
        """Answer a request.

        Args:
            method: HTTP method.
            path: HTTP path, with its query if there is one.
            headers: lower-case names.
            body: as it came.
            at: simulated time, seconds since the epoch.
        """
        bare, _, query = path.partition("?")
        with self._lock:
            provider = provider_of(bare, headers)
            request_id = self.world.ids.next("req_01", 22) if provider == "anthropic" else self._openai_id()
            incoming = Incoming(
                id=request_id,
                method=method.upper(),
                path=bare,
                query=query,
                headers=headers,
                body=body,
                at=at,
                provider=provider,
            )
            model = reading.model_in(body) if body else ""
            faults: list[Fault] = []
            try:
                scope = check_door(incoming)
                faults = self._faults(incoming, model)
                self._refuse_by_fault(faults, provider)
                response = breaking.damage(self._answer(incoming, scope, model), faults, provider)
            except ApiError as error:
                response = self._refused(incoming, error, model)
                breaking.damage(response, (each for each in faults if each.kind == "slow-first-byte"), provider)
            response.headers += _standing_headers(provider, request_id)
            self._log(incoming, response, model, faults)
            return response

    def begin(self, response: Response, at: float) -> None:
        """The first byte goes out at ``at``: cache entries become readable, the call will be billed."""
        pending = response.pending
        if pending is None or pending.begun:
            return
        with self._lock:
            pending.begun = True
            if pending.admission is not None:
                machine.begin(self.world.cache, pending.admission, at)

    def finish(self, response: Response, sent: int) -> None:
        """Book a response that began, of which ``sent`` pieces went out; a second call books nothing."""
        pending = response.pending
        if pending is None or not pending.begun or pending.booked:
            return
        with self._lock:
            pending.booked = True
            usage = pending.usage
            complete = sent >= response.whole and response.ending == "whole"
            if not complete and response.stream:
                usage = _cut(usage, sent, response.whole)
            cost = price_call(pending.model, usage, at=datetime.fromtimestamp(response.at, UTC), tier=pending.billing)
            if pending.provider == "anthropic" and usage.output:
                self.world.limiter.correct(
                    pending.provider, pending.limit_key, {"output_tokens": usage.output - 1.0}, response.at
                )
            self.world.bill.add(
                Billed(
                    id=response.id,
                    at=response.at,
                    path=response.path,
                    model=pending.model,
                    usage=usage,
                    cost=cost,
                    tier=pending.tier,
                    task=pending.task,
                    stream=response.stream,
                    finish=pending.finish,
                    complete=complete,
                )
            )

    def inject(self, rule: FaultRule) -> None:
        """Put one more fault rule in force."""
        with self._lock:
            self.faults.add(rule)

    def replace_faults(self, rules: Iterable[FaultRule]) -> None:
        """Put other fault rules in force."""
        with self._lock:
            self.faults.replace(rules)

    def billed(self) -> list[Billed]:
        """The billed calls so far, oldest first."""
        with self._lock:
            return list(self.world.bill.calls)

    def logged(self) -> list[Logged]:
        """The requests so far that are kept, oldest first."""
        with self._lock:
            return list(self.requests)

    def reset(self) -> None:
        """Empty caches, bill, request log and statistics, full limits; the configured faults start anew."""
        with self._lock:
            self.world.restart()
            self.faults.replace(self.config.faults)
            self.requests.clear()
            self.statuses.clear()

    def stats(self) -> dict[str, Any]:
        """Requests by status and the bill's totals."""
        with self._lock:
            statuses = {str(status): count for status, count in sorted(self.statuses.items())}
            return {"requests": sum(self.statuses.values()), "statuses": statuses, "bill": self.world.bill.summary()}

    def _faults(self, incoming: Incoming, model: str) -> list[Fault]:
        found = self.faults.faults_for(incoming.path, model)
        asked = incoming.headers.get("x-simulator-fault")
        if asked:
            try:
                found += parse_header(asked)
            except UsageError as error:
                raise bad_request(f"x-simulator-fault: {error}") from None
        return found

    def _refuse_by_fault(self, faults: list[Fault], provider: str) -> None:
        refused = breaking.refusal(faults, provider)
        if refused is not None:
            raise refused

    def _answer(self, incoming: Incoming, scope: str, model: str) -> Response:
        handler = _ROUTES.get((incoming.method, incoming.path))
        if handler is None and incoming.method == "GET":
            handler = batch_routes.below(incoming.path)
            if handler is None and incoming.path.startswith("/v1/models/"):
                handler = _one_model
        if handler is None:
            known = any(path == incoming.path for _, path in _ROUTES)
            raise ApiError(405 if known else 404, *_not_found(incoming))
        if incoming.provider == "anthropic":
            anthropic_rules.check_version(incoming.headers.get("anthropic-version"))
        if incoming.method == "POST":
            self._take_request(incoming, model)
        return handler(self, incoming, scope if self.config.scope_by_key else "")

    def _take_request(self, incoming: Incoming, model: str) -> None:
        counting = incoming.path.endswith(("/count_tokens", "/input_tokens"))
        limiter = self.world.counting if counting else self.world.limiter
        key = reading.limit_key(model)
        refused = limiter.admit(incoming.provider, key, {"requests": 1.0}, incoming.at)
        if refused is not None:
            raise over_limit(incoming.provider, key, refused)

    def _refused(self, incoming: Incoming, error: ApiError, model: str) -> Response:
        limits: list[tuple[str, str]] = []
        if error.status == HTTPStatus.TOO_MANY_REQUESTS and model:
            limits = self.world.limiter.headers(incoming.provider, reading.limit_key(model), incoming.at)
        return Response(
            id=incoming.id,
            at=incoming.at,
            path=incoming.path,
            status=error.status,
            headers=[("content-type", "application/json"), *error.headers, *limits],
            chunks=(error_bytes(incoming.provider, error, incoming.id),),
        )

    def _log(self, incoming: Incoming, response: Response, model: str, faults: list[Fault]) -> None:
        status = 0 if response.ending in ("close", "garbage") else response.status
        self.statuses[status] = self.statuses.get(status, 0) + 1
        if self.config.keep_requests:
            self.requests.append(
                Logged(
                    id=incoming.id,
                    at=incoming.at,
                    method=incoming.method,
                    path=f"{incoming.path}?{incoming.query}" if incoming.query else incoming.path,
                    headers=redacted(incoming.headers),
                    body=incoming.body,
                    status=status,
                    model=model,
                    faults=tuple(fault.kind for fault in faults),
                )
            )

    def _openai_id(self) -> str:
        return self.world.ids.hexadecimal("req_")


def _create(dialect: Dialect) -> _Handler:
    def handler(provider: Provider, incoming: Incoming, scope: str) -> Response:
        return create(provider.world, incoming, dialect, scope)

    return handler


def _count_tokens(provider: Provider, incoming: Incoming, scope: str) -> Response:  # noqa: ARG001 - a handler
    body = reading.decoded(incoming.body, "anthropic")
    profile = reading.profile_for(body, "anthropic", incoming.at)
    anthropic_rules.check(body, profile, incoming.headers.get("anthropic-version", ""), counting=True)
    view = reading.view_of(Dialect.ANTHROPIC_MESSAGES, incoming.body)
    tokens = sum(reading.counts_of(provider.world.counter, view, profile))
    return json_response(incoming, {"input_tokens": tokens})


def _input_tokens(provider: Provider, incoming: Incoming, scope: str) -> Response:  # noqa: ARG001 - a handler
    body = reading.decoded(incoming.body, "openai")
    profile = reading.profile_for(body, "openai", incoming.at)
    view = reading.view_of(Dialect.OPENAI_RESPONSES, incoming.body)
    tokens = sum(reading.counts_of(provider.world.counter, view, profile))
    return json_response(incoming, {"object": "response.input_tokens", "input_tokens": tokens})


def _list_models(provider: Provider, incoming: Incoming, scope: str) -> Response:  # noqa: ARG001 - a handler
    return json_response(incoming, catalogue.list_models(incoming.provider, incoming.at))


def _one_model(provider: Provider, incoming: Incoming, scope: str) -> Response:  # noqa: ARG001 - a handler
    name = incoming.path.removeprefix("/v1/models/")
    return json_response(incoming, catalogue.one_model(incoming.provider, name, incoming.at))


def _embed(provider: Provider, incoming: Incoming, scope: str) -> Response:  # noqa: ARG001 - a handler
    answered, tokens = embeddings.embed(reading.decoded(incoming.body, "openai"))
    response = json_response(incoming, answered)
    response.pending = Pending(
        admission=None,
        provider="openai",
        model=answered["model"],
        limit_key=answered["model"],
        usage=Usage(input_uncached=tokens),
        tier="default",
        billing=Tier(),
        finish="stop",
        task=incoming.task,
    )
    return response


def _standing_headers(provider: str, request_id: str) -> list[tuple[str, str]]:
    if provider == "anthropic":
        return [
            ("request-id", request_id),
            ("anthropic-organization-id", ORGANISATION),
            ("anthropic-workspace-id", WORKSPACE),
            LABEL,
        ]
    return [
        ("x-request-id", request_id),
        ("openai-organization", "org-simulated"),
        ("openai-project", "proj_simulated"),
        ("openai-version", "2020-10-01"),
        ("openai-processing-ms", "1"),
        LABEL,
    ]


def _not_found(incoming: Incoming) -> tuple[None, str]:
    if incoming.provider == "anthropic":
        return None, "Not found"
    return None, f"Invalid URL ({incoming.method} {incoming.path[:100]})"


def _cut(usage: Usage, sent: int, whole: int) -> Usage:
    """What a stream that was cut had generated, in proportion to its pieces; at least one token once it began."""
    output = min(usage.output, max(1, usage.output * sent // max(1, whole)))
    reasoning = usage.output_reasoning
    return msgspec.structs.replace(
        usage, output=output, output_reasoning=None if reasoning is None else min(reasoning, output)
    )


_ROUTES: dict[tuple[str, str], _Handler] = {
    ("POST", "/v1/messages"): _create(Dialect.ANTHROPIC_MESSAGES),
    ("POST", "/v1/messages/count_tokens"): _count_tokens,
    **batch_routes.ROUTES,
    ("POST", "/v1/chat/completions"): _create(Dialect.OPENAI_CHAT),
    ("POST", "/v1/responses"): _create(Dialect.OPENAI_RESPONSES),
    ("POST", "/v1/responses/input_tokens"): _input_tokens,
    ("POST", "/v1/embeddings"): _embed,
    ("GET", "/v1/models"): _list_models,
}

"""The gateway: a plain ASGI application, and with less on the way a server of its own connections' turns."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgspec

from penstock import __version__
from penstock.gateway.admission import spent_out
from penstock.gateway.asgi import AsgiCaller, Deliver, Receive
from penstock.gateway.caller import BodyTooLarge, BodyTooSlow, Caller, CallerGone
from penstock.gateway.headers import Asked, Lines, header
from penstock.gateway.house import House
from penstock.gateway.keys import Holder, is_subscription, no_key
from penstock.gateway.metered import MeteredCall
from penstock.gateway.packed import Packed
from penstock.gateway.passage import pass_through
from penstock.gateway.planned import PlannedCall
from penstock.gateway.problems import Problem, path_not_allowed, too_large, unreadable
from penstock.gateway.routes import Route, route_of
from penstock.gateway.switched import Session
from penstock.gateway.turn import Turn
from penstock.telemetry.names import FORWARDED, REFUSED

Scope = MutableMapping[str, Any]

_FREE = frozenset({"GET", "HEAD", "OPTIONS", "DELETE"})
"""Methods that no provider charges for."""


class Gateway:
    """Answers requests; one per process.

    Args:
        house: what the calls share.
        opened: awaited when the server starts; may be set until then.
        closed: awaited when the server has stopped; then nothing runs any more.
    """

    def __init__(
        self,
        house: House,
        *,
        opened: Callable[[], Awaitable[None]] | None = None,
        closed: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self.house = house
        self.ready = True
        self.opened = opened
        self._closed = closed

    async def __call__(self, scope: Scope, receive: Receive, send: Deliver) -> None:
        """ASGI's entry."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        if scope["type"] != "http":
            return
        path: bytes = scope.get("raw_path") or scope["path"].encode("utf-8")
        await self._respond(AsgiCaller(receive, send), scope["method"], path, scope["query_string"], scope["headers"])

    async def serve(self, turn: Turn) -> None:
        """Answer a turn of a connection of ours."""
        if turn.switches:
            await self._switch(turn)
            return
        await self._respond(turn, turn.method, turn.path, turn.query, turn.lines)

    async def _respond(self, caller: Caller, method: str, path: bytes, query: bytes, lines: Lines) -> None:
        if path in _OWN:
            await _OWN[path](self, caller)
            return
        asked, holder = self.house.heads.read(lines)
        route = route_of(method, path, anthropic=asked.anthropic)
        await self._answer(caller, route, asked, holder, method=method, query=b"?" + query if query else b"")

    async def _switch(self, turn: Turn) -> None:
        """Carry a WebSocket, where the caller may use its path."""
        house, call_id = self.house, self.house.ids()
        asked, holder = house.heads.read(turn.lines)
        route = route_of("GET", turn.path, anthropic=asked.anthropic)
        spent = spent_out(house, route.provider, holder, asked.labels.task) if house.budgets else None
        problem = self._gate(route, holder, "GET") or spent
        if problem is not None:
            house.metrics.count(REFUSED, (("reason", problem.code or ""),))
            await turn.refuse(problem, route.provider, call_id)
            return
        self._take_key(route, asked, holder)
        house.running += 1
        try:
            query = b"?" + turn.query if turn.query else b""
            status = await Session(house, turn, route, asked, holder, call_id=call_id, query=query).run()
            house.metrics.count(FORWARDED, (("provider", route.provider), ("status", str(status or "none"))))
        finally:
            house.running -= 1

    def _take_key(self, route: Route, asked: Asked, holder: Holder | None) -> None:
        """Keep a key of ours from going upstream, and see whose traffic it is otherwise."""
        if holder is not None and not holder.own_header:
            asked.forwarded = [line for line in asked.forwarded if line[0] not in (b"authorization", b"x-api-key")]
        else:
            asked.observed = self._only_observed(route.provider, asked)

    async def _answer(
        self, caller: Caller, route: Route, asked: Asked, holder: Holder | None, *, method: str, query: bytes
    ) -> None:
        house = self.house
        call_id = house.ids()
        problem = self._gate(route, holder, method) or self._spent(route, holder, asked, method)
        if problem is not None:
            house.metrics.count(REFUSED, (("reason", problem.code or ""),))
            await caller.refuse(problem, route.provider, call_id)
            return
        self._take_key(route, asked, holder)
        house.running += 1
        try:
            if route.forwarded:
                status = await pass_through(house, caller, route, asked, method=method, call_id=call_id, query=query)
                house.metrics.count(FORWARDED, (("provider", route.provider), ("status", str(status or "none"))))
                return
            raw = await caller.body(house.settings.max_body, asked.length, house.settings.body_s)
            await self._counted(caller, route, asked, call_id=call_id, query=query, raw=raw, holder=holder)
        except BodyTooLarge:
            await caller.refuse(too_large(house.settings.max_body), route.provider, call_id)
        except BodyTooSlow:
            slow = Problem(status=408, message="the request body did not come in time", code="body_timeout")
            await caller.refuse(slow, route.provider, call_id)
        except CallerGone:
            return
        except Exception as error:
            house.log.error("internal", call=call_id, error=type(error).__name__)  # noqa: TRY400 - a line, no traceback
            raise
        finally:
            house.running -= 1

    async def _counted(
        self,
        caller: Caller,
        route: Route,
        asked: Asked,
        *,
        call_id: str,
        query: bytes,
        raw: bytes,
        holder: Holder | None,
    ) -> None:
        """Carry out a call that the ledger keeps: planned, or only metered."""
        house = self.house
        if house.spans is not None:
            house.spans.met(call_id, header(asked.forwarded, b"traceparent"))
        if route.metered is not None:
            kind = route.metered
            metered = MeteredCall(
                house, caller, route, kind, asked, call_id=call_id, query=query, raw=raw, holder=holder
            )
            await metered.run()
            return
        packed = None
        if asked.encoding not in (None, "identity"):
            packed = Packed(raw, asked.encoding, house.settings.max_body)
            if not packed.readable and house.governed(holder):
                await caller.refuse(unreadable(), route.provider, call_id)
                return
            raw = packed.plain
        call = PlannedCall(
            house,
            caller,
            route,
            asked,
            call_id=call_id,
            query=query,
            raw=raw,
            packed=packed,
            holder=holder,
            bypass=asked.observed,
        )
        await call.run()

    def _gate(self, route: Route, holder: Holder | None, method: str) -> Problem | None:
        """Why a request does not get in, or None."""
        house = self.house
        if house.running >= house.rules.running:
            return Problem(
                status=429,
                message="too many calls at once",
                hint="come back after retry-after, or raise [resilience] running",
                code="overloaded",
                retry_after=1,
            )
        if not house.ring:
            return None
        if holder is None:
            return no_key()
        if route.forwarded and not holder.may_use(method, route.path):
            return path_not_allowed()
        if not holder.own_header and route.provider not in house.keys:
            return Problem(
                status=500,
                message="no provider key is set for this gateway",
                hint=f"set upstream.{route.provider}.api_key in the policy, or send ours in x-penstock-key",
                code="no_provider_key",
                retry=False,
            )
        return None

    def _spent(self, route: Route, holder: Holder | None, asked: Asked, method: str) -> Problem | None:
        """Why a request that nobody can price may not go, or None."""
        if not route.forwarded or method in _FREE or not self.house.budgets:
            return None
        return spent_out(self.house, route.provider, holder, asked.ours.get("x-penstock-task"))

    def _only_observed(self, provider: str, asked: Asked) -> bool:
        """Whether it is subscription traffic that the policy does not let us change."""
        if not is_subscription(asked):
            return False
        named = self.house.context.policy.upstream.get(provider)
        return named is None or named.subscription == "observe"

    async def _live(self, receive: Receive, send: Deliver) -> None:
        await receive()
        if self.opened is not None:
            await self.opened()
        self.house.intake.begin()
        if self.house.resuming is not None:
            self.house.resuming.begin()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        if self._closed is not None:
            await self._closed()
        await send({"type": "lifespan.shutdown.complete"})

    async def healthy(self, caller: Caller) -> None:
        """The process answers."""
        await _plain(caller, 200, {"status": "ok", "version": __version__})

    async def readiness(self, caller: Caller) -> None:
        """Whether requests should be sent here."""
        failing = {name: writer.failing for name, writer in self.house.books.writers.items() if writer.failing}
        await _plain(caller, 200 if self.ready else 503, {"ready": self.ready, "failing": failing})

    async def metrics(self, caller: Caller) -> None:
        """Counters in Prometheus' text format."""
        house = self.house
        body = house.metrics.text(house.gauges(), house.context.failures).encode()
        kind = b"text/plain; version=0.0.4; charset=utf-8"
        await caller.answer(200, [(b"content-type", kind), (b"content-length", b"%d" % len(body))], body)


_OWN: dict[bytes, Callable[[Gateway, Caller], Awaitable[None]]] = {
    b"/healthz": Gateway.healthy,
    b"/readyz": Gateway.readiness,
    b"/metrics": Gateway.metrics,
}


async def _plain(caller: Caller, status: int, value: object) -> None:
    body = msgspec.json.encode(value)
    lines = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await caller.answer(status, lines, body)

"""The gateway as a plain ASGI application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgspec

from penstock import __version__
from penstock.gateway.caller import BodyTooLarge, BodyTooSlow, Caller, CallerGone, Deliver, Receive
from penstock.gateway.headers import Asked, take_apart
from penstock.gateway.house import House
from penstock.gateway.passage import pass_through
from penstock.gateway.planned import PlannedCall
from penstock.gateway.problems import Problem, too_large
from penstock.gateway.protocol import EXTENSION
from penstock.gateway.routes import Route, route_of

Scope = MutableMapping[str, Any]


class Gateway:
    """Answers requests; one per process.

    Args:
        house: what the calls share.
        opened: awaited when the server starts.
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
        self._opened = opened
        self._closed = closed

    async def __call__(self, scope: Scope, receive: Receive, send: Deliver) -> None:
        """ASGI's entry."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        if scope["type"] != "http":
            return
        path: bytes = scope.get("raw_path") or scope["path"].encode("utf-8")
        extensions = scope.get("extensions")
        caller = Caller(receive, send, extensions.get(EXTENSION) if extensions else None)
        if path in _OWN:
            await _OWN[path](self, caller)
            return
        asked = take_apart(scope["headers"])
        route = route_of(scope["method"], path, anthropic=asked.anthropic)
        query = b"?" + scope["query_string"] if scope["query_string"] else b""
        await self._answer(caller, route, asked, scope["method"], query)

    async def _answer(self, caller: Caller, route: Route, asked: Asked, method: str, query: bytes) -> None:
        house = self.house
        call_id = house.ids()
        try:
            if route.dialect is None or asked.encoding not in (None, "identity"):
                await pass_through(house, caller, route, asked, method=method, call_id=call_id, query=query)
                return
            raw = await caller.body(house.settings.max_body, asked.length, house.settings.body_s)
            call = PlannedCall(house, caller, route, asked, call_id=call_id, query=query, raw=raw)
            await call.run()
        except BodyTooLarge:
            await caller.refuse(too_large(house.settings.max_body), route.provider, call_id)
        except BodyTooSlow:
            slow = Problem(status=408, message="the request body did not come in time", code="body_timeout")
            await caller.refuse(slow, route.provider, call_id)
        except CallerGone:
            return

    async def _live(self, receive: Receive, send: Deliver) -> None:
        await receive()
        if self._opened is not None:
            await self._opened()
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


_OWN: dict[bytes, Callable[[Gateway, Caller], Awaitable[None]]] = {
    b"/healthz": Gateway.healthy,
    b"/readyz": Gateway.readiness,
}


async def _plain(caller: Caller, status: int, value: object) -> None:
    body = msgspec.json.encode(value)
    lines = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await caller.answer(status, lines, body)

"""The simulated provider as a plain ASGI application: time, waiting and broken connections around `Provider`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any

from penstock.simulator import control
from penstock.simulator.clock import Clock
from penstock.simulator.provider import Provider
from penstock.simulator.response import GARBAGE, Response

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

TRANSPORT = "simulator.transport"
"""The key among ``scope["extensions"]`` under which the server puts the connection, so that faults can break it."""

MAX_BODY_BYTES = 600 * 1024 * 1024
"""Where reading stops whatever the provider's own limit is."""


class App:
    """The ASGI application.

    Attributes:
        provider: the simulated world.
        clock: simulated time.
        controllable: whether the ``/__simulator`` paths are served; only for a loopback bind.
    """

    def __init__(self, provider: Provider, clock: Clock, *, controllable: bool = False) -> None:
        self.provider = provider
        self.clock = clock
        self.controllable = controllable

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection scope."""
        if scope["type"] != "http":
            return
        body = await _read(receive)
        if body is None:
            return
        path = scope["path"]
        if self.controllable and path.startswith(control.PREFIX):
            status, answered = control.answer(self.provider, self.clock, scope["method"], path, body)
            await _send_json(send, status, answered)
            return
        query = scope.get("query_string", b"").decode("latin-1")
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        at = self.clock.now()
        response = self.provider.handle(scope["method"], f"{path}?{query}" if query else path, headers, body, at)
        await self._respond(response, scope, receive, send)

    async def _respond(self, response: Response, scope: Scope, receive: Receive, send: Send) -> None:
        wait = self.clock.wall(response.first_byte_s) + response.wall_first_byte_s
        if wait > 0 and await _gone_within(receive, wait):
            return
        if response.ending in ("close", "garbage"):
            await _hang_up(scope, receive, GARBAGE if response.ending == "garbage" else b"")
            return
        self.provider.begin(response, max(self.clock.now(), response.at + response.first_byte_s))
        sent = 0
        try:
            await send({"type": "http.response.start", "status": response.status, "headers": _headers(response)})
            gap = response.wall_gap_s + self.clock.wall(response.generation_s) / max(1, response.whole)
            last = len(response.chunks) - 1
            for index, chunk in enumerate(response.chunks):
                if index and gap > 0 and await _gone_within(receive, gap):
                    return
                sent += 1
                final = index == last and response.ending == "whole"
                if final:
                    self.provider.finish(response, sent)  # booked before the client can know that it is over
                await send({"type": "http.response.body", "body": chunk, "more_body": not final})
            if response.ending == "cut":
                self.provider.finish(response, sent)
                await _hang_up(scope, receive, b"")
            elif not response.chunks:
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self.provider.finish(response, sent)


async def _read(receive: Receive) -> bytes | None:
    """The whole request body; None when the client left."""
    pieces: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        piece = message.get("body", b"")
        size += len(piece)
        if piece and size <= MAX_BODY_BYTES:
            pieces.append(piece)
        if not message.get("more_body", False):
            return pieces[0] if len(pieces) == 1 else b"".join(pieces)


async def _gone_within(receive: Receive, seconds: float) -> bool:
    """Wait; True as soon as the client has left."""
    try:
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return False
    return True


async def _hang_up(scope: Scope, receive: Receive, last_words: bytes) -> None:
    """Close the connection as it stands, without ending the response that is on it."""
    transport = (scope.get("extensions") or {}).get(TRANSPORT)
    if transport is None:
        raise ConnectionAbortedError("this server cannot break a connection on demand")
    if last_words:
        transport.write(last_words)
    transport.close()
    while (await receive())["type"] != "http.disconnect":
        pass


def _headers(response: Response) -> list[tuple[bytes, bytes]]:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in response.headers]
    if response.stream and response.status == HTTPStatus.OK:  # only an answer is streamed
        return [*headers, (b"cache-control", b"no-cache")]
    length = len(response.body) * (2 if response.ending == "cut" else 1)
    return [*headers, (b"content-length", str(length).encode())]


async def _send_json(send: Send, status: int, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})

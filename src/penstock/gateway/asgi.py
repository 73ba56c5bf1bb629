"""A caller behind another ASGI server than ours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any

from penstock.gateway.caller import BodyTooLarge, BodyTooSlow, Caller, CallerGone
from penstock.gateway.headers import Lines

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Deliver = Callable[[MutableMapping[str, Any]], Awaitable[None]]

PATIENCE_S = 0.05
"""Seconds after which a waiting call begins to look whether its caller is still there; earlier it makes no odds."""


class AsgiCaller(Caller):
    """One request's caller.

    Args:
        receive: ASGI's.
        send: ASGI's.

    Attributes:
        started: whether a byte of an answer was sent.
        gone: whether the caller went away.
    """

    __slots__ = ("_receive", "_send", "_timer", "_watch", "gone", "started")

    def __init__(self, receive: Receive, send: Deliver) -> None:
        self._receive = receive
        self._send = send
        self._timer: asyncio.TimerHandle | None = None
        self._watch: asyncio.Task[None] | None = None
        self.started = False
        self.gone = False

    async def body(self, limit: int, length: int | None, patience_s: float) -> bytes:
        """The whole body."""
        if length is not None and length > limit:
            raise BodyTooLarge
        message = await self._part(patience_s)
        first: bytes = message.get("body", b"")
        if not message.get("more_body"):
            if len(first) > limit:
                raise BodyTooLarge
            return first
        parts, size = [first], len(first)
        while message.get("more_body"):
            message = await self._part(patience_s)
            part: bytes = message.get("body", b"")
            parts.append(part)
            size += len(part)
            if size > limit:
                raise BodyTooLarge
        return b"".join(parts)

    async def first_part(self, patience_s: float) -> tuple[bytes, bool]:
        """The first part of the body, and whether more will come."""
        message = await self._part(patience_s)
        return message.get("body", b""), bool(message.get("more_body"))

    async def parts(self, first: bytes, patience_s: float) -> AsyncIterator[bytes]:
        """The body in parts as they come, from a first one that was read already."""
        if first:
            yield first
        more = True
        while more:
            message = await self._part(patience_s)
            more = bool(message.get("more_body"))
            if part := message.get("body", b""):
                yield part

    async def answer(self, status: int, lines: Lines, body: bytes) -> None:
        """Send a whole answer."""
        self.started = True
        await self._send({"type": "http.response.start", "status": status, "headers": lines})
        await self._send({"type": "http.response.body", "body": body})

    async def begin(self, status: int, lines: Lines) -> None:
        """Send the head of an answer whose body follows."""
        self.started = True
        await self._send({"type": "http.response.start", "status": status, "headers": lines})

    async def pass_on(self, chunk: bytes) -> None:
        """Send a part of the body; waits while the caller's socket is full."""
        await self._send({"type": "http.response.body", "body": chunk, "more_body": True})

    def put(self, chunk: bytes) -> Awaitable[object] | None:
        """The same as something to be waited for."""
        return self.pass_on(chunk)

    async def end(self) -> None:
        """Send the end of the body."""
        await self._send({"type": "http.response.body", "body": b""})

    # Whether it is still there.

    def watch(self) -> None:
        """Cancel the running task once the caller goes away; only after the body was read."""
        loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        if task is not None:
            self._timer = loop.call_later(PATIENCE_S, self._begin_watch, loop, task)

    def unwatch(self) -> None:
        """Stop looking."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def _begin_watch(self, loop: asyncio.AbstractEventLoop, task: asyncio.Task[Any]) -> None:
        self._timer = None
        self._watch = loop.create_task(self._wait_for_end(task))

    async def _wait_for_end(self, task: asyncio.Task[Any]) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.gone = True
        task.cancel()

    async def _part(self, patience_s: float) -> MutableMapping[str, Any]:
        message: MutableMapping[str, Any]
        waiting = asyncio.timeout(patience_s)
        try:
            async with waiting:
                message = await self._receive()
        except TimeoutError:
            raise BodyTooSlow from None
        if message["type"] == "http.disconnect":
            self.gone = True
            raise CallerGone
        return message

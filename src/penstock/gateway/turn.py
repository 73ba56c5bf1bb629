"""One request on a caller's connection, and its answer.

The request's body gathers here while it arrives; the answer is framed as HTTP/1.1 asks: by its length, in chunks, or
for an HTTP/1.0 caller by the close of the connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from http import HTTPStatus
from typing import Protocol

from penstock.errors import InternalError
from penstock.gateway.caller import BodyTooLarge, BodyTooSlow, Caller, CallerGone
from penstock.gateway.headers import Lines

UNREAD = 1 << 16
"""Bytes of a body that may wait for a reader that takes it in parts before the socket is paused."""

_JOINED = 1 << 16
"""Pieces up to so many bytes are joined with their frame; larger ones are not copied."""

_NO_BODY = (101, 204, 304)
_SWITCHED = 101


class Line(Protocol):
    """The connection, as a turn needs it."""

    writable: asyncio.Future[None] | None

    def write(self, *data: bytes) -> None:
        """Send bytes; nothing happens on a closed connection."""
        ...

    def hold(self) -> None:
        """Stop reading the socket."""
        ...

    def read_on(self, patience_s: float) -> None:
        """Go on reading, for at most so many seconds without a byte."""
        ...

    def finished(self, turn: Turn) -> None:
        """A turn's answer is complete."""
        ...

    def abort(self) -> None:
        """Close the socket at once."""
        ...


class Turn(Caller):
    """One request's caller on our own sockets.

    Attributes:
        method: of the request.
        path: of its target, as it came.
        query: the same, without the question mark.
        lines: its headers, names in lower case.
        keep: whether the connection may be used again after it.
        old: whether it is HTTP/1.0.
        expects: whether the caller waits for ``100 Continue``.
        switches: whether it asks for a WebSocket; what follows its head is the body then, and never at its end.
        ended: whether the whole body has arrived.
        done: whether the answer is complete.
        task: that works on it.
    """

    __slots__ = (
        "_chunked",
        "_in_parts",
        "_left",
        "_limit",
        "_line",
        "_parts",
        "_reader",
        "_size",
        "_watched",
        "done",
        "ended",
        "expects",
        "gone",
        "keep",
        "lines",
        "method",
        "old",
        "path",
        "patience_s",
        "query",
        "started",
        "switches",
        "task",
    )

    def __init__(self, line: Line, method: str, path: bytes, query: bytes, lines: Lines) -> None:
        self._line = line
        self.method = method
        self.path = path
        self.query = query
        self.lines = lines
        self.keep = True
        self.old = self.expects = self.switches = False
        self.ended = self.done = self.started = self.gone = False
        self.task: asyncio.Task[None] | None = None
        self.patience_s = 0.0
        self._parts: list[bytes] = []
        self._size = 0
        self._limit: int | None = None
        self._reader: asyncio.Future[None] | None = None
        self._watched = self._chunked = self._in_parts = False
        self._left: int | None = None

    # The request's body, as the gateway reads it.

    async def body(self, limit: int, length: int | None, patience_s: float) -> bytes:
        """The whole body."""
        if length is not None and length > limit:
            raise BodyTooLarge
        self._limit = limit
        while not self.ended:
            await self._more(patience_s)
        if self._size > limit:
            raise BodyTooLarge
        return self._taken()

    async def first_part(self, patience_s: float) -> tuple[bytes, bool]:
        """The first part of the body, and whether more will come."""
        self._in_parts = True
        if not self._parts and not self.ended:
            await self._more(patience_s)
        return self._taken(), not self.ended

    async def parts(self, first: bytes, patience_s: float) -> AsyncIterator[bytes]:
        """The body in parts as they come, from a first one that was read already."""
        if first:
            yield first
        while self._parts or not self.ended:
            if not self._parts:
                await self._more(patience_s)
            if part := self._taken():
                yield part

    # The answer.

    async def answer(self, status: int, lines: Lines, body: bytes) -> None:
        """Send a whole answer."""
        self.started = True
        head = self._head(status, lines)
        if self.method == "HEAD" or not body:
            self._line.write(head)
        elif len(body) <= _JOINED:
            self._line.write(head + body)
        else:
            self._line.write(head, body)
        self._finish()

    async def begin(self, status: int, lines: Lines) -> None:
        """Send the head of an answer whose body follows."""
        self.started = True
        length = next((value for name, value in lines if name == b"content-length"), None)
        framing = b""
        if self.method == "HEAD" or status in _NO_BODY:
            self._left = None
        elif length is not None:
            self._left = int(length)
        elif self.old:
            self.keep = False
        else:
            self._chunked = True
            framing = b"transfer-encoding: chunked\r\n"
        if status == _SWITCHED:
            self.keep = True  # a connection that is to be another protocol's is not told to close
        self._line.write(self._head(status, lines, framing))
        self.keep = self.keep and not self.switches

    async def pass_on(self, chunk: bytes) -> None:
        """Send a part of the body; waits while the caller's socket is full."""
        while self._line.writable is not None and not self.gone:
            await self._line.writable
        self.put(chunk)

    def put(self, chunk: bytes) -> Awaitable[object] | None:
        """Send a part of the body at once; what it gives back is to be waited for before the next one."""
        if self.method == "HEAD":
            return None
        if self._left is not None:
            self._left -= len(chunk)
        if not self._chunked:
            self._line.write(chunk)
        elif len(chunk) <= _JOINED:
            self._line.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
        else:
            self._line.write(b"%x\r\n" % len(chunk), chunk, b"\r\n")
        return None if self.gone else self._line.writable

    async def end(self) -> None:
        """Send the end of the body; one that is not as long as its head said cannot be kept alive."""
        if self._chunked:
            self._line.write(b"0\r\n\r\n")
        if self._left:
            self._line.abort()
        self._finish()

    # Whether the caller is still there.

    def watch(self) -> None:
        """Cancel the running task once the caller goes away."""
        self._watched = True
        if self.gone and self.task is not None:
            self.task.cancel()

    def unwatch(self) -> None:
        """Stop looking."""
        self._watched = False

    # The connection's side.

    def switch(self) -> None:
        """It asks for a WebSocket, and no request follows it on its connection."""
        self.switches = self._in_parts = True
        self.keep = False

    def came(self, piece: bytes) -> None:
        """A piece of the body has arrived."""
        if self.done:
            return  # answered already: the rest is only read to its end
        self._parts.append(piece)
        self._size += len(piece)
        if self._limit is None:
            if self._in_parts and self._size > UNREAD:
                self._line.hold()
            self._wake()
        elif self._size > self._limit:
            self.fail(BodyTooLarge())

    def complete(self) -> None:
        """The body is at its end."""
        self.ended = True
        self._wake()

    def fail(self, error: Exception) -> None:
        """Whoever reads the body gets an error."""
        if self._reader is not None and not self._reader.done():
            self._reader.set_exception(error)

    def late(self) -> bool:
        """The body did not come in time; False when nobody waits for it."""
        waiting = self._reader is not None
        self.fail(BodyTooSlow())
        return waiting

    def lost(self) -> None:
        """The connection is gone."""
        if self.done or self.gone:
            return
        self.gone = True
        if not self.ended:
            self.fail(CallerGone())
        if self._watched and self.task is not None:
            self.task.cancel()

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    async def _more(self, patience_s: float) -> None:
        if self.gone:
            raise CallerGone
        if self.expects:
            self.expects = False
            self._line.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._reader = asyncio.get_running_loop().create_future()
        self.patience_s = patience_s
        self._line.read_on(patience_s)
        try:
            await self._reader
        finally:
            self._reader = None
            self.patience_s = 0.0

    def _taken(self) -> bytes:
        parts = self._parts
        if not parts:
            return b""
        self._parts = []
        if self._limit is None:
            self._size = 0
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _head(self, status: int, lines: Lines, framing: bytes = b"") -> bytes:
        content = [STATUS_LINES[status]]
        for name, value in lines:
            content += (name, b": ", value, b"\r\n")
        content.append(framing)
        content.append(b"\r\n" if self.keep else b"connection: close\r\n\r\n")
        head = b"".join(content)
        expected = len(lines) + 2 + bool(framing) + (not self.keep)
        if head.count(b"\n") != expected or head.count(b"\r") != expected or b"\0" in head:
            raise InternalError("a header of an answer holds a line break or a NUL")
        return head

    def _finish(self) -> None:
        self.done = True
        self._line.finished(self)


def _status_line(status: int) -> bytes:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    return f"HTTP/1.1 {status} {phrase}\r\n".encode("ascii")


STATUS_LINES = {status: _status_line(status) for status in range(100, 1000)}
"""The first line of an answer, by its status."""

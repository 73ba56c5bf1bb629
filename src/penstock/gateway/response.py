"""A provider's answer while it arrives."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from penstock.errors import UpstreamError, UpstreamProtocolError

Headers = list[tuple[bytes, bytes]]
"""Header lines in their order; response names are in lower case."""


class Source(Protocol):
    """Where a body comes from."""

    def abort(self) -> None:
        """Stop it."""
        ...

    def drained(self) -> None:
        """The reader took what had gathered."""
        ...


Sink = Callable[[bytes], Awaitable[object] | None]
"""Takes a chunk; what it gives back is waited for before it is given the next one."""


class Response:
    """An answer whose head has arrived and whose body may still be arriving.

    Iterate it for the body's chunks as they come (what has gathered since the last one is given as one), or ``read`` it
    whole. ``aclose`` before the end gives the connection up, which is how a request is cancelled.

    Attributes:
        status: the HTTP status.
        headers: name (lower case) and value, in order.
        complete: whether the whole body has arrived.
    """

    __slots__ = (
        "_connection",
        "_error",
        "_fault",
        "_pieces",
        "_room",
        "_sink",
        "_size",
        "_waiter",
        "complete",
        "headers",
        "status",
    )

    def __init__(self, connection: Source) -> None:
        self.status = 0
        self.headers: Headers = []
        self.complete = False
        self._pieces: list[bytes] = []
        self._size = 0
        self._error: UpstreamError | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._sink: Sink | None = None
        self._room: Awaitable[object] | None = None
        self._fault: Exception | None = None
        self._connection: Source | None = connection

    @property
    def refused(self) -> bool:
        """Whether the provider has answered with an error, so that the rest of a request is not wanted."""
        return self.status >= 400  # noqa: PLR2004 - the error classes begin here

    @property
    def chunks(self) -> Response:
        """The body as an asynchronous iterator of non-empty bytes."""
        return self

    def __aiter__(self) -> Response:
        return self

    async def __anext__(self) -> bytes:
        while not self._pieces:
            if self.complete:
                raise StopAsyncIteration
            if self._error is not None:
                raise self._error
            await self._wait()
        return self._take()

    async def pour(self, sink: Sink) -> None:
        """Give each chunk to a function at the moment it arrives, to the end of the body; raises as iteration does.

        Nobody is woken for a chunk, so a stream of many small ones costs little.
        """
        while True:
            while self._pieces:
                room = sink(self._take())
                if room is not None:
                    await room
            if self.complete:
                return
            if self._error is not None:
                raise self._error
            self._sink = sink
            try:
                await self._wait()
            finally:
                self._sink = None
            if self._fault is not None:
                raise self._fault
            room, self._room = self._room, None
            if room is not None:
                await room

    def take_ready(self) -> bytes:
        """What has arrived and was not yet read, without waiting; empty when there is nothing."""
        return self._take() if self._pieces else b""

    async def read(self, limit: int | None = None) -> bytes:
        """The rest of the body; UpstreamProtocolError if it breaks off or is longer than ``limit`` bytes."""
        parts: list[bytes] = []
        size = 0
        while True:
            if self._pieces:
                size += self._size
                if limit is not None and size > limit:
                    self.close()
                    raise UpstreamProtocolError(f"the answer is longer than {limit} bytes")
                parts.append(self._take())
            if self.complete:
                return parts[0] if len(parts) == 1 else b"".join(parts)
            if self._error is not None:
                raise self._error
            await self._wait()

    def close(self) -> None:
        """Give the connection up if the body is not at its end; harmless at any time."""
        connection, self._connection = self._connection, None
        if connection is not None and not self.complete:
            connection.abort()

    async def aclose(self) -> None:
        """The same as ``close``, for callers that expect a coroutine."""
        self.close()

    async def _wait(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _take(self) -> bytes:
        pieces = self._pieces
        taken = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        self._pieces = []
        self._size = 0
        if self._connection is not None:
            self._connection.drained()
        return taken

    # The connection's side.

    def add(self, piece: bytes) -> int:
        """Keep a piece of the body; returns the bytes that wait now."""
        self._pieces.append(piece)
        self._size += len(piece)
        return self._size

    def finish(self) -> None:
        """The body is at its end."""
        self.complete = True
        self._connection = None
        self.wake()

    def fail(self, error: UpstreamError) -> None:
        """The body breaks off here."""
        self._error = error
        self._connection = None
        self.wake()

    def wake(self) -> None:
        """Let a waiting reader look again, or give its sink what has come."""
        if self._sink is not None and self._pieces and self._room is None:
            self._pour(self._sink)
            if self._room is None and self._fault is None and not self.complete and self._error is None:
                return
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _pour(self, sink: Sink) -> None:
        try:
            self._room = sink(self._take())
        except Exception as error:  # noqa: BLE001 - raised where the sink came from
            self._fault = error

"""One keep-alive HTTP/1.1 connection to a provider, as an asyncio protocol on httptools.

States of a connection:

    idle --begin--> waiting --head--> body --end of message--> idle    (the provider allows keep-alive)
                       |                |                 +--> closed  (it does not, or the request is unfinished)
                       +---- error, close, cancel ---> closed

Interim answers (1xx) are skipped, but for the 101 of a request for another protocol: what follows it is passed as it
comes, until either side closes. A body is framed by its length, by chunks, or by the close of the connection; a close
inside the first two is an error for whoever reads. While more than ``HIGH_WATER`` bytes wait for their reader the
socket is not read, so a slow caller slows the provider and memory stays flat.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable
from typing import Any, cast

import httptools

from penstock.errors import UpstreamError, UpstreamProtocolError
from penstock.gateway.response import Response

HIGH_WATER = 1 << 20
"""Bytes that may wait for their reader before the socket is paused."""

SWITCHED = 101
"""The status of an answer after which the connection speaks another protocol."""

_LAST_WORDS_S = 5.0
"""For what was written last, once nobody waits for an answer any more."""

MAX_HEAD = 1 << 18
"""Bytes of response header names and values."""


class ClosedBeforeAnswer(UpstreamError):  # noqa: N818 - names the condition that allows a second try
    """The connection ended before one byte of an answer: a kept connection that the provider had already given up."""


class Connection(asyncio.Protocol):
    """One socket, one exchange at a time.

    Args:
        released: called when the connection is idle and may be used again.
        closed: called once, when the socket is gone.
        clock: monotonic seconds, for ``deadline`` and ``idle_since``.

    Attributes:
        deadline: the monotonic time at which the current wait is too long, or None; the pool's sweep reads it.
        idle_since: the monotonic time of the last release.
    """

    __slots__ = (
        "_answer_s",
        "_clock",
        "_close_delimited",
        "_closed",
        "_framed",
        "_head",
        "_head_size",
        "_heads_only",
        "_interim",
        "_parser",
        "_paused",
        "_received",
        "_released",
        "_request_done",
        "_response",
        "_stall_s",
        "_switches",
        "_timed_out",
        "_transport",
        "_writable",
        "deadline",
        "idle_since",
    )

    def __init__(
        self,
        *,
        released: Callable[[Connection], None],
        closed: Callable[[Connection], None],
        clock: Callable[[], float],
    ) -> None:
        self._released = released
        self._closed = closed
        self._clock = clock
        self._parser: Any = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._response: Response | None = None
        self._head: asyncio.Future[Response] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._paused = False
        self._received = False
        self._interim = False
        self._framed = False
        self._close_delimited = False
        self._heads_only = self._switches = False
        self._request_done = True
        self._head_size = 0
        self._answer_s = self._stall_s = 0.0
        self._timed_out: UpstreamError | None = None
        self.deadline: float | None = None
        self.idle_since = 0.0

    # What the pool does with it.

    @property
    def usable(self) -> bool:
        """Whether the socket is open and no exchange runs."""
        return self._transport is not None and not self._transport.is_closing() and self._response is None

    def begin(
        self,
        data: Iterable[bytes],
        *,
        heads_only: bool,
        last: bool,
        answer_s: float,
        stall_s: float,
        switches: bool = False,
    ) -> None:
        """Send the request's head, and its body if ``last``; the answer is then awaited with ``head``.

        Args:
            data: the bytes to send.
            heads_only: whether the answer has no body whatever its headers say (HEAD).
            last: whether the request is complete with these bytes.
            answer_s: seconds allowed until the head of the answer.
            stall_s: seconds allowed between two reads of the body.
            switches: whether it asks for another protocol; the connection is for this one request then.
        """
        transport = self._transport
        if transport is None:
            raise ClosedBeforeAnswer("the connection closed before it was used")
        self._response = Response(self)
        self._head = asyncio.get_running_loop().create_future()
        self._received = self._interim = self._framed = self._close_delimited = False
        self._heads_only = heads_only
        self._switches = switches
        self._request_done = last
        self._head_size = 0
        self._answer_s, self._stall_s = answer_s, stall_s
        self._timed_out = None
        self.deadline = self._clock() + answer_s
        transport.writelines(data)

    async def write(self, data: Iterable[bytes]) -> bool:
        """Send more of a streamed request, waiting while the socket is full; False once an answer made it pointless."""
        response = self._response
        if self._transport is None or self._transport.is_closing() or response is None or response.refused:
            return False
        self._transport.writelines(data)
        self.deadline = self._clock() + self._answer_s
        if self._writable is not None:
            await self._writable
        return True

    def sent(self) -> None:
        """The streamed request is complete."""
        self._request_done = True

    async def head(self) -> Response:
        """Wait for the head of the answer; a cancelled wait closes the connection."""
        if self._head is None:
            raise ClosedBeforeAnswer("no exchange runs on this connection")
        try:
            return await self._head
        except asyncio.CancelledError:
            self.abort()
            raise

    def abort(self) -> None:
        """Close the socket at once."""
        if self._transport is not None:
            self._transport.abort()

    def close(self) -> None:
        """Close the socket once what was written has left."""
        if self._transport is not None:
            self.deadline = self._clock() + _LAST_WORDS_S
            self._transport.close()

    def expire(self, error: UpstreamError) -> None:
        """End the current exchange with an error, because its time is over."""
        self._timed_out = error
        self.abort()

    def drained(self) -> None:
        """The reader took what had gathered."""
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()
            if self._response is not None:
                self.deadline = self._clock() + self._stall_s

    # asyncio's side.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is open."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's transports are not asyncio's by class

    def data_received(self, data: bytes) -> None:
        """Parse what came, then wake whoever waits for it."""
        response = self._response
        if response is None:
            self.abort()  # bytes that no request asked for
            return
        self._received = True
        self.deadline = self._clock() + self._stall_s
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if response.status == SWITCHED and isinstance(error, httptools.HttpParserUpgrade):
                self._switch(response, data[error.args[0] :])
                return
            ours = error.__context__  # what a callback of ours raised inside the parser
            broken = UpstreamProtocolError(f"the answer is not HTTP/1.1 ({type(error).__name__})")
            self._fail(ours if isinstance(ours, UpstreamError) else broken)
            return
        response.wake()

    def eof_received(self) -> None:
        """The provider closed its side: the socket closes, and ``connection_lost`` decides what that means."""

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is gone: an end, an error, or a reason to try again."""
        self._transport = None
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        response = self._response
        if response is not None:
            if self._close_delimited and exc is None and self._timed_out is None:
                self._end(response)
            elif not response.complete:
                self._fail(self._timed_out or self._reason())
        self._closed(self)

    def pause_writing(self) -> None:
        """The socket's buffer is full."""
        self._writable = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        """There is room again."""
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    # The parser's side.

    def on_message_begin(self) -> None:
        """A head begins; a second final answer to one request is not HTTP."""
        if self._response is None or self._response.complete:
            raise UpstreamProtocolError("a second answer to one request")
        self._interim = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header line."""
        response = self._response
        if response is None:
            return
        self._head_size += len(name) + len(value)
        if self._head_size > MAX_HEAD:
            raise UpstreamProtocolError(f"the head of the answer is longer than {MAX_HEAD} bytes")
        name = name.lower()
        if name in (b"content-length", b"transfer-encoding"):
            self._framed = True
        response.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """A head is complete: an interim one is dropped, a final one is given to whoever waits."""
        response = self._response
        if response is None or self._head is None:
            return
        status = self._parser.get_status_code()
        if status < 200 and not (status == SWITCHED and self._switches):  # noqa: PLR2004 - interim
            self._interim = True
            self._framed = False
            response.headers = []
            return
        response.status = status
        self._close_delimited = not self._framed and status not in (204, 304) and not self._heads_only
        if not self._head.done():
            self._head.set_result(response)
        if self._heads_only:
            self._end(response)
            self.abort()  # the parser would wait for a body that never comes

    def on_body(self, piece: bytes) -> None:
        """A piece of the body."""
        response = self._response
        if response is None:
            return
        if response.add(piece) > HIGH_WATER and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()
            self.deadline = None  # the caller is slow now, not the provider

    def on_message_complete(self) -> None:
        """The end of an interim answer, or of the exchange."""
        response = self._response
        if response is None or self._interim or response.complete or response.status == SWITCHED:
            return
        response.finish()
        self._settle(keep=self._parser.should_keep_alive())

    # Another protocol.

    def _switch(self, response: Response, first: bytes) -> None:
        """From here on bytes are passed as they come, and nobody has to say anything in time."""
        self._parser = _Passing(self)
        self._close_delimited = True
        self._answer_s = self._stall_s = math.inf
        self.deadline = None
        if first:
            self.on_body(first)
        response.wake()

    # Endings.

    def _settle(self, *, keep: bool) -> None:
        """Free the connection after a whole answer, or close it if that was asked or the request was unfinished."""
        self.deadline = None
        self._response = None
        if not (keep and self._request_done):
            self.abort()
            return
        if self._paused:
            self.drained()
        self.idle_since = self._clock()
        self._released(self)

    def _end(self, response: Response) -> None:
        self.deadline = None
        self._response = None
        response.finish()

    def _fail(self, error: UpstreamError) -> None:
        response, self._response = self._response, None
        self.deadline = None
        if self._head is not None and not self._head.done():
            self._head.set_exception(error)
            self._head.exception()  # a request that is given up while it is sent never waits for its head
        elif response is not None:
            response.fail(error)
        self.abort()

    def _reason(self) -> UpstreamError:
        if not self._received:
            return ClosedBeforeAnswer("the provider closed the connection without an answer")
        where = "body" if self._head is not None and self._head.done() else "head"
        return UpstreamProtocolError(f"the provider closed the connection inside the {where} of its answer")


class _Passing:
    """What stands in the parser's place once the connection speaks another protocol."""

    __slots__ = ("_connection",)

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def feed_data(self, data: bytes) -> None:
        """Take bytes as they came."""
        self._connection.on_body(data)

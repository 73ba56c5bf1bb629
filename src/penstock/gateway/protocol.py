"""A caller's connection: HTTP/1.1 on httptools, with the limits that a slow or hostile caller meets.

    head --complete--> body --end--> next head        a turn's answer may end before or after its body
     |                  |
     +-- late, too large, not HTTP: refused in the shape of a provider's error, and closed

- a head has a largest size and a latest time (header bombs, slow-loris), and so has a silent connection
- pipelined requests are answered one after the other, in their order; while one runs the socket is not read further
- a small request is whole when its work begins, so nothing waits for its body

uvicorn runs it: it listens, counts the connections, and asks each of them to end on shutdown.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, cast

import httptools
from uvicorn.server import ServerState

from penstock.gateway.settings import Settings
from penstock.gateway.turn import STATUS_LINES, Turn
from penstock.wire.errors import error_body

Serve = Callable[[Turn], Awaitable[None]]
"""Answers a turn."""

_METHODS = {name.encode(): name for name in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")}


class HeadTooLarge(Exception):  # noqa: N818 - raised inside the parser, never seen outside
    """A request's head is beyond the limit."""


class CallerConnection(asyncio.Protocol):
    """One caller's connection. Made by ``protocol_of``.

    Args:
        serve: answers a turn.
        settings: the limits.
        server: uvicorn's account of what is open.

    Attributes:
        writable: done once the caller's socket has room again; None while it has.
    """

    def __init__(self, serve: Serve, settings: Settings, server: ServerState) -> None:
        self._loop = asyncio.get_running_loop()
        self._serve = serve
        self._settings = settings
        self._server = server
        self._transport: asyncio.Transport | None = None
        self._parser = self._new_parser()
        self._turn: Turn | None = None
        self._arriving: Turn | None = None
        self._waiting: deque[Turn] = deque()
        self._in_head = self._expects = self._refused = self._held = self._closing = self._replayed = False
        self._head_size = self._chunk_size = 0
        self._url = b""
        self._lines: list[tuple[bytes, bytes]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._deadline: float | None = None
        self._unread: asyncio.TimerHandle | None = None
        self.writable: asyncio.Future[None] | None = None

    # asyncio's side.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A caller that connects and says nothing is not waited for."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's transports are not asyncio's by class
        self._server.connections.add(cast(Any, self))
        self._allow(self._settings.head_s)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - how it ended makes no odds
        """The caller is gone, and so is what it still waited for."""
        self._transport = None
        self._server.connections.discard(cast(Any, self))
        self._drained()
        if self._timer is not None:
            self._timer.cancel()
        for turn in (self._turn, self._arriving, *self._waiting):
            if turn is not None:
                turn.lost()
        self._waiting.clear()

    def eof_received(self) -> None:
        """The caller closed its side: the socket closes."""

    def data_received(self, data: bytes) -> None:
        """Parse, start what has arrived, and watch the time of what has not."""
        if self._refused:
            return
        self._chunk_size = len(data)
        if self._in_head:
            self._head_size += len(data)
        try:
            self._feed(data)
        except httptools.HttpParserError as error:
            if isinstance(error.__context__, HeadTooLarge):
                self._refuse_head()
            else:
                self._refuse(400, "the request is not valid HTTP/1.1")
            return
        if self._in_head:
            if self._head_size > self._settings.max_head:
                self._refuse_head()
                return
            if self._turn is None and self._head_size == len(data):
                self._allow(self._settings.head_s)
            return
        turn = self._arriving
        if turn is not None and not turn.ended and not self._held:
            self._allow(turn.patience_s or self._settings.body_s)
        elif self._turn is not None:
            self._deadline = None

    def pause_writing(self) -> None:
        """The caller's socket is full; one that stays so is given up, for its call would never end."""
        self.writable = self._loop.create_future()
        self._unread = self._loop.call_later(self._settings.unread_s, self.abort)

    def resume_writing(self) -> None:
        """There is room again."""
        self._drained()

    def shutdown(self) -> None:
        """End after what runs now; uvicorn calls it."""
        self._closing = True
        if self._turn is None:
            self.close()
        else:
            self._turn.keep = False

    # The parser's side.

    def on_message_begin(self) -> None:
        """A head begins."""
        if self._replayed:
            return
        self._in_head = True
        self._head_size = self._chunk_size
        self._expects = False
        self._url = b""
        self._lines = []

    def on_url(self, url: bytes) -> None:
        """A part of the target."""
        if not self._replayed:
            self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header line."""
        if self._replayed:
            return
        name = name.lower()
        if name == b"expect":
            self._expects = value.lower() == b"100-continue"
        self._lines.append((name, value))

    def on_headers_complete(self) -> None:
        """The head is complete: a turn begins, or waits for the one before it."""
        if self._replayed:
            return
        if self._head_size > self._settings.max_head:
            # What was read may hold more than the head.
            size = len(self._url) + sum(len(name) + len(value) for name, value in self._lines)
            if size > self._settings.max_head:
                raise HeadTooLarge
        self._in_head = False
        parser = self._parser
        method = parser.get_method()
        path, query = _target(self._url)
        turn = Turn(self, _METHODS.get(method) or method.decode("ascii"), path, query, self._lines)
        turn.old = parser.get_http_version() == "1.0"
        turn.keep = parser.should_keep_alive() and not turn.old and not self._closing
        turn.expects = self._expects
        self._arriving = turn
        if self._turn is None:
            self._begin(turn)
        else:
            self._waiting.append(turn)
            self.hold()

    def on_body(self, piece: bytes) -> None:
        """A piece of the body."""
        if self._arriving is not None:
            self._arriving.came(piece)

    def on_message_complete(self) -> None:
        """The end of a request, unless its body is still to be read because the parser took it for another protocol."""
        turn = self._arriving
        if turn is None or self._parser.should_upgrade():
            return
        turn.complete()
        self._arriving = None
        if turn.done:
            self._next(turn)

    # A turn's side.

    def write(self, *data: bytes) -> None:
        """Send bytes; nothing happens on a closed connection."""
        if self._transport is None:
            return
        if len(data) == 1:
            self._transport.write(data[0])
        else:
            self._transport.writelines(data)

    def hold(self) -> None:
        """Stop reading the socket."""
        if not self._held and self._transport is not None and not self._transport.is_closing():
            self._held = True
            self._deadline = None  # what does not come now is not the caller's fault
            self._transport.pause_reading()

    def read_on(self, patience_s: float) -> None:
        """Go on reading, for at most so many seconds without a byte."""
        self._allow(patience_s)
        self._unhold()

    def finished(self, turn: Turn) -> None:
        """A turn's answer is complete; the rest of its body is read and dropped."""
        if turn.ended:
            self._next(turn)
        elif turn.keep:
            self.read_on(self._settings.body_s)
        else:
            self.close()

    def close(self) -> None:
        """Close the socket once what was written has left."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close the socket at once."""
        if self._transport is not None:
            self._transport.abort()

    # Turns, one after the other.

    def _begin(self, turn: Turn) -> None:
        self._turn = turn
        turn.task = task = self._loop.create_task(self._work(turn))
        self._server.tasks.add(task)

    async def _work(self, turn: Turn) -> None:
        try:
            await self._serve(turn)
        except Exception:  # noqa: BLE001 - a fault of ours ends one turn
            if not turn.started and not turn.gone:
                self._refuse(500, "internal error")
        finally:
            self._server.tasks.discard(turn.task)
            turn.task = None  # it holds the turn, and the two would be a cycle
            if not turn.done:
                self.close()  # an answer without its end

    def _next(self, turn: Turn) -> None:
        """What follows a turn that is over on both sides."""
        self._turn = None
        if not turn.keep:
            self.close()
            return
        if self._waiting:
            self._begin(self._waiting.popleft())
        else:
            self._allow(self._settings.head_s if self._in_head else self._settings.keep_alive_s)
        if not self._waiting:
            self._unhold()

    def _unhold(self) -> None:
        if self._held and self._transport is not None and not self._transport.is_closing():
            self._held = False
            self._transport.resume_reading()

    def _drained(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None
        writable, self.writable = self.writable, None
        if writable is not None and not writable.done():
            writable.set_result(None)

    # Parsing.

    def _new_parser(self) -> Any:
        parser = httptools.HttpRequestParser(self)
        # A caller that says ``connection: close`` and sends on is answered first.
        parser.set_dangerous_leniencies(lenient_data_after_close=True)
        return parser

    def _feed(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            rest = data[upgrade.args[0] :]
            turn = self._arriving
            if turn is not None and _asks_for_websocket(turn):
                self._pass(turn, rest)
            else:
                self._replay(rest)

    def _pass(self, turn: Turn, rest: bytes) -> None:
        """What follows the request for a WebSocket is given to its turn as it comes."""
        turn.switch()
        self._arriving = None
        self._parser = _Passing(turn)
        if rest:
            turn.came(rest)

    def _replay(self, rest: bytes) -> None:
        """Go on without another upgrade that a caller offers (h2c): RFC 9110, 7.8 lets a server ignore it.

        The parser stops at such a head and would take the body for the other protocol. Another one is told how the body
        is framed and reads on.
        """
        turn = self._arriving
        if turn is None:
            return
        framing = (b"content-length", b"transfer-encoding")
        told = b"".join(b"%b: %b\r\n" % line for line in turn.lines if line[0] in framing)
        self._parser = self._new_parser()
        self._replayed = True
        try:
            self._parser.feed_data(b"POST / HTTP/1.1\r\n" + told + b"\r\n")
        finally:
            self._replayed = False
        self._feed(rest)

    # Time, and what is refused.

    def _allow(self, seconds: float) -> None:
        """The wait that begins now may take so long. There is one timer, which moves only to an earlier time."""
        if self._transport is None:
            return
        self._deadline = when = self._loop.time() + seconds
        if self._timer is None or when < self._timer_at:
            self._arm(when)

    def _arm(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = when
        self._timer = self._loop.call_at(when, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._transport is None:
            return
        now = self._loop.time()
        if self._deadline is None:
            self._arm(now + self._settings.keep_alive_s)
        elif self._deadline > now:
            self._arm(self._deadline)
        else:
            self._deadline = None
            self._late()

    def _late(self) -> None:
        turn = self._arriving
        if self._in_head:
            self._refuse(408, "the request's head did not come in time")
        elif turn is None or not turn.late():
            self.close()

    def _refuse_head(self) -> None:
        self._refuse(431, f"the request's head is larger than {self._settings.max_head} bytes")

    def _refuse(self, status: int, message: str) -> None:
        """An answer of the connection's own, in the shape of the provider that the target is of, and the end of it."""
        self._refused = True
        self._in_head = False
        provider = "anthropic" if self._url.startswith((b"/v1/messages", b"/anthropic/")) else "openai"
        body = error_body(provider, status, None, f"Penstock: {message}")
        head = b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(body)
        self.write(STATUS_LINES[status] + head + body)
        self.close()


class _Passing:
    """What stands in the parser's place after the request for a WebSocket."""

    __slots__ = ("_turn",)

    def __init__(self, turn: Turn) -> None:
        self._turn = turn

    def feed_data(self, data: bytes) -> None:
        """Take bytes as they came."""
        self._turn.came(data)


def _asks_for_websocket(turn: Turn) -> bool:
    """RFC 6455, 4.1: a GET with ``upgrade: websocket``."""
    return turn.method == "GET" and any(
        name == b"upgrade" and value.strip().lower() == b"websocket" for name, value in turn.lines
    )


def _target(url: bytes) -> tuple[bytes, bytes]:
    """Path and query of a request's target; a parser's error for what is neither a path nor a URL."""
    if url.startswith(b"/") and b"#" not in url:
        path, _, query = url.partition(b"?")
        return path, query
    parts = httptools.parse_url(url)
    return parts.path or b"/", parts.query or b""


def protocol_of(serve: Serve, settings: Settings) -> type[asyncio.Protocol]:
    """What uvicorn makes a gateway's connections with."""

    def connection(*, server_state: ServerState, **_: Any) -> CallerConnection:
        return CallerConnection(serve, settings, server_state)

    return cast(type[asyncio.Protocol], connection)

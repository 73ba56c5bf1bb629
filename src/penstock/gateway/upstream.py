"""The way to one provider: a pool of kept connections behind one narrow seam, ``Upstream.request``.

Whoever wants another HTTP library implements that method and passes the same contract tests.

    response = await upstream.request(b"POST", b"/v1/messages", headers, body)
    response.status, response.headers
    async for chunk in response.chunks: ...
    await response.aclose()

A request is sent a second time only in one case: on a kept connection that the provider had closed already, which shows
at once (a closing that was on its way comes within a round trip, which making a connection takes too) and before a byte
of an answer came, and only if the body is in memory. A provider that closes later may have worked on the request and
would be paid twice. Everything else is the caller's decision.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from typing import Protocol

import msgspec

from penstock.errors import UpstreamClosed, UpstreamProtocolError, UpstreamTimeout, UpstreamUnreachable
from penstock.gateway.connection import ClosedBeforeAnswer, Connection
from penstock.gateway.headers import SameLines
from penstock.gateway.origin import Origin
from penstock.gateway.response import Response
from penstock.gateway.tunnel import Proxy, open_tunnel

_NO_TARGET = re.compile(rb"[ \r\n\0]")

SWEEP_S = 1.0
"""How often overdue and idle connections are looked for, seconds."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How long to wait and how much to keep.

    Attributes:
        connect_s: seconds for name resolution, connection and TLS.
        answer_s: seconds from the request to the head of the answer; the SDKs allow ten minutes.
        stall_s: seconds between two reads of a body.
        keep_s: seconds that an idle connection is kept.
        keep: idle connections kept.
        stale_s: seconds, beyond what the fastest connection took to be made, in which a kept connection shows that it
            was closed already.
    """

    connect_s: float = 10.0
    answer_s: float = 600.0
    stall_s: float = 300.0
    keep_s: float = 50.0
    keep: int = 256
    stale_s: float = 0.05


class Exchange(Protocol):
    """The seam: anything that can send a request and give back a response."""

    async def request(
        self,
        method: bytes,
        target: bytes,
        headers: Iterable[tuple[bytes, bytes]],
        body: bytes | AsyncIterable[bytes] = b"",
        *,
        length: int | None = None,
    ) -> Response:
        """Send a request; returns once the head of the answer is there."""
        ...

    async def aclose(self) -> None:
        """Close every connection."""
        ...


class Upstream:
    """One provider's connections.

    Args:
        origin: where it is.
        limits: times and sizes.
        tls: the TLS context; None makes the default one, which verifies.
        proxy: an HTTP proxy to tunnel through, or None.
    """

    def __init__(
        self,
        origin: Origin,
        *,
        limits: Limits | None = None,
        tls: ssl.SSLContext | None = None,
        proxy: Proxy | None = None,
    ) -> None:
        self.origin = origin
        self.limits = limits or Limits()
        self._tls = (tls or ssl.create_default_context()) if origin.tls else None
        self._proxy = proxy
        self._idle: deque[Connection] = deque()
        self._all: set[Connection] = set()
        self._fastest_s = float("inf")
        self._sweep: asyncio.TimerHandle | None = None
        self._host_line = b" HTTP/1.1\r\nhost: " + origin.authority + b"\r\n"

    @property
    def open_connections(self) -> int:
        """Sockets open now, idle ones included."""
        return len(self._all)

    async def request(
        self,
        method: bytes,
        target: bytes,
        headers: Iterable[tuple[bytes, bytes]],
        body: bytes | AsyncIterable[bytes] = b"",
        *,
        length: int | None = None,
    ) -> Response:
        """Send one request and return when the head of its answer has arrived.

        Args:
            method: for example ``b"POST"``.
            target: path and query of the provider's API, without the base URL's prefix.
            headers: end-to-end headers. ``host``, ``content-length`` and ``transfer-encoding`` are written here: a body
                in memory is sent with its length, a streamed one in chunks or with the length given.
            body: the whole body, or its pieces.
            length: of a streamed body, when it is known.

        Raises:
            UpstreamUnreachable: no connection could be made.
            UpstreamClosed: it was closed without an answer.
            UpstreamTimeout: a limit passed.
            UpstreamProtocolError: what came back is not HTTP.
        """
        streamed = not isinstance(body, bytes)
        head = self._head(method, target, headers, len(body) if isinstance(body, bytes) else length)
        whole = (head, body) if isinstance(body, bytes) and body else (head,)
        heads_only = method == b"HEAD"
        loop = asyncio.get_running_loop()
        while True:
            connection = self._take_idle()
            kept = connection is not None
            begun = loop.time()
            if connection is None:
                connection = await self._connect()
            try:
                connection.begin(
                    whole,
                    heads_only=heads_only,
                    last=not streamed,
                    answer_s=self.limits.answer_s,
                    stall_s=self.limits.stall_s,
                )
                if not isinstance(body, bytes):
                    await _send_pieces(connection, body, length)
                return await connection.head()
            except ClosedBeforeAnswer as error:
                if kept and not streamed and loop.time() - begun <= self._fastest_s + self.limits.stale_s:
                    continue
                raise UpstreamClosed(str(error)) from None

    async def switch(self, target: bytes, headers: Iterable[tuple[bytes, bytes]]) -> tuple[Response, Connection]:
        """Ask for another protocol on a connection of its own: the answer, and the connection to write to after a 101.

        Args:
            target: path and query.
            headers: ``connection`` and ``upgrade`` among them.

        Raises:
            UpstreamError: as `request` does.
        """
        head = self._head(b"GET", target, headers, 0)
        connection = await self._connect()
        limits = self.limits
        try:
            connection.begin(
                (head,), heads_only=False, last=True, answer_s=limits.answer_s, stall_s=limits.stall_s, switches=True
            )
            return await connection.head(), connection
        except ClosedBeforeAnswer as error:
            raise UpstreamClosed(str(error)) from None

    async def aclose(self) -> None:
        """Close every connection, running ones too."""
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        for connection in list(self._all):
            connection.abort()
        while self._all:  # noqa: ASYNC110 - the sockets close in the loop's next turns
            await asyncio.sleep(0)

    def _head(self, method: bytes, target: bytes, headers: Iterable[tuple[bytes, bytes]], length: int | None) -> bytes:
        """The request's head; without a length its body is sent in chunks."""
        if isinstance(headers, SameLines):
            wire = headers.wire = headers.wire or _written(headers)
        else:
            wire = _written(headers)
        if length is None:
            framing = b"transfer-encoding: chunked\r\n\r\n"
        elif length or method in (b"POST", b"PUT", b"PATCH"):
            framing = b"content-length: %d\r\n\r\n" % length
        else:
            framing = b"\r\n"
        if _NO_TARGET.search(target) is not None:
            raise UpstreamProtocolError("the target holds a line break, a blank or a NUL")
        return b"%b %b%b%b%b" % (method, self.origin.target(target), self._host_line, wire, framing)

    def _take_idle(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.usable:
                return connection
        return None

    async def _connect(self) -> Connection:
        loop = asyncio.get_running_loop()
        origin, limits = self.origin, self.limits
        begun = loop.time()

        def build() -> Connection:
            return Connection(released=self._release, closed=self._forget, clock=loop.time)

        try:
            async with asyncio.timeout(limits.connect_s):
                if self._proxy is not None:
                    connection = await open_tunnel(self._proxy, origin, self._tls, build)
                else:
                    name = origin.host if self._tls else None
                    _, connection = await loop.create_connection(
                        build, origin.host, origin.port, ssl=self._tls, server_hostname=name
                    )
        except TimeoutError:
            raise UpstreamTimeout(
                f"no connection to {origin.host}:{origin.port} within {limits.connect_s:g} s",
                hint="check the base URL in the policy, the network, and HTTPS_PROXY",
            ) from None
        except (OSError, ssl.CertificateError) as error:
            raise UpstreamUnreachable(
                f"cannot connect to {origin.host}:{origin.port} ({_reason(error)})",
                hint="check the base URL in the policy, the network, and HTTPS_PROXY",
            ) from None
        self._fastest_s = min(self._fastest_s, loop.time() - begun)
        self._all.add(connection)
        if self._sweep is None:
            self._schedule(loop)
        return connection

    def _release(self, connection: Connection) -> None:
        if len(self._idle) >= self.limits.keep:
            connection.abort()
        else:
            self._idle.append(connection)

    def _forget(self, connection: Connection) -> None:
        self._all.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)

    def _schedule(self, loop: asyncio.AbstractEventLoop) -> None:
        shortest = min(self.limits.answer_s, self.limits.stall_s, self.limits.keep_s)
        self._sweep = loop.call_later(min(SWEEP_S, shortest / 4), self._swept, loop)

    def _swept(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for connection in list(self._all):
            if connection.deadline is not None and connection.deadline < now:
                connection.expire(UpstreamTimeout(f"{self.origin.host} did not go on with its answer in time"))
        while self._idle and self._idle[0].idle_since + self.limits.keep_s < now:
            self._idle.popleft().abort()
        self._sweep = None
        if self._all:
            self._schedule(loop)


def _written(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Header lines as they go over the wire; one count guards against injection whatever the caller's checks were."""
    lines: list[bytes] = []
    count = 0
    for name, value in headers:
        lines += (name, b": ", value, b"\r\n")
        count += 1
    wire = b"".join(lines)
    if wire.count(b"\n") != count or wire.count(b"\r") != count or b"\0" in wire:
        raise UpstreamProtocolError("a header holds a line break or a NUL")
    return wire


async def _send_pieces(connection: Connection, pieces: AsyncIterable[bytes], length: int | None) -> None:
    """Send a streamed body; a source that breaks off closes the connection, so that no half of it looks whole."""
    iterator: AsyncIterator[bytes] = aiter(pieces)
    left = length
    try:
        async for piece in iterator:
            if not piece:
                continue
            if left is not None:
                left -= len(piece)
            data = (b"%x\r\n" % len(piece), piece, b"\r\n") if left is None else (piece,)
            if not await connection.write(data):
                return
    except BaseException:
        connection.abort()
        raise
    if left:
        connection.abort()
        raise UpstreamProtocolError("the streamed body is not as long as its length says")
    if left == 0 or await connection.write((b"0\r\n\r\n",)):
        connection.sent()


def _reason(error: OSError) -> str:
    """The kind of a connection error in a few words, without addresses that a log should not repeat."""
    return error.strerror or type(error).__name__

"""uvicorn's HTTP/1.1 protocol with the limits that it lacks, and one way to answer at once.

- a head has a largest size and a latest time (header bombs, slow-loris), and so has a silent connection
- what is not HTTP is refused in the shape of a provider's error
- a whole answer can leave in one write: the ASGI extension ``penstock.answer``
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from penstock.gateway.headers import Lines
from penstock.gateway.settings import Settings
from penstock.wire.errors import error_body

EXTENSION = "penstock.answer"
"""The scope's extension: ``answer(status, lines, body) -> bool``, False when it has to be sent the usual way."""

_JOINED = 1 << 16
"""Bodies up to so many bytes are joined with their head; larger ones are not copied."""


class HeadTooLarge(Exception):  # noqa: N818 - raised inside the parser, never seen outside
    """A request's head is beyond the limit."""


class LimitedProtocol(HttpToolsProtocol):
    """One caller's connection. Made by ``protocol_of``, which sets the limits."""

    settings = Settings()

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._head_size = 0
        self._in_head = False
        self._refused = False
        self._head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """A caller that connects and says nothing is not waited for."""
        super().connection_made(transport)
        self.timeout_keep_alive_task = self.loop.call_later(self.settings.head_s, self.timeout_keep_alive_handler)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse, and watch the time of a head that is not complete yet."""
        if self._refused:
            return
        super().data_received(data)
        if self._in_head and self._head_timer is None and not self.transport.is_closing():
            self._head_timer = self.loop.call_later(self.settings.head_s, self._late)

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        self._in_head = True
        self._head_size = 0

    def on_url(self, url: bytes) -> None:
        """A part of the target."""
        self._grow(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header line."""
        self._grow(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is complete: the application is started."""
        self._in_head = False
        self._stop_timer()
        super().on_headers_complete()
        scope: Any = self.scope
        scope["extensions"] = {EXTENSION: partial(_answer, self.cycle)}

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP, in the shape of the provider that the target is of."""
        too_large = self._head_size > self.settings.max_head
        if too_large:
            self._refuse(431, f"the request's head is larger than {self.settings.max_head} bytes")
        else:
            self._refuse(400, "the request is not valid HTTP/1.1" if msg else "bad request")

    def _grow(self, size: int) -> None:
        self._head_size += size
        if self._head_size > self.settings.max_head:
            raise HeadTooLarge

    def _late(self) -> None:
        self._head_timer = None
        if not self.transport.is_closing():
            self._refuse(408, "the request's head did not come in time")

    def _refuse(self, status: int, message: str) -> None:
        self._refused = True
        self._in_head = False
        self._stop_timer()
        url: bytes = getattr(self, "url", b"") or b""
        provider = "anthropic" if url.startswith((b"/v1/messages", b"/anthropic/")) else "openai"
        body = error_body(provider, status, None, f"Penstock: {message}")
        head = b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(body)
        self.transport.write(STATUS_LINE[status] + head + body)
        self.transport.close()

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


def protocol_of(settings: Settings) -> type[LimitedProtocol]:
    """The protocol class with a gateway's limits."""
    return type("GatewayProtocol", (LimitedProtocol,), {"settings": settings})


def _answer(cycle: RequestResponseCycle, status: int, lines: Lines, body: bytes) -> bool:
    """Send a whole answer in one write. ``lines`` hold the body's ``content-length``."""
    if cycle.response_started or cycle.flow.write_paused:
        return False
    if cycle.disconnected:
        return True
    content = [STATUS_LINE[status]]
    for name, value in lines:
        content += (name, b": ", value, b"\r\n")
    if not cycle.keep_alive:
        content.append(b"connection: close\r\n")
    content.append(b"\r\n")
    head = b"".join(content)
    if head.count(b"\n") != len(lines) + (2 if cycle.keep_alive else 3):
        return False  # the usual way raises what is wrong with the header
    cycle.response_started = cycle.response_complete = True
    if cycle.scope["method"] == "HEAD":
        body = b""
    if len(body) <= _JOINED:
        cycle.transport.write(head + body)
    else:
        cycle.transport.writelines((head, body))
    cycle.message_event.set()
    if not cycle.keep_alive:
        cycle.transport.close()
    cycle.on_response()
    return True

"""Shadows: requests that no caller waits for, carried out after the answer; at most so many at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from penstock.engine.flow import Flow
from penstock.engine.steps import Sent, Shadow
from penstock.errors import UpstreamError
from penstock.gateway.headers import Lines, header, replaced
from penstock.gateway.problems import error_kind
from penstock.gateway.resilience import Endpoint
from penstock.gateway.settings import Settings
from penstock.wire.content_encoding import READABLE, plain_body

MOST = 64
"""Shadows that may run at once; the next one is given up, and its call is recorded without it."""


class Shadows:
    """The shadows of one gateway that run now.

    Args:
        settings: limits.
        clock: seconds since the epoch.
        most: that may run at once.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float], most: int = MOST) -> None:
        self._settings = settings
        self._clock = clock
        self._most = most
        self._running: dict[asyncio.Task[None], Flow] = {}

    def start(self, flow: Flow, shadow: Shadow, endpoint: Endpoint, target: bytes, lines: Lines) -> None:
        """Send a shadow and end its flow with the answer, in a task of its own."""
        if len(self._running) >= self._most:
            flow.advance()
            return
        task = asyncio.create_task(self._carry_out(flow, shadow, endpoint, target, lines))
        self._running[task] = flow
        task.add_done_callback(self._ended)

    async def close(self) -> None:
        """Give up what still runs; the records are kept all the same."""
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        flow = self._running.pop(task)
        if task.cancelled() or task.exception() is not None:
            flow.advance()

    async def _carry_out(self, flow: Flow, shadow: Shadow, endpoint: Endpoint, target: bytes, lines: Lines) -> None:
        clock = self._clock
        sent_at = clock()
        status: int | None = None
        try:
            response = await endpoint.request(
                b"POST", target, replaced(lines, b"accept-encoding", READABLE), shadow.body
            )
            status, first_at = response.status, clock()
            raw = await response.read(self._settings.max_answer)
            result = Sent(
                status=status,
                body=plain_body(raw, header(response.headers, b"content-encoding")),
                started_at=sent_at,
                first_byte_at=first_at,
                ended_at=clock(),
                error_kind=None if status < 400 else f"http_{status}",  # noqa: PLR2004 - HTTP
            )
        except UpstreamError as error:
            result = Sent(status=status, started_at=sent_at, ended_at=clock(), error_kind=error_kind(error))
        flow.advance(result)

"""Shadows: requests and grades that no caller waits for, carried out after the answer; at most so many at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from penstock.engine.flow import Flow
from penstock.engine.steps import Later, Sent, Shadow
from penstock.errors import UpstreamError
from penstock.gateway.headers import Lines, header, replaced
from penstock.gateway.problems import error_kind
from penstock.gateway.resilience import Endpoint
from penstock.gateway.settings import Settings
from penstock.grading.graders import Graders
from penstock.wire.content_encoding import READABLE, plain_body

MOST = 64
"""Calls whose shadows may run at once; the next one's are given up, and it is recorded without them."""


class Shadows:
    """The shadows of one gateway that run now.

    Args:
        settings: limits.
        clock: seconds since the epoch.
        graders: the user's graders; None makes some.
        most: that may run at once.
    """

    def __init__(
        self, settings: Settings, clock: Callable[[], float], graders: Graders | None = None, most: int = MOST
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._graders = graders if graders is not None else Graders()
        self._most = most
        self._running: dict[asyncio.Task[None], Flow] = {}

    def start(self, flow: Flow, first: Later, endpoint: Endpoint, target: bytes, lines: Lines) -> None:
        """Carry out what is left of a flow, in a task of its own."""
        if len(self._running) >= self._most:
            flow.give_up()
            return
        task = asyncio.create_task(self._carry_out(flow, first, endpoint, target, lines))
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
            flow.give_up()

    async def _carry_out(self, flow: Flow, first: Later, endpoint: Endpoint, target: bytes, lines: Lines) -> None:
        step: Later | None = first
        while step is not None:
            if isinstance(step, Shadow):
                step = flow.later(await self._sent(step, endpoint, target, lines))
            else:
                step = flow.later(await self._graders.grade_async(step))

    async def _sent(self, shadow: Shadow, endpoint: Endpoint, target: bytes, lines: Lines) -> Sent:
        clock = self._clock
        sent_at = clock()
        status: int | None = None
        try:
            response = await endpoint.request(
                b"POST", target, replaced(lines, b"accept-encoding", READABLE), shadow.body
            )
            status, first_at = response.status, clock()
            raw = await response.read(self._settings.max_answer)
            return Sent(
                status=status,
                body=plain_body(raw, header(response.headers, b"content-encoding")),
                started_at=sent_at,
                first_byte_at=first_at,
                ended_at=clock(),
                error_kind=None if status < 400 else f"http_{status}",  # noqa: PLR2004 - HTTP
            )
        except UpstreamError as error:
            return Sent(status=status, started_at=sent_at, ended_at=clock(), error_kind=error_kind(error))

"""Shadows: requests and grades that no caller waits for, carried out after the answer; at most so many at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from penstock.engine.flow import Flow
from penstock.engine.steps import Later, Sent, Shadow
from penstock.errors import UpstreamError
from penstock.gateway.batches import Batches
from penstock.gateway.headers import Lines, header, replaced
from penstock.gateway.problems import error_kind
from penstock.gateway.resilience import Endpoint
from penstock.gateway.settings import Settings
from penstock.grading.graders import Graders
from penstock.wire.content_encoding import READABLE, plain_body

MOST = 64
"""Calls whose shadows may run at once; the next one's are given up, and it is recorded without them."""

PATIENCE_S = 5.0
"""Seconds that a close waits for the records of shadows in batches."""


class Shadows:
    """The shadows of one gateway that run now.

    Args:
        settings: limits.
        clock: seconds since the epoch.
        batches: where shadows go that may wait.
        graders: the user's graders; None makes some.
        most: that may run at once.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], float],
        batches: Batches,
        graders: Graders | None = None,
        most: int = MOST,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._batches = batches
        self._graders = graders if graders is not None else Graders()
        self._most = most
        self._running: dict[asyncio.Task[None], Flow] = {}
        self._batched: set[asyncio.Task[None]] = set()

    def start(self, flow: Flow, first: Later, endpoint: Endpoint, target: bytes, lines: Lines) -> None:
        """Carry out what is left of a flow, in a task of its own."""
        batched = isinstance(first, Shadow) and first.batch
        if not batched and len(self._running) - len(self._batched) >= self._most:
            flow.give_up()
            return
        task = asyncio.create_task(self._carry_out(flow, first, endpoint, target, lines))
        self._running[task] = flow
        if batched:
            self._batched.add(task)
        task.add_done_callback(self._ended)

    async def close(self) -> None:
        """Give up what still runs; the records are kept all the same."""
        self._batches.close()
        if self._batched:
            await asyncio.wait(self._batched, timeout=PATIENCE_S)
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        flow = self._running.pop(task)
        self._batched.discard(task)
        if task.cancelled() or task.exception() is not None:
            flow.give_up()

    async def _carry_out(self, flow: Flow, first: Later, endpoint: Endpoint, target: bytes, lines: Lines) -> None:
        step: Later | None = first
        while step is not None:
            if isinstance(step, Shadow) and step.batch:
                step = flow.later(await self._batches.sent(step, endpoint, lines))
            elif isinstance(step, Shadow):
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

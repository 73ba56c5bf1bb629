"""Shadows: requests and grades that no caller waits for, carried out after the answer; at most so many at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from penstock.engine.flow import Flow
from penstock.engine.steps import Later, Shadow
from penstock.gateway.background import Background, Way, own_of
from penstock.gateway.batches import Batches
from penstock.gateway.resilience import Endpoint
from penstock.grading.graders import Graders

MOST = 64
"""Calls whose shadows may run at once; the next one's are given up, and it is recorded without them."""

PATIENCE_S = 5.0
"""Seconds that a close waits for the records of shadows in batches."""


class Shadows:
    """The shadows of one gateway that run now.

    Args:
        background: places for requests of our own.
        longest_s: gives the longest that one waits for room, seconds.
        batches: where shadows go that may wait.
        graders: the user's graders; None makes some.
        most: that may run at once.
    """

    def __init__(
        self,
        background: Background,
        longest_s: Callable[[], float],
        batches: Batches,
        graders: Graders | None = None,
        most: int = MOST,
    ) -> None:
        self._background = background
        self._longest_s = longest_s
        self._batches = batches
        self._graders = graders if graders is not None else Graders()
        self._most = most
        self._running: dict[asyncio.Task[None], Flow] = {}
        self._batched: set[asyncio.Task[None]] = set()

    def start(self, flow: Flow, first: Later, endpoint: Endpoint, way: Way) -> None:
        """Carry out what is left of a flow, in a task of its own."""
        batched = isinstance(first, Shadow) and first.batch
        if not batched and len(self._running) - len(self._batched) >= self._most:
            self._background.dropped(first.purpose if isinstance(first, Shadow) else "grade", "running")
            flow.give_up()
            return
        task = asyncio.create_task(self._carry_out(flow, first, endpoint, way))
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

    async def _carry_out(self, flow: Flow, first: Later, endpoint: Endpoint, way: Way) -> None:
        step: Later | None = first
        while step is not None:
            if isinstance(step, Shadow) and step.batch:
                step = flow.later(await self._batches.sent(step, endpoint, way.lines))
            elif isinstance(step, Shadow):
                longest_s = self._longest_s()
                step = flow.later(await self._background.send(own_of(step), endpoint, way, longest_s=longest_s))
            else:
                step = flow.later(await self._graders.grade_async(step))

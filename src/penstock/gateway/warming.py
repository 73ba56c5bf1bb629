"""Warming requests of a gateway: carried out in the background, with the key of the call that they serve.

A call's headers are kept in memory as long as a prefix of it is kept alive, because another key may be another
workspace's cache (trap T11); they are written nowhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from penstock.engine.context import EngineContext
from penstock.engine.record import Call
from penstock.engine.steps import Sent, Warm
from penstock.gateway.background import Background, Way, own_of
from penstock.gateway.resilience import Endpoint

MOST = 16
"""Warming requests that may run at once; a further one is given up."""
TICK_S = 1.0
"""Seconds between two looks at what is due, while anything is watched."""
_LONGEST_S = 10.0
"""Seconds that a keep-alive request waits for room: a third of what its entry still lives."""


class Warmth:
    """The warming requests of one gateway.

    Args:
        context: the engine's.
        endpoints: gives the providers in force.
        background: places for requests of our own.
        clock: seconds since the epoch.
        tick_s: seconds between two looks.
    """

    def __init__(
        self,
        context: EngineContext,
        endpoints: Callable[[], Mapping[str, Endpoint]],
        background: Background,
        clock: Callable[[], float],
        tick_s: float = TICK_S,
    ) -> None:
        self._context = context
        self._endpoints = endpoints
        self._background = background
        self._clock = clock
        self.tick_s = tick_s
        self._ways: dict[str, Way] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._ticking: asyncio.Task[None] | None = None

    @property
    def running(self) -> int:
        """Warming requests on their way."""
        return len(self._running)

    def start(self, warm: Warm, way: Way) -> bool:
        """Send a warming request in a task of its own; False when too many run, or callers need the room.

        One that fills an entry ahead of callers who are here already is of no use later, and does not wait.
        """
        if len(self._running) >= MOST:
            self._background.dropped(warm.purpose, "running")
            return False
        if warm.purpose == "prewarm" and not self._background.has_place(own_of(warm), way):
            return False
        self._context.warms(warm, self._clock())
        task = asyncio.create_task(self._carry_out(warm, way))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return True

    def after(self, call_id: str, way: Way) -> None:
        """A call is over: keep its way while a prefix of it is watched."""
        if not self._context.warming.holds(call_id):
            return
        self._ways[call_id] = way
        if self._ticking is None or self._ticking.done():
            self._ticking = asyncio.create_task(self._tick())

    async def close(self, ids: Callable[[], str], keep: Callable[[Call], object]) -> None:
        """Give up what still runs and all that is watched, and keep records of what no call was booked with.

        Args:
            ids: makes a record's id.
            keep: takes a record.
        """
        tasks = [*self._running, *(() if self._ticking is None else (self._ticking,))]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._ways.clear()
        for call in self._context.warming.unbooked(ids, self._clock()):
            keep(call)

    async def _tick(self) -> None:
        while self._ways:
            await asyncio.sleep(self.tick_s)
            self.send_due()

    def send_due(self) -> None:
        """Send the keep-alive requests that are due now, and forget the ways of what is no longer watched."""
        warming = self._context.warming
        for warm in warming.due(self._clock()):
            way = self._ways.get(warm.call_id)
            if way is None or not self.start(warm, way):
                self._context.warmed(warm, None)
        self._ways = {call_id: way for call_id, way in self._ways.items() if warming.holds(call_id)}

    async def _carry_out(self, warm: Warm, way: Way) -> None:
        result: Sent | None = None
        try:
            result = await self._background.send(
                own_of(warm),
                self._endpoints()[way.provider],
                way,
                longest_s=_LONGEST_S,
                began=lambda at: self._context.began(warm.id, at),
            )
        finally:
            self._context.warmed(warm, result)

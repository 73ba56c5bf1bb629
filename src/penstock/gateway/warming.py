"""Warming requests of a gateway: carried out in the background, with the key of the call that they serve.

A call's headers are kept in memory as long as a prefix of it is kept alive, because another key may be another
workspace's cache (trap T11); they are written nowhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import NamedTuple

from penstock.engine.context import EngineContext
from penstock.engine.record import Call
from penstock.engine.steps import Sent, Warm
from penstock.errors import UpstreamError
from penstock.gateway.headers import Lines, header, replaced
from penstock.gateway.problems import error_kind
from penstock.gateway.resilience import Endpoint
from penstock.gateway.settings import Settings
from penstock.wire.content_encoding import READABLE, plain_body

MOST = 16
"""Warming requests that may run at once; a further one is given up."""
TICK_S = 1.0
"""Seconds between two looks at what is due, while anything is watched."""


class Way(NamedTuple):
    """How a call of the caller went: to which provider and path, with which headers."""

    provider: str
    target: bytes
    lines: Lines


class Warmth:
    """The warming requests of one gateway.

    Args:
        context: the engine's.
        endpoints: gives the providers in force.
        settings: limits.
        clock: seconds since the epoch.
        tick_s: seconds between two looks.
    """

    def __init__(
        self,
        context: EngineContext,
        endpoints: Callable[[], Mapping[str, Endpoint]],
        settings: Settings,
        clock: Callable[[], float],
        tick_s: float = TICK_S,
    ) -> None:
        self._context = context
        self._endpoints = endpoints
        self._settings = settings
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
        """Send a warming request in a task of its own; False when too many run."""
        if len(self._running) >= MOST:
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
        context, clock = self._context, self._clock
        sent_at = clock()
        status: int | None = None
        first_at: float | None = None
        result: Sent | None = None
        try:
            endpoint = self._endpoints()[way.provider]
            lines = replaced(way.lines, b"accept-encoding", READABLE)
            response = await endpoint.request(b"POST", way.target, lines, warm.body)
            status, first_at = response.status, clock()
            accepted = 200 <= status < 300  # noqa: PLR2004 - the class of success
            if accepted:
                context.began(warm.id, first_at)
            raw = await response.read(self._settings.max_answer)
            result = Sent(
                status=status,
                body=plain_body(raw, header(response.headers, b"content-encoding")),
                started_at=sent_at,
                first_byte_at=first_at,
                ended_at=clock(),
                error_kind=None if accepted else f"http_{status}",
            )
        except UpstreamError as error:
            result = Sent(status=status, started_at=sent_at, ended_at=clock(), error_kind=error_kind(error))
        finally:
            context.warmed(warm, result)

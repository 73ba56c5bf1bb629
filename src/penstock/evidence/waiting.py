"""Forecasts that wait for their outcome.

A request opens a forecast at each of its spots. One that comes back through a spot resolves it at once; what has not
come within the shortest lifetime has not, and is learnt then. After that the request waits on for the gaps' later
intervals. At most ``LIMIT`` requests wait at a time; beyond that, requests are counted but not waited for.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from penstock.evidence.gaps import EDGES, Gaps
from penstock.evidence.odds import Odds
from penstock.evidence.prefixes import TENTHS, Prefixes
from penstock.evidence.returns import Returns

LIMIT = 4000
_DOUBT_TICKS = int(60.0 * TENTHS)
_DOUBT = 0.5
"""A forecast that is open after a minute counts by half as one that did not come, until its outcome is known. Without
that, what comes again would be learnt long before what does not, and a new task would be taken for a busy one."""
_TICKS = tuple(int(edge * TENTHS) for edge in EDGES)
_STARTS = (0, *_TICKS[:-1])


class Written(NamedTuple):
    """What a waiting request wrote: who paid, from which position on, for how long, and its chance to be read."""

    task: str
    model: str
    position: int
    lifetime: float
    chance: float


class Open:
    """A request whose forecasts are not resolved yet.

    Attributes:
        tick: when it came, tenths of a second.
        stage: its class.
        positions: of its spots that have not come again, in order.
        keys: of those prefixes.
        places: of the weights of their features.
        loans: doubts to take back when the outcome is known; empty while the request is young.
        reach: the deepest position that came again, -1 for none.
        came: when a request first came back, or None.
        written: what it wrote, until that was read or its lifetime is over.
    """

    __slots__ = ("came", "keys", "loans", "places", "positions", "reach", "stage", "tick", "written")

    def __init__(self, tick: int, stage: int, written: Written | None) -> None:
        self.tick = tick
        self.stage = stage
        self.written = written
        self.positions: list[int] = []
        self.keys: list[int] = []
        self.places: list[array[int]] = []
        self.reach = -1
        self.loans: list[array[float]] = []
        self.came: int | None = None

    def add(self, position: int, key: int, places: Sequence[int]) -> None:
        """One more spot, deeper than those before it."""
        self.positions.append(position)
        self.keys.append(key)
        self.places.append(array("H", places))


class Waiting:
    """The open requests by number, and what they teach when they are resolved."""

    def __init__(self, prefixes: Prefixes, odds: Odds, gaps: Gaps, returns: Returns) -> None:
        self._prefixes = prefixes
        self._odds = odds
        self._gaps = gaps
        self._returns = returns
        self._open: dict[int, Open] = {}
        self._young: deque[int] = deque()
        self._queues: tuple[deque[int], ...] = tuple(deque() for _ in EDGES)

    @property
    def full(self) -> bool:
        """Whether no more requests are waited for."""
        return len(self._open) >= LIMIT

    def add(self, number: int, one: Open) -> None:
        """Wait for a request, under a number that no waiting one has."""
        if len(self._open) < LIMIT and number not in self._open:
            self._open[number] = one
            self._queues[0].append(number)
            self._young.append(number)

    def came_back(self, number: int, match: int, hit: int, tick: int) -> None:
        """A request came that shares a waiting one's prefix up to ``match`` and read up to ``hit`` (-1: nothing)."""
        one = self._open.get(number)
        if one is None:
            return
        if one.written is not None and hit >= one.written.position:
            self._returns.settle(one.written.task, one.written.model, expected=0.0, read=True)
            one.written = None
        if one.came is None:
            one.came = tick
        if match > one.reach:
            one.reach = match
            self._teach_return(one)

    def resolve(self, tick: int) -> None:
        """Close what is over at a time."""
        self._doubt(tick)
        for interval, queue in enumerate(self._queues):
            while queue:
                number = queue[0]
                one = self._open.get(number)
                if one is not None and one.tick + _TICKS[interval] >= tick:
                    break
                queue.popleft()
                if one is not None:
                    self._close(number, one, interval)

    def _doubt(self, tick: int) -> None:
        young = self._young
        while young:
            one = self._open.get(young[0])
            if one is not None and one.tick + _DOUBT_TICKS >= tick:
                break
            young.popleft()
            if one is not None:
                one.loans = [self._odds.doubt(places, _DOUBT) for places in one.places]

    def _close(self, number: int, one: Open, interval: int) -> None:
        end = one.tick + _TICKS[interval]
        last = interval + 1 == len(EDGES)
        if interval == 0:
            self._teach_end(one, end)
        written = one.written
        if written is not None and (last or written.lifetime <= EDGES[interval]):
            self._returns.settle(written.task, written.model, expected=written.chance, read=False)
            one.written = None
        came = one.came is not None and one.came <= end
        if one.came is None or one.came > one.tick + _STARTS[interval] or interval == 0:
            self._gaps.add(one.stage, interval, came=came)
        if last or (came and one.written is None):
            del self._open[number]
        else:
            self._queues[interval + 1].append(number)

    def _teach_return(self, one: Open) -> None:
        """What a request that came back shares has come again."""
        reached = 0
        while reached < len(one.positions) and one.positions[reached] <= one.reach:
            self._settle(one, reached, came=True)
            reached += 1
        del one.positions[:reached], one.keys[:reached], one.places[:reached], one.loans[:reached]

    def _teach_end(self, one: Open, end: int) -> None:
        """The shortest lifetime is over: what did not come until then did not."""
        for index, key in enumerate(one.keys):
            record = self._prefixes.find(key)
            came = record is not None and one.tick < record[0].seen[record[1]] <= end
            self._settle(one, index, came=came)
        one.positions, one.keys, one.places, one.loans = [], [], [], []

    def _settle(self, one: Open, index: int, *, came: bool) -> None:
        places = one.places[index]
        if one.loans:
            self._odds.take_back(places, one.loans[index])
        self._odds.learn(places, came=came)

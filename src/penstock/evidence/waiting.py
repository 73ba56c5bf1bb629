"""Forecasts that wait for their outcome.

A request asks at each of its spots whether a request shares the prefix up to there within the shortest lifetime. One
that comes back through a spot answers at once; what has not come when the lifetime is over has not, and is learnt
then. What is still open after one minute and after two and a half is counted in part as one that did not come, by how
many of those that do would have come by then: without that, what comes again would be learnt long before what does
not, and a new task would be taken for a busy one.

After the shortest lifetime the request waits on for the gaps' later intervals, until its tail came again; where many
wait, one that came again in part is not waited for any longer (censored, not counted as one that did not come). At
most ``LIMIT`` requests wait at a time; beyond that, requests are counted but not waited for.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from penstock.evidence.chances import Chances
from penstock.evidence.gaps import AGES, EDGES, STAGES, Gaps
from penstock.evidence.partings import Partings
from penstock.evidence.prefixes import TENTHS, Prefixes
from penstock.evidence.reach import Reach
from penstock.evidence.returns import Returns
from penstock.evidence.sightings import NOWHERE
from penstock.evidence.spots import TAIL, Question

LIMIT = 4000
_AGE_TICKS = tuple(int(age * TENTHS) for age in AGES)
_TICKS = tuple(int(edge * TENTHS) for edge in EDGES)


class Written(NamedTuple):
    """What a waiting request wrote.

    Attributes:
        task: that wrote.
        model: that it wrote on.
        position: the first that was written.
        lifetime: of that entry, seconds.
        tokens: written.
        read_then: tokens that the task's account had read until then.
        chance: that it is read.
    """

    task: str
    model: str
    position: int
    lifetime: float
    tokens: int
    read_then: int
    chance: float = 0.0


class Asked:
    """A question of a waiting request.

    Attributes:
        position: of the spot.
        key: of the prefix that ends there.
        places: of the weights of its features in the first stage.
        prior: its score before any example.
        group: its features in the second stage.
        first: the score that the first stage gave.
        weight: what it counts in the second stage.
        loan: a doubt to take back when more is known, or None.
        came: whether it was answered by a return.
    """

    __slots__ = ("came", "first", "group", "key", "kind", "loan", "places", "position", "prior", "weight")

    def __init__(self, question: Question, key: int, places: Sequence[int], first: float, weight: float) -> None:
        self.position = question.position
        self.kind = question.kind
        self.key = key
        self.places = places
        self.prior = question.prior
        self.group = question.group
        self.first = first
        self.weight = weight
        self.loan: array[float] | None = None
        self.came = False


class Tail(NamedTuple):
    """Where a waiting request's tail begins, and its deeper ends.

    Attributes:
        kind: its class in ``Reach``.
        begin: position and prefix key of the tail's first spot.
        ends: those of its deeper ends, by number of the end.
    """

    kind: int
    begin: tuple[int, int]
    ends: dict[int, tuple[int, int]]


class Open:
    """A request whose forecasts are not resolved yet.

    Attributes:
        task: of the request.
        tick: when it came, tenths of a second.
        stage: its class in ``Gaps``.
        seed: of its task's features.
        asked: its questions, in order of position, until the shortest lifetime is over.
        tail: of its prompt, or None.
        above: position of the last spot above its tail, ``NOWHERE`` where there is none or no tail.
        begin: position of the tail's first spot, ``NOWHERE`` without one.
        parted: whether a request came that shares it down to the last spot above its tail, and no tail.
        came: when a request first came back, or None.
        tail_came: when one first came back through the beginning of the tail, or None.
        reach: the deepest position that came again, -1 for none.
        written: what it wrote, until that was read or its lifetime is over.
    """

    __slots__ = (
        "above",
        "asked",
        "begin",
        "came",
        "parted",
        "reach",
        "seed",
        "stage",
        "tail",
        "tail_came",
        "task",
        "tick",
        "written",
    )

    def __init__(self, task: str, tick: int, seed: int, stage: int, *, asked: list[Asked], tail: Tail | None) -> None:
        self.task = task
        self.tick = tick
        self.seed = seed
        self.stage = stage
        self.asked = asked
        self.tail = tail
        last = asked[-1]
        self.begin = last.position if last.kind == TAIL else NOWHERE
        self.above = asked[-2].position if last.kind == TAIL and len(asked) > 1 else NOWHERE
        self.came: int | None = None
        self.tail_came: int | None = None
        self.parted = False
        self.reach = -1
        self.written: Written | None = None


class Waiting:
    """The open requests by number, and what they teach when they are resolved."""

    def __init__(
        self,
        prefixes: Prefixes,
        chances: Chances,
        gaps: Gaps,
        tails: Gaps,
        *,
        reach: Reach,
        partings: Partings,
        returns: Returns,
    ) -> None:
        self._prefixes = prefixes
        self._chances = chances
        self._odds = chances.first
        self._gaps = gaps
        self._tails = tails
        self._reach = reach
        self._partings = partings
        self._returns = returns
        self._open: dict[int, Open] = {}
        self._young: tuple[deque[int], ...] = tuple(deque() for _ in AGES)
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
            self._young[0].append(number)

    def of(self, number: int) -> Open | None:
        """The waiting request of a number; None when it does not wait."""
        return self._open.get(number)

    def came_back(self, number: int, match: int, hit: int, tick: int) -> None:
        """A request came that shares a waiting one's prefix up to ``match`` and read up to ``hit`` (-1: nothing)."""
        one = self._open.get(number)
        if one is None:
            return
        if one.written is not None and hit >= one.written.position:
            self._returns.read_again(one.written.task, one.written.model)
            one.written = None
        if one.came is None:
            one.came = tick
            if tick <= one.tick + _TICKS[0]:
                self._gaps.came_after((tick - one.tick) / TENTHS)
        if one.tail_came is None and match >= one.begin:
            one.tail_came = tick
        if one.above <= match < one.begin:
            one.parted = True
        one.reach = max(one.reach, match)
        for asked in one.asked:
            if asked.position > match:
                break
            if not asked.came:
                asked.came = True
                self._answer(asked)

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
        shares = None
        for age, young in enumerate(self._young):
            while young:
                one = self._open.get(young[0])
                if one is not None and one.tick + _AGE_TICKS[age] >= tick:
                    break
                number = young.popleft()
                if one is None or not one.asked:
                    continue
                if shares is None:
                    shares = self._gaps.by_age()
                for asked in one.asked:
                    if asked.came:
                        continue
                    if asked.loan is not None:
                        self._odds.take_back(asked.places, asked.loan)
                    asked.loan = self._odds.doubt(asked.places, asked.prior, shares[age])
                if age + 1 < len(self._young):
                    self._young[age + 1].append(number)

    def _close(self, number: int, one: Open, interval: int) -> None:
        end = one.tick + _TICKS[interval]
        last = interval + 1 == len(EDGES)
        if interval == 0:
            self._teach_end(one, end)
        written = one.written
        if written is not None and (last or written.lifetime <= EDGES[interval]):
            self._returns.unread(
                written.task,
                written.model,
                expected=written.chance,
                tokens=written.tokens,
                read_then=written.read_then,
            )
            one.written = None
        came = self._count(self._gaps, one, one.came, interval)
        if one.begin != NOWHERE:
            came = self._count(self._tails, one, one.tail_came, interval) or (came and len(self._open) > LIMIT // 2)
        if last or (came and one.written is None):
            del self._open[number]
        else:
            self._queues[interval + 1].append(number)

    @staticmethod
    def _count(gaps: Gaps, one: Open, came_at: int | None, interval: int) -> bool:
        """Count a request in an interval unless it came again before; whether it has by the interval's end."""
        came = came_at is not None and came_at <= one.tick + _TICKS[interval]
        if interval == 0 or came_at is None or came_at > one.tick + _TICKS[interval - 1]:
            gaps.add(one.stage, interval, came=came)
        return came

    def _teach_end(self, one: Open, end: int) -> None:
        """The shortest lifetime is over: what did not come until then did not."""
        for asked in one.asked:
            if not asked.came:
                asked.came = self._was_seen(asked.key, one.tick, end)
                self._answer(asked)
            if asked.kind == TAIL:
                self._chances.weigh(one.seed, asked.group, asked.first, came=asked.came, weight=asked.weight)
        one.asked = []
        tail = one.tail
        if one.above != NOWHERE:
            self._partings.add(one.task, min(one.stage % STAGES, 2), parted=one.parted)
        if tail is not None and self._reached(one, tail.begin, end):
            for number, spot in tail.ends.items():
                self._reach.add(one.task, tail.kind, number, came=self._reached(one, spot, end))
        one.tail = None

    def _reached(self, one: Open, spot: tuple[int, int], end: int) -> bool:
        position, key = spot
        return position <= one.reach or self._was_seen(key, one.tick, end)

    def _was_seen(self, key: int, begin: int, end: int) -> bool:
        record = self._prefixes.find(key)
        return record is not None and begin < record[0].seen[record[1]] <= end

    def _answer(self, asked: Asked) -> None:
        if asked.loan is not None:
            self._odds.take_back(asked.places, asked.loan)
        self._odds.learn(asked.places, asked.prior, came=asked.came)

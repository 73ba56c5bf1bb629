"""What traffic shows about prompt prefixes that come again: seen for free, whether or not anything was cached.

A request is a chain of prefixes. ``look`` finds the deepest one that was seen before and the deepest one that has a
live cache entry, walking back from the end, so its cost is that of what is new. ``observe`` adds the request: it
resolves the forecasts that the request answers, opens new ones at the few places where a marker could pay
(``spots``), and records the entries that its markers wrote. ``forecast`` says how likely each spot comes again within
each lifetime.

Everything merges by addition and is bounded: prefixes by the table's limit, open forecasts by ``_OPEN_LIMIT``.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol, Self

from penstock.evidence.gaps import EDGES, Gaps
from penstock.evidence.odds import Odds
from penstock.evidence.pace import Pace
from penstock.evidence.prefixes import Prefixes, Shard

LIFETIMES = (300.0, 3600.0, 1800.0, 43200.0, 86400.0)
"""Lifetimes of cache entries in seconds, as the prefix table numbers them."""
_OPEN_LIMIT = 4000
_U8, _U16, _U32 = 0xFF, 0xFFFF, 0xFFFFFFFF
_TENTHS = 10.0
_BACK = 24
"""How many places above the deepest known prefix are looked at for a live entry."""

_CROWD = 3
"""A prefix from which more prompts than this went on is a shared head, not a conversation."""
_TURNS = (1, 2, 3, 5, 9)
"""Ends of the classes of conversation turns, inclusive."""

HEAD, MATCH, LANDMARK, TAIL = 0, 1, 2, 3
"""Kinds of spot; the place before the tail's end is TAIL + 1, and so on."""
TAILS = 4


class Chain(Protocol):
    """A prompt as prefixes. Positions count from 0; a prefix's key stands for everything up to its end."""

    @property
    def landmarks(self) -> Sequence[int]:
        """Positions where a part of the prompt ends that other prompts may share: tools, system."""

    def __len__(self) -> int: ...

    def key(self, position: int) -> int:
        """A 64-bit key of the prefix that ends at a position; never 0."""

    def upto(self, position: int) -> int:
        """Tokens of the prefix that ends at a position; 0 for -1."""

    def markable(self, position: int) -> bool:
        """Whether a marker may stand there."""


class Sighting(NamedTuple):
    """What was known about a chain when it came.

    Attributes:
        match: position of the deepest prefix seen before, -1 for none.
        entry: position of the deepest prefix with a live cache entry, -1 for none.
        left: seconds that this entry still lives.
        life: its lifetime in seconds.
        gap: seconds since the match was last seen.
        turn: earlier requests of the same conversation; 0 when the match is not the end of an earlier request.
        visits: how often the match was the deepest known prefix of a request before.
        kids: how many different prompts went on from it.
        head: position of the nearest prefix above the match from which prompts went different ways, -1 for none.
        owner: number of the request that passed the match last.
    """

    match: int
    entry: int
    left: float
    life: float
    gap: float
    turn: int
    visits: int
    kids: int
    head: int
    owner: int


class Spot(NamedTuple):
    """A position where a marker could pay, and its kind."""

    position: int
    kind: int


class Outlook(NamedTuple):
    """How likely the spots of a chain come again.

    Attributes:
        spots: (position, chance to come again within the shortest lifetime), in order; chances never rise.
        stays: lifetime in seconds -> the chance not to come in the rest of it, having not come in the shortest.
        then: lifetime in seconds -> the chance of yet another request within it, were the next one to come.
    """

    spots: list[tuple[int, float]]
    stays: Mapping[float, float]
    then: Mapping[float, float]

    def chance(self, soon: float, lifetime: float) -> float:
        """The chance to come again within a lifetime; of a lifetime never measured, that of the shortest."""
        return 1.0 - (1.0 - soon) * self.stays.get(lifetime, 1.0)


class Entry(NamedTuple):
    """A cache entry that a request wrote or refreshed: where it ends and how long it lives, seconds."""

    position: int
    lifetime: float


class _Open:
    """A request whose forecasts are not resolved yet."""

    __slots__ = ("came", "keys", "kind", "places", "positions", "reach", "shared", "tick")

    def __init__(self, tick: int, kind: int, shared: array[int]) -> None:
        self.tick = tick
        self.kind = kind
        self.shared = shared
        self.positions: list[int] = []
        self.keys: list[int] = []
        self.places: list[array[int]] = []
        self.reach = -1
        self.came: int | None = None


class ReuseEvidence:
    """Learnt reuse of prompt prefixes."""

    def __init__(self, limit: int = 1_000_000) -> None:
        self.prefixes = Prefixes(limit)
        self.odds = Odds()
        self.gaps = Gaps()
        self.pace = Pace()
        self._open: dict[int, _Open] = {}
        self._queues: tuple[deque[int], ...] = tuple(deque() for _ in EDGES)
        self._serial = 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ReuseEvidence) and self.to_builtins() == other.to_builtins()

    def __hash__(self) -> int:
        return id(self)

    def look(self, chain: Chain, now: float) -> Sighting | None:
        """What is known about a chain, or None when no prefix of it was seen. Changes nothing."""
        find = self.prefixes.find
        for position in range(len(chain) - 1, -1, -1):
            record = find(chain.key(position))
            if record is not None:
                return self._sighting(chain, position, record, now)
        return None

    def _sighting(self, chain: Chain, match: int, record: tuple[Shard, int], now: float) -> Sighting:
        shard, place = record
        tick = self.prefixes.ticks(now)
        entry, until, life = self._live_entry(chain, match, record, tick)
        return Sighting(
            match=match,
            entry=entry,
            left=(until - tick) / _TENTHS,
            life=LIFETIMES[life],
            gap=max(0, tick - shard.seen[place]) / _TENTHS,
            turn=shard.turn[place],
            visits=shard.count[place],
            kids=shard.kids[place],
            head=shard.head[place] - 1,
            owner=shard.owner[place],
        )

    def _live_entry(self, chain: Chain, match: int, record: tuple[Shard, int], tick: int) -> tuple[int, int, int]:
        shard, place = record
        if shard.until[place] >= tick:
            return match, shard.until[place], shard.life[place]
        known = {shard.entry[place] - 1, shard.head[place] - 1}
        near = range(match - 1, max(match - _BACK, 0) - 1, -1)
        for position in (*near, *sorted((p for p in known if 0 <= p < match - _BACK), reverse=True)):
            found = self.prefixes.find(chain.key(position))
            if found is not None and found[0].until[found[1]] >= tick:
                return position, found[0].until[found[1]], found[0].life[found[1]]
        return -1, tick, 0

    def forecast(self, task: str, chain: Chain, sighting: Sighting | None) -> Outlook:
        """How likely each spot of a chain comes again."""
        shared, kind, spots = self._features(task, chain, sighting)
        odds, gaps = self.odds, self.gaps
        mean, variance = odds.tally(shared)
        least = 1.0
        listed = []
        for spot, places in spots:
            more, wider = odds.tally(places)
            least = min(least, odds.chance(mean + more, variance + wider))
            listed.append((spot.position, least))
        following = _next_class(kind)
        stays = {edge: 1.0 - gaps.within(kind, edge, 0.0) for edge in EDGES}
        then = {edge: gaps.within(following, edge) for edge in EDGES}
        return Outlook(listed, stays, then)

    def observe(
        self, task: str, chain: Chain, at: float, entries: Sequence[Entry] = (), *, read: int | None = None
    ) -> Sighting | None:
        """Add a request.

        Args:
            task: its task.
            chain: as it was sent.
            at: when it started, seconds since the epoch.
            entries: what its markers wrote or refreshed.
            read: position of the entry that it read, which lives anew from now; None for what ``look`` finds.

        Returns:
            What was known before.
        """
        prefixes = self.prefixes
        prefixes.start(at)
        tick = prefixes.ticks(at)
        self._resolve(tick)
        self.pace.add(task, at)
        before = self.look(chain, at)
        if len(chain):
            self._return(before, tick)
            self._serial = self._serial % _U32 + 1
            self._register(task, chain, before, tick)
            self._add_prefixes(chain, before, tick)
            self._add_entries(chain, before, entries, read, tick)
        return before

    def _return(self, before: Sighting | None, tick: int) -> None:
        if before is None:
            return
        waiting = self._open.get(before.owner)
        if waiting is not None:
            if waiting.came is None:
                waiting.came = tick
            if before.match > waiting.reach:
                waiting.reach = before.match
                self._teach_return(waiting)

    def _resolve(self, tick: int) -> None:
        for interval, queue in enumerate(self._queues):
            edge = int(EDGES[interval] * _TENTHS)
            while queue:
                serial = queue[0]
                waiting = self._open.get(serial)
                if waiting is None:
                    queue.popleft()
                    continue
                if waiting.tick + edge >= tick:
                    break
                queue.popleft()
                self._close(serial, waiting, interval)

    def _close(self, serial: int, waiting: _Open, interval: int) -> None:
        end = waiting.tick + int(EDGES[interval] * _TENTHS)
        if interval == 0:
            self._teach_end(waiting, end)
        came = waiting.came is not None and waiting.came <= end
        self.gaps.add(waiting.kind, interval, came)
        if came or interval + 1 == len(EDGES):
            del self._open[serial]
        else:
            self._queues[interval + 1].append(serial)

    def _teach_return(self, waiting: _Open) -> None:
        """A request came back: what it shares has come again, and is learnt at once."""
        reached = 0
        while reached < len(waiting.positions) and waiting.positions[reached] <= waiting.reach:
            self.odds.learn(waiting.shared + waiting.places[reached], came=True)
            reached += 1
        del waiting.positions[:reached], waiting.keys[:reached], waiting.places[:reached]

    def _teach_end(self, waiting: _Open, end: int) -> None:
        """The shortest lifetime is over: what did not come until then is learnt."""
        for key, places in zip(waiting.keys, waiting.places, strict=True):
            record = self.prefixes.find(key)
            came = record is not None and waiting.tick < record[0].seen[record[1]] <= end
            self.odds.learn(waiting.shared + places, came=came)
        waiting.positions, waiting.keys, waiting.places = [], [], []

    def _features(
        self, task: str, chain: Chain, sighting: Sighting | None
    ) -> tuple[array[int], int, list[tuple[Spot, array[int]]]]:
        seed = hash_of(task)
        last = len(chain) - 1
        match = -1 if sighting is None else sighting.match
        stage = stage_of(sighting)
        fresh = bucket(chain.upto(last) - chain.upto(match))
        whole = bucket(chain.upto(last))
        gap = bucket(sighting.gap) if sighting else 0
        seen = min(bucket(sighting.visits), 7) if sighting else 0
        places = self.odds.places
        shared = array("H")
        listed = []
        for spot in spots_of(chain, sighting):
            k = spot.kind
            features = (
                code(0, k),
                code(1, k, stage, fresh),
                code(2, k, stage),
                code(3, k, fresh),
                code(4, k, min(stage, 1), whole),
                code(5, k, gap),
                code(6, k, seen),
            )
            listed.append((spot, array("H", places(seed, features))))
        return shared, stage, listed

    def _register(self, task: str, chain: Chain, before: Sighting | None, tick: int) -> None:
        if len(self._open) >= _OPEN_LIMIT:
            return
        shared, kind, spots = self._features(task, chain, before)
        if not spots:
            return
        waiting = _Open(tick, kind, shared)
        for spot, places in spots:
            waiting.positions.append(spot.position)
            waiting.keys.append(chain.key(spot.position))
            waiting.places.append(places)
        self._open[self._serial] = waiting
        self._queues[0].append(self._serial)

    def _add_prefixes(self, chain: Chain, before: Sighting | None, tick: int) -> None:
        open_ = self.prefixes.open
        last = len(chain) - 1
        match = -1 if before is None else before.match
        head = 0
        turn = 1
        if before is not None:
            shard, place = open_(chain.key(match))
            shard.seen[place] = tick
            shard.owner[place] = self._serial
            shard.count[place] = min(shard.count[place] + 1, _U16)
            if match < last:
                shard.kids[place] = min(shard.kids[place] + 1, _U8)
            branches = shard.kids[place] > 1 or not shard.turn[place]
            head = min(match + 1, _U16) if branches else shard.head[place]
            turn = min(before.turn + 1, _U8)
            if match == last:
                shard.turn[place] = max(shard.turn[place], turn)
        for position in range(match + 1, last + 1):
            shard, place = open_(chain.key(position))
            shard.seen[place] = tick
            shard.owner[place] = self._serial
            shard.count[place] = 1
            shard.head[place] = head
        if match < last:
            end = next((p for p in range(last, match, -1) if chain.markable(p)), last)
            shard, place = open_(chain.key(end))
            shard.turn[place] = turn

    def _add_entries(
        self, chain: Chain, before: Sighting | None, entries: Sequence[Entry], read: int | None, tick: int
    ) -> None:
        hit = read if read is not None else (before.entry if before is not None else -1)
        if hit >= 0 and entries and entries[-1].position >= hit:
            shard, place = self.prefixes.open(chain.key(hit))
            shard.until[place] = min(tick + int(LIFETIMES[shard.life[place]] * _TENTHS), _U32)
        deepest = hit
        for position, lifetime in entries:
            if position > hit:
                shard, place = self.prefixes.open(chain.key(position))
                shard.until[place] = min(tick + int(lifetime * _TENTHS), _U32)
                shard.life[place] = LIFETIMES.index(lifetime)
                deepest = max(deepest, position)
        if deepest >= 0:
            last = next((p for p in range(len(chain) - 1, -1, -1) if chain.markable(p)), len(chain) - 1)
            shard, place = self.prefixes.open(chain.key(last))
            shard.entry[place] = min(deepest + 1, _U16)

    def merge(self, other: ReuseEvidence) -> None:
        """Add another's evidence. Its open forecasts stay with it: they are resolved where they were opened."""
        for name in _PARTS:
            mine: Any = getattr(self, name)
            mine.merge(getattr(other, name))

    def to_builtins(self) -> dict[str, Any]:
        """Plain JSON values; keys are digests, no text. Open forecasts are left out."""
        return {name: getattr(self, name).to_builtins() for name in _PARTS}

    @classmethod
    def from_builtins(cls, value: Any) -> Self:
        """The evidence that ``to_builtins`` wrote; ValueError, KeyError or TypeError for anything else."""
        evidence = cls()
        for name, kind in _PARTS.items():
            setattr(evidence, name, kind.from_builtins(value[name]))
        return evidence


_PARTS: dict[str, Any] = {"prefixes": Prefixes, "odds": Odds, "gaps": Gaps, "pace": Pace}


def spots_of(chain: Chain, sighting: Sighting | None) -> list[Spot]:
    """The few positions where a marker could pay, in order."""
    last = len(chain) - 1
    match = -1 if sighting is None else sighting.match
    chosen: dict[int, int] = {}
    if sighting is not None:
        if 0 <= sighting.head < match and chain.markable(sighting.head):
            chosen[sighting.head] = HEAD
        shared = next((p for p in range(match, max(match - _BACK, -1), -1) if chain.markable(p)), -1)
        if shared >= 0:
            chosen.setdefault(shared, MATCH)
    for position in chain.landmarks:
        if position > match and chain.markable(position):
            chosen.setdefault(position, LANDMARK)
    found = 0
    for position in range(last, match, -1):
        if chain.markable(position):
            chosen[position] = TAIL + found
            found += 1
            if found == TAILS:
                break
    return [Spot(position, chosen[position]) for position in sorted(chosen)]


def stage_of(sighting: Sighting | None) -> int:
    """How far a conversation has come, as a small class: 0 new, 1 on a shared head, else by its turn."""
    if sighting is None:
        return 0
    if sighting.turn == 0 or sighting.kids > _CROWD:
        return 1
    return 2 + bisect_left(_TURNS, sighting.turn)


def _next_class(stage: int) -> int:
    return 2 if stage == 0 else 1 if stage == 1 else min(stage + 1, 2 + len(_TURNS))


def bucket(amount: float) -> int:
    """A size or a time on a scale of doublings."""
    return int(amount).bit_length()


def code(field: int, *values: int) -> int:
    """A feature as a number."""
    number = field
    for value in values:
        number = number << 6 | min(value, 63)
    return number + 1


def hash_of(task: str) -> int:
    """A seed that sets the features of tasks apart, the same in every process."""
    number = 0xCBF29CE484222325
    for byte in task.encode("utf-8", "surrogatepass"):
        number = ((number ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return number

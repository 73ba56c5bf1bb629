"""Every prompt prefix seen lately, about 30 bytes each: when, how often, whose turn, and which cache entry it has.

Open addressing over typed arrays in 64 shards, so that a million prefixes fit in 50 MB and no single growth or clean-up
moves more than one shard. A shard that is full forgets the half that was seen longest ago.

Times are kept as whole tenths of a second since the table's first sighting, which bounds them to 13 years.
"""

from __future__ import annotations

import base64
from array import array
from collections.abc import Generator, Iterator
from typing import Any, Self

from penstock.evidence.growth import through

SHARDS = 64
_SHARD_BITS = 6
_SMALLEST = 8
_FULL = 0.8
_GROWTH = 1.3
TENTHS = 10.0
_AT_ONCE = 32
"""Prefixes in one step of ``advancing``."""
_U8, _U16, _U32 = 0xFF, 0xFFFF, 0xFFFFFFFF
_FIELDS: dict[str, str] = {
    "seen": "I",
    "owner": "I",
    "until": "I",
    "count": "H",
    "head": "H",
    "entry": "H",
    "turn": "B",
    "kids": "B",
    "life": "B",
}
"""Field -> array type code. Missing values are 0; ``head`` and ``entry`` are positions plus one."""
_KEPT: dict[str, str] = {"keys": "Q", **{name: code for name, code in _FIELDS.items() if name != "owner"}}
"""What is kept of a record; numbers of requests begin anew with each process."""


class Shard:
    """One part of the table; a record is an index into its arrays.

    Attributes:
        keys: 64-bit prefix keys, 0 for a free place.
        seen: tenths of a second of the latest sighting.
        owner: number of the request of this process that passed here last.
        until: tenths of a second until which a cache entry at this prefix lives, 0 for none.
        count: sightings, at most 65,535.
        head: position plus one of the nearest prefix above from which several prompts went different ways.
        entry: position plus one of the nearest prefix at or above that was last known to have a cache entry.
        turn: how many earlier requests the conversation had when this prefix came up, at most 255.
        kids: how many different prompts went on from here, at most 255.
        life: which lifetime the entry has, an index into ``reuse.LIFETIMES``.
    """

    __slots__ = ("count", "entry", "head", "keys", "kids", "life", "owner", "seen", "turn", "until", "used")

    def __init__(self, places: int = _SMALLEST) -> None:
        self.used = 0
        self.keys = array("Q", bytes(8 * places))
        self.seen = array("I", bytes(4 * places))
        self.owner = array("I", bytes(4 * places))
        self.until = array("I", bytes(4 * places))
        self.count = array("H", bytes(2 * places))
        self.head = array("H", bytes(2 * places))
        self.entry = array("H", bytes(2 * places))
        self.turn = array("B", bytes(places))
        self.kids = array("B", bytes(places))
        self.life = array("B", bytes(places))

    def place_of(self, key: int) -> int:
        """The record of a key, or -1."""
        keys = self.keys
        size = len(keys)
        place = (key >> _SHARD_BITS) % size
        found = keys[place]
        while found != key:
            if found == 0:
                return -1
            place += 1
            if place == size:
                place = 0
            found = keys[place]
        return place

    def add(self, key: int) -> int:
        """An empty record for a key that is not there yet."""
        keys = self.keys
        size = len(keys)
        place = (key >> _SHARD_BITS) % size
        while keys[place]:
            place += 1
            if place == size:
                place = 0
        keys[place] = key
        self.used += 1
        return place

    def rebuilt(self, places: int, *, seen_after: int = -1) -> Shard:
        """A copy with that many places, without what was last seen at or before ``seen_after``."""
        fresh = Shard(places)
        seen = self.seen
        pairs = [(getattr(self, name), getattr(fresh, name)) for name in _FIELDS]
        for old, key in enumerate(self.keys):
            if key and seen[old] > seen_after:
                new = fresh.add(key)
                for source, target in pairs:
                    target[new] = source[old]
        return fresh


class Prefixes:
    """The table. ``limit`` is the most prefixes that it keeps."""

    def __init__(self, limit: int = 1_000_000) -> None:
        self.limit = limit
        self._shard_limit = max(_SMALLEST, int(limit / SHARDS / _FULL))
        self._shards = [Shard() for _ in range(SHARDS)]
        self.base: float | None = None

    def __len__(self) -> int:
        return sum(shard.used for shard in self._shards)

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        width = 8 + sum(array(code).itemsize for code in _FIELDS.values())
        return sum(len(shard.keys) for shard in self._shards) * width

    def ticks(self, at: float) -> int:
        """Seconds since the epoch as the table keeps them; at least 1, so that 0 means never."""
        if self.base is None:
            return 1
        return min(max(int((at - self.base) * TENTHS) + 1, 1), _U32)

    def start(self, at: float) -> None:
        """Fix the origin of time at the first sighting."""
        if self.base is None:
            self.base = at

    def find(self, key: int) -> tuple[Shard, int] | None:
        """The record of a prefix, or None."""
        shard = self._shards[key & (SHARDS - 1)]
        place = shard.place_of(key)
        return None if place < 0 else (shard, place)

    def open(self, key: int) -> tuple[Shard, int]:
        """The record of a prefix, new and empty if there was none. ``key`` is a 64-bit number other than 0."""
        index = key & (SHARDS - 1)
        shard = self._shards[index]
        place = shard.place_of(key)
        if place < 0:
            if shard.used >= len(shard.keys) * _FULL:
                shard = self._shards[index] = self._with_room(shard)
            place = shard.add(key)
        return shard, place

    def _with_room(self, shard: Shard) -> Shard:
        places = len(shard.keys)
        if places < self._shard_limit:
            return shard.rebuilt(min(int(places * _GROWTH) + _SMALLEST, self._shard_limit))
        times = sorted(seen for key, seen in zip(shard.keys, shard.seen, strict=True) if key)
        smaller = shard.rebuilt(places, seen_after=times[len(times) // 2])
        return smaller if smaller.used < shard.used else Shard(places)

    def merge(self, other: Prefixes) -> None:
        """Add another table: counts add up, the later sighting and the longer life win."""
        self._reach_back(other)
        through(self._merging(other))

    def _reach_back(self, other: Prefixes) -> None:
        """Begin no later than another table, so that all its times can be told."""
        if other.base is not None and self.base is not None and other.base < self.base:
            self._move_base(round((self.base - other.base) * TENTHS))

    def _merging(self, other: Prefixes) -> Iterator[None]:
        """Merge some prefixes at a time. Times before this table begins count as its beginning."""
        if other.base is None:
            return
        self.start(other.base)
        base: float = self.base if self.base is not None else other.base
        shift = round((other.base - base) * TENTHS)
        for number, (theirs, place) in enumerate(other.records()):
            if number % _AT_ONCE == 0:
                yield
            mine, here = self.open(theirs.keys[place])
            seen = min(max(theirs.seen[place] + shift, 1), _U32)
            mine.count[here] = min(mine.count[here] + theirs.count[place], _U16)
            mine.kids[here] = min(mine.kids[here] + theirs.kids[place], _U8)
            mine.turn[here] = max(mine.turn[here], theirs.turn[place])
            if theirs.until[place] and theirs.until[place] + shift > mine.until[here]:
                mine.until[here] = min(theirs.until[place] + shift, _U32)
                mine.life[here] = theirs.life[place]
            if seen >= mine.seen[here]:
                mine.seen[here] = seen
                mine.head[here] = theirs.head[place]
                mine.entry[here] = theirs.entry[place]

    def advance(self, earlier: Prefixes, now: Prefixes) -> None:
        """Add the prefixes that were seen since an earlier state (``evidence.growth``), and how often.

        Of two processes that saw one, the later tells where it went on, and the longer life is believed.
        """
        self._reach_back(now)
        through(self.advancing(earlier, now))

    def advancing(self, earlier: Prefixes, now: Prefixes) -> Iterator[None]:
        """The same, some prefixes at a time. The table's origin of time stays, since moving it takes long."""
        fresh = yield from now._beyond(earlier)
        yield from self._merging(fresh)

    def _beyond(self, earlier: Prefixes) -> Generator[None, None, Prefixes]:
        """What of this table an earlier state of it did not hold; the table itself where that is all."""
        if not len(earlier):
            return self
        fresh = Prefixes(self.limit)
        fresh.base = self.base
        if self.base is None:
            return fresh
        shift = 0 if earlier.base is None else round((earlier.base - self.base) * TENTHS)
        for number, (shard, place) in enumerate(self.records()):
            if number % _AT_ONCE == 0:
                yield
            before = earlier.find(shard.keys[place])
            count = kids = 0
            if before is not None:
                then, there = before
                if then.seen[there] + shift == shard.seen[place] and then.count[there] == shard.count[place]:
                    continue
                count, kids = then.count[there], then.kids[there]
            here, new = fresh.open(shard.keys[place])
            for name in _FIELDS:
                getattr(here, name)[new] = getattr(shard, name)[place]
            here.count[new] = max(0, shard.count[place] - count)
            here.kids[new] = max(0, shard.kids[place] - kids)
        return fresh

    def _move_base(self, tenths: int) -> None:
        assert self.base is not None  # noqa: S101 - narrows for the type checker; merge has set it
        self.base -= tenths / TENTHS
        for shard, place in self.records():
            shard.seen[place] = min(shard.seen[place] + tenths, _U32)
            if shard.until[place]:
                shard.until[place] = min(shard.until[place] + tenths, _U32)

    def newest(self, count: int) -> Prefixes:
        """A table of the ``count`` prefixes that were seen last, or this one when it has no more."""
        if len(self) <= count:
            return self
        times = sorted(seen for shard, place in self.records() for seen in (shard.seen[place],))
        fresh = Prefixes(self.limit)
        fresh.base = self.base
        fresh._shards = [shard.rebuilt(len(shard.keys), seen_after=times[-count - 1]) for shard in self._shards]
        return fresh

    def forget_entries(self) -> None:
        """No prefix has a cache entry any more; what was seen stays."""
        for shard in self._shards:
            places = len(shard.keys)
            shard.until, shard.entry = array("I", bytes(4 * places)), array("H", bytes(2 * places))
            shard.life = array("B", bytes(places))

    def records(self) -> Iterator[tuple[Shard, int]]:
        """Every record."""
        for shard in self._shards:
            for place, key in enumerate(shard.keys):
                if key:
                    yield shard, place

    def to_builtins(self) -> dict[str, Any]:
        """Plain JSON values: the origin of time, and each field of all records by key as base64 of numbers."""
        columns = {name: array(code) for name, code in _KEPT.items()}
        for shard, place in sorted(self.records(), key=lambda record: record[0].keys[record[1]]):
            for name, column in columns.items():
                column.append(getattr(shard, name)[place])
        packed = {name: base64.b64encode(column.tobytes()).decode() for name, column in columns.items()}
        return {"base": self.base, "limit": self.limit, **packed}

    @classmethod
    def from_builtins(cls, value: Any) -> Self:
        """The table that ``to_builtins`` wrote; ValueError or KeyError for anything else."""
        table = cls(int(value["limit"]))
        table.base = None if value["base"] is None else float(value["base"])
        columns = _columns(value)
        keys = columns.pop("keys")
        for row, key in enumerate(keys):
            shard, place = table.open(key)
            for name, column in columns.items():
                getattr(shard, name)[place] = column[row]
        return table

    @classmethod
    def difference(cls, earlier: Any, now: Any) -> Self:
        """What was seen between two states that ``to_builtins`` wrote: beside an empty table it tells them apart.

        Quicker than two tables, for most of them is alike.
        """
        table, before = cls(int(now["limit"])), _columns(earlier)
        table.base = None if now["base"] is None else float(now["base"])
        then = {key: row for row, key in enumerate(before["keys"])}
        shift = 0 if None in (earlier["base"], now["base"]) else round((earlier["base"] - now["base"]) * TENTHS)
        columns = _columns(now)
        keys, seen, count, kids = columns.pop("keys"), columns["seen"], columns["count"], columns["kids"]
        for row, key in enumerate(keys):
            old = then.get(key)
            if old is not None and before["seen"][old] + shift == seen[row] and before["count"][old] == count[row]:
                continue
            shard, place = table.open(key)
            for name, column in columns.items():
                getattr(shard, name)[place] = column[row]
            if old is not None:
                shard.count[place] = max(0, count[row] - before["count"][old])
                shard.kids[place] = max(0, kids[row] - before["kids"][old])
        return table


def _columns(value: Any) -> dict[str, array[int]]:
    columns = {name: array(code) for name, code in _KEPT.items()}
    for name, column in columns.items():
        column.frombytes(base64.b64decode(value[name]))
    if len({len(column) for column in columns.values()}) != 1:
        raise ValueError("columns of different lengths")
    return columns

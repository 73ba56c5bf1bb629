"""Where texts that begin alike part: the ends of beginnings that several texts share, known by their hashes.

A text is hashed up to a few places in it, which depend only on what stands before them. Where at least three texts
passed a place and at most half of them passed the next one, they part there, and every later text that passes the place
can be cut at it. A place once found stays, with the cuts above it as they were when it was found, so a later find
never moves the cut of an earlier one.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from itertools import pairwise

from xxhash import xxh3_64

SMALLEST = 512
"""Bytes between two cuts, and before the first."""
MOST_CUTS = 3
_FEWEST = 3
_STEP, _GROWTH = 64, 64
_LINE_END = re.compile(rb"(?<!\\)(?:\\\\)*\\n")
_COUNTS, _PLACES = 40_000, 10_000


def places_of(text: bytes, seed: int) -> list[tuple[int, int]]:
    """Offsets where a JSON text (without its quotes) may be cut, each with the hash of what stands before it.

    A place is the end of a line, or before a space where lines are long; never inside an escape. Whether a place is one
    depends on nothing that stands after it.
    """
    found: list[tuple[int, int]] = []
    state = xxh3_64(seed=seed)
    done = at = 0
    while True:
        step = max(_STEP, at // _GROWTH)
        line = _LINE_END.search(text, at + step, at + 2 * step)
        at = line.end() if line else text.find(b" ", at + 2 * step)
        if at < 0 or at >= len(text):
            return found
        state.update(text[done:at])
        done = at
        found.append((at, state.intdigest()))


class Heads:
    """The shared beginnings of many texts; hashes only, bounded."""

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self._cuts: OrderedDict[int, tuple[int, ...]] = OrderedDict()

    def cuts(self, places: list[tuple[int, int]]) -> tuple[int, ...]:
        """Where to cut a text with these places, by what was seen before it."""
        for _, key in reversed(places):
            known = self._cuts.get(key)
            if known is not None:
                self._cuts.move_to_end(key)
                return known
        return ()

    def add(self, places: list[tuple[int, int]]) -> None:
        """A text that was not seen before."""
        counts = self._counts
        for _, key in places:
            counts[key] = counts.get(key, 0) + 1
        above: tuple[int, ...] = ()
        for (offset, key), (_, following) in pairwise(places):
            known = self._cuts.get(key)
            if known is not None:
                above = known
                continue
            count = counts[key]
            parts = count >= _FEWEST and 2 * counts[following] <= count
            if parts and len(above) < MOST_CUTS and offset - (above[-1] if above else 0) >= SMALLEST:
                above = self._cuts[key] = (*above, offset)
        if len(counts) > _COUNTS:
            self._forget()
        while len(self._cuts) > _PLACES:
            self._cuts.popitem(last=False)

    def _forget(self) -> None:
        """What only one text passed goes first, then what came first."""
        kept = [pair for pair in self._counts.items() if pair[1] > 1][-_COUNTS // 2 :]
        self._counts = dict(kept)

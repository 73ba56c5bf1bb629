"""How long until a prefix comes again: counted by interval, what never came again counted too.

A discrete hazard. The time after a sighting is cut at ``EDGES``; an interval's exposures are the sightings that reached
its end or came again within it, its events those that came again. What is still open has not been counted in the
interval it stands in, so that open waits neither raise nor lower a hazard (right censoring).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

EDGES = (300.0, 600.0, 1800.0, 3600.0)
"""Ends of the intervals in seconds, inclusive; every lifetime of at most an hour is one of them."""
_STRENGTH = 8.0
"""A class's hazards are shrunk to those of all classes with the weight of so many sightings."""


class Gaps:
    """Waits by class; a class is any small number, for example how far a conversation has come."""

    __slots__ = ("_all", "_by_class")

    def __init__(self) -> None:
        self._all = [0.0] * (2 * len(EDGES))
        self._by_class: dict[int, list[float]] = {}

    def add(self, kind: int, interval: int, *, came: bool) -> None:
        """A sighting of a class that came again in an interval, or that reached its end without."""
        counts = self._by_class.get(kind)
        if counts is None:
            counts = self._by_class[kind] = [0.0] * (2 * len(EDGES))
        for one in (counts, self._all):
            one[2 * interval] += 1.0
            one[2 * interval + 1] += came

    def hazard(self, kind: int, interval: int) -> float:
        """The chance to come again in an interval, given that it did not before; 0 when nothing is known."""
        exposed, came = self._all[2 * interval], self._all[2 * interval + 1]
        everyone = came / (exposed + 2.0)
        counts = self._by_class.get(kind)
        if counts is None:
            return everyone
        exposed, came = counts[2 * interval], counts[2 * interval + 1]
        return (came + _STRENGTH * everyone) / (exposed + _STRENGTH)

    def within(self, kind: int, lifetime: float, first: float | None = None) -> float:
        """The chance to come again within a lifetime (seconds).

        Args:
            kind: the class.
            lifetime: intervals that end after it are left out: a promise is made only for what was measured.
            first: a better estimate for the first interval, or None for the class's own.
        """
        stays = 1.0
        for interval, edge in enumerate(EDGES):
            if edge > lifetime:
                break
            hazard = first if interval == 0 and first is not None else self.hazard(kind, interval)
            stays *= 1.0 - hazard
        return 1.0 - stays

    def merge(self, other: Gaps) -> None:
        """Add another's counts."""
        _add(self._all, other._all)
        for kind, counts in other._by_class.items():
            _add(self._by_class.setdefault(kind, [0.0] * (2 * len(EDGES))), counts)

    def to_builtins(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"all": self._all, "classes": [[kind, *counts] for kind, counts in self._by_class.items()]}

    @classmethod
    def from_builtins(cls, value: Any) -> Self:
        """What ``to_builtins`` wrote; ValueError, KeyError or TypeError for anything else."""
        gaps = cls()
        gaps._all = _numbers(value["all"])
        gaps._by_class = {int(kind): _numbers(counts) for kind, *counts in value["classes"]}
        return gaps


def _add(mine: list[float], theirs: Sequence[float]) -> None:
    for index, count in enumerate(theirs):
        mine[index] += count


def _numbers(values: Sequence[float]) -> list[float]:
    if len(values) != 2 * len(EDGES):
        raise ValueError("counts of another set of intervals")
    return [float(value) for value in values]

"""How long until a prefix comes again: counted by interval, what never came again counted too.

A discrete hazard. The time after a sighting is cut at ``EDGES``; an interval's exposures are the sightings that reached
its end or came again within it, its events those that came again. What is still open has not been counted in the
interval it stands in, so that open waits neither raise nor lower a hazard (right censoring).

Within the first interval it is also counted how soon: what a wait of a minute without a return says depends on it.

What is worked out of the counts is kept until they have grown by a 32nd: it is asked for with every request, and moves
little with each.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any, Self

from penstock.evidence.growth import grow

EDGES = (300.0, 600.0, 1200.0, 1800.0, 3600.0)
"""Ends of the intervals in seconds, inclusive; every lifetime of at most an hour is one of them."""
AGES = (60.0, 150.0)
"""Ages in seconds at which a forecast that is still open is judged by what it has not seen."""
_STRENGTH = 20.0
"""A class's hazards are shrunk to those of its kind of traffic with the weight of so many sightings."""
STAGES = 8
"""Classes of one kind of traffic: a class is a stage plus ``STAGES`` times the kind."""
_PRIOR = ((0.5, 0.05, 0.03, 0.02, 0.03), (0.5, 0.1, 0.1, 0.1, 0.1), (0.9, 0.3, 0.3, 0.3, 0.4))
"""Hazards before any sighting, with the weight of two: of prompts of which no more is known, of dialogues, and of
prompts with tools. People who have not answered in five minutes seldom do; a loop of tools goes on when it can."""
_FADING = 0.3
"""A later interval is expected to have at least this part of the hazard of the one before, until it is seen."""
_SOON = (2.7, 4.3, 3.0)
"""Returns within the first interval by age, before any was seen. In public traces of chat and of questions about
documents they came almost evenly over the five minutes."""

_NOTHING = (0.0,) * (2 * len(EDGES))

_KEPT = 32
"""What was worked out of counts is kept until one in so many of them is new."""


class _Known:
    """What was worked out for a class, and how many more sightings of it may be counted before it is old."""

    __slots__ = ("left", "returns", "stays")

    def __init__(self, hazards: Sequence[float], left: int) -> None:
        self.left = left
        self.returns = _returns(hazards)
        self.stays = _stays(hazards)


class Gaps:
    """Waits by class; a class is any small number, for example how far a conversation has come."""

    __slots__ = ("_all", "_by_class", "_known", "_left", "_soon")

    def __init__(self) -> None:
        self._all = [[0.0] * (2 * len(EDGES)) for _ in _PRIOR]
        self._by_class: dict[int, list[float]] = {}
        self._soon = [0.0] * len(_SOON)
        self._forget()

    def _forget(self) -> None:
        self._known: dict[int, _Known] = {}
        self._left = [0] * len(_PRIOR)

    def came_after(self, seconds: float) -> None:
        """A request came again within the first interval."""
        self._soon[bisect_left(AGES, seconds)] += 1.0

    def by_age(self) -> list[float]:
        """Of what comes again within the first interval, the share that has come by each of ``AGES``."""
        counts = [before + seen for before, seen in zip(_SOON, self._soon, strict=True)]
        return [came / sum(counts) for came in accumulate(counts[:-1])]

    def add(self, kind: int, interval: int, *, came: bool) -> None:
        """A sighting of a class that came again in an interval, or that reached its end without."""
        counts = self._by_class.get(kind)
        if counts is None:
            counts = self._by_class[kind] = [0.0] * (2 * len(EDGES))
        traffic = kind // STAGES
        for one in (counts, self._all[traffic]):
            one[2 * interval] += 1.0
            one[2 * interval + 1] += came
        known = self._known.get(kind)
        if known is not None:
            known.left -= 1
            if known.left < 0:
                del self._known[kind]
        self._left[traffic] -= 1
        if self._left[traffic] < 0:
            self._left[traffic] = int(sum(self._all[traffic][::2])) // _KEPT
            for alike in [other for other in self._known if other // STAGES == traffic]:
                del self._known[alike]

    def _of(self, kind: int) -> _Known:
        known = self._known.get(kind)
        if known is None:
            counts = self._by_class.get(kind, ())
            known = self._known[kind] = _Known(self.hazards(kind), int(sum(counts[::2])) // _KEPT)
        return known

    def hazards(self, kind: int) -> list[float]:
        """For each interval the chance to come again in it, given that it did not before.

        What an interval's prior expects is scaled down with what was seen of the interval before: of traffic that
        never comes back after ten minutes, nothing is expected after twenty, long before an hour is over.
        """
        alike, counts = self._all[kind // STAGES], self._by_class.get(kind)
        found = []
        before = trend = 0.0
        for interval, prior in enumerate(_PRIOR[kind // STAGES]):
            place = 2 * interval
            expected = prior if interval <= 1 else max(prior * min(trend, 1.0), _FADING * before)
            before = (alike[place + 1] + 2.0 * expected) / (alike[place] + 2.0)
            trend = before / prior
            if counts is None:
                found.append(before)
            else:
                found.append((counts[place + 1] + _STRENGTH * before) / (counts[place] + _STRENGTH))
        return found

    def returns(self, kind: int) -> Mapping[float, float]:
        """Lifetime in seconds -> the chance to come again within it."""
        return self._of(kind).returns

    def stays(self, kind: int) -> Mapping[float, float]:
        """Lifetime in seconds -> the chance not to come in the rest of it, having not come in the first interval."""
        return self._of(kind).stays

    def seen_between(self, kind: int, waited: float, until: float) -> float:
        """The chance to come in the intervals that begin at or after ``waited`` and end by ``until``; careful.

        From what was seen of the class itself: nothing is expected before it was.

        Args:
            kind: the class.
            waited: seconds since the sighting, in which nothing came; the interval that it ends in is left out.
            until: seconds since the sighting.
        """
        counts = self._by_class.get(kind, _NOTHING)
        stays, begin = 1.0, 0.0
        for interval, edge in enumerate(EDGES):
            if begin >= waited and edge <= until:
                stays *= 1.0 - counts[2 * interval + 1] / (counts[2 * interval] + 2.0)
            begin = edge
        return 1.0 - stays

    def merge(self, other: Gaps) -> None:
        """Add another's counts."""
        for mine, theirs in zip(self._all, other._all, strict=True):
            _add(mine, theirs)
        _add(self._soon, other._soon)
        for kind, counts in other._by_class.items():
            _add(self._by_class.setdefault(kind, [0.0] * (2 * len(EDGES))), counts)
        self._forget()

    def advance(self, earlier: Gaps, now: Gaps) -> None:
        """Add what was counted since an earlier state (``evidence.growth``)."""
        for mine, before, after in zip(self._all, earlier._all, now._all, strict=True):
            grow(mine, before, after)
        grow(self._soon, earlier._soon, now._soon)
        nothing = [0.0] * (2 * len(EDGES))
        for kind, after in now._by_class.items():
            grow(self._by_class.setdefault(kind, list(nothing)), earlier._by_class.get(kind, nothing), after)
        self._forget()

    def to_builtins(self) -> dict[str, Any]:
        """Plain JSON values."""
        classes = [[kind, *counts] for kind, counts in self._by_class.items()]
        return {"all": self._all, "soon": self._soon, "classes": classes}

    @classmethod
    def from_builtins(cls, value: Any) -> Self:
        """What ``to_builtins`` wrote; ValueError, KeyError or TypeError for anything else."""
        gaps = cls()
        gaps._all = [_numbers(counts) for counts in value["all"]]
        if len(gaps._all) != len(_PRIOR):
            raise ValueError("counts of other kinds of traffic")
        gaps._soon = _numbers(value["soon"], len(_SOON))
        gaps._by_class = {int(kind): _numbers(counts) for kind, *counts in value["classes"]}
        return gaps


def _returns(hazards: Sequence[float]) -> Mapping[float, float]:
    stays = 1.0
    return {edge: 1.0 - (stays := stays * (1.0 - hazard)) for edge, hazard in zip(EDGES, hazards, strict=True)}


def _stays(hazards: Sequence[float]) -> Mapping[float, float]:
    stays = 1.0
    later = (0.0, *hazards[1:])
    return {edge: (stays := stays * (1.0 - hazard)) for edge, hazard in zip(EDGES, later, strict=True)}


def _add(mine: list[float], theirs: Sequence[float]) -> None:
    for index, count in enumerate(theirs):
        mine[index] += count


def _numbers(values: Sequence[float], width: int = 2 * len(EDGES)) -> list[float]:
    if len(values) != width:
        raise ValueError("counts of another set of intervals")
    return [float(value) for value in values]

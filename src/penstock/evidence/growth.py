"""What a process has learnt since an earlier state of its own, added to a state that others may have added to.

Every part of the evidence has ``advance(earlier, now)``. From the state ``earlier`` it leads to ``now``; from a state
that another process advanced meanwhile it adds the difference, so that what both began with is counted once. Sums add
up exactly. Counts that begin anew may have shrunk since; what would fall below zero is zero. What fades is faded by
each process for itself: only what was added is added, for else what two of them know would fade twice.

Large parts have ``advancing`` too, a generator of the same that may be left between two steps: a running process takes
in what others learnt a little at a time. Of ``earlier`` and ``now`` it only reads, and they may not change meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableSequence, Sequence
from typing import Any

_HALVINGS = 20
"""More of them between two states leave nothing of the earlier one."""


def grown(mine: int, earlier: int, now: int) -> int:
    """A count after the difference was added to it."""
    return max(0, mine + now - earlier)


def grow(mine: MutableSequence[float], earlier: Sequence[float], now: Sequence[float]) -> None:
    """Add the difference of two sequences to one of the same length, place by place."""
    for place, value in enumerate(now):
        mine[place] = max(0.0, moved(mine[place], earlier[place], value))


def moved(mine: float, earlier: float, now: float) -> float:
    """A number after the difference was added to it; ``now`` itself, without rounding, where nobody else moved it."""
    return now if mine == earlier else mine + (now - earlier)


def grow_pairs(mine: MutableSequence[float], earlier: Sequence[float], now: Sequence[float], *, memory: float) -> None:
    """The same for pairs of exposures and events that are halved when the exposures come to ``memory``."""
    for place in range(0, len(mine), 2):
        pair = slice(place, place + 2)
        if mine[place] == earlier[place] and mine[place + 1] == earlier[place + 1]:
            mine[pair] = now[pair]
            continue
        exposures, events = _added((earlier[place], earlier[place + 1]), (now[place], now[place + 1]))
        exposures += mine[place]
        events += mine[place + 1]
        while exposures >= memory:
            exposures, events = exposures / 2.0, events / 2.0
        mine[pair] = (exposures, min(exposures, events))


def _added(earlier: tuple[float, float], now: tuple[float, float]) -> tuple[float, float]:
    """Exposures and events since an earlier state, which was halved since as often as explains what is left of it."""
    left = 1.0
    for _ in range(_HALVINGS):
        exposures, events = now[0] - left * earlier[0], now[1] - left * earlier[1]
        if 0.0 <= events <= exposures:
            return exposures, events
        left /= 2.0
    return now


def steps_of(mine: Any, earlier: Any, now: Any) -> Iterator[None]:
    """``advancing`` of any part; that of a part which has none is one step."""
    if hasattr(mine, "advancing"):
        yield from mine.advancing(earlier, now)
    else:
        mine.advance(earlier, now)
        yield


def through(steps: Iterator[None]) -> None:
    """Take all steps of an ``advancing``."""
    for _ in steps:
        pass

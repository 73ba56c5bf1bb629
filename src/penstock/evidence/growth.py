"""What a process has learnt since an earlier state of its own, added to a state that others may have added to.

Every part of the evidence has ``advance(earlier, now)``. From the state ``earlier`` it leads to ``now``; from a state
that another process advanced meanwhile it adds the difference, so that what both began with is counted once. Sums add
up exactly. Counts that fade or begin anew may have shrunk since; what would fall below zero is zero.
"""

from __future__ import annotations

from collections.abc import MutableSequence, Sequence


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


def grow_pairs(mine: MutableSequence[float], earlier: Sequence[float], now: Sequence[float]) -> None:
    """The same for pairs of exposures and events: there are never more events than exposures."""
    grow(mine, earlier, now)
    for place in range(0, len(mine), 2):
        mine[place + 1] = min(mine[place], mine[place + 1])

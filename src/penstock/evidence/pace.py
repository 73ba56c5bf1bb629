"""How fast a task's calls come: arrivals per minute, the last minutes counting most."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Self

from penstock.evidence.growth import through

_MEMORY_S = 300.0
_TASKS = 5000


class Pace:
    """A decayed count of arrivals per task. At most 5,000 tasks are followed; others have no pace."""

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts: dict[str, tuple[float, float]] = {}

    def add(self, task: str, at: float) -> None:
        """One arrival, at seconds since the epoch; a late report of an earlier one counts as if it came now."""
        known = self._counts.get(task)
        if known is None:
            if len(self._counts) < _TASKS:
                self._counts[task] = (1.0, at)
            return
        count, last = known
        self._counts[task] = (count * _kept(at - last) + 1.0, max(at, last))

    def per_minute(self, task: str, now: float) -> float:
        """Arrivals per minute over the last five minutes or so."""
        known = self._counts.get(task)
        if known is None:
            return 0.0
        count, last = known
        return count * _kept(now - last) * 60.0 / _MEMORY_S

    def merge(self, other: Pace) -> None:
        """Add another's arrivals."""
        for task, (count, last) in other._counts.items():
            known = self._counts.get(task)
            if known is None:
                if len(self._counts) < _TASKS:
                    self._counts[task] = (count, last)
                continue
            latest = max(last, known[1])
            self._counts[task] = (count * _kept(latest - last) + known[0] * _kept(latest - known[1]), latest)

    def advance(self, earlier: Pace, now: Pace) -> None:
        """Add the arrivals since an earlier state (``evidence.growth``), each as far as it has faded."""
        through(self.advancing(earlier, now))

    def advancing(self, earlier: Pace, now: Pace) -> Iterator[None]:
        """The same, a task at a time."""
        for task, (count, last) in now._counts.items():
            yield
            before, then = earlier._counts.get(task, (0.0, last))
            mine, mine_last = self._counts.get(task, (0.0, last))
            if (mine, mine_last) == (before, then):
                mine, mine_last, before, then = 0.0, last, 0.0, last
            if task not in self._counts and len(self._counts) >= _TASKS:
                continue
            latest = max(last, mine_last)
            fresh = (count - before * _kept(last - then)) * _kept(latest - last)
            self._counts[task] = (max(0.0, mine * _kept(latest - mine_last) + fresh), latest)

    def to_builtins(self) -> dict[str, list[float]]:
        """Plain JSON values."""
        return {task: list(known) for task, known in self._counts.items()}

    @classmethod
    def from_builtins(cls, value: Any) -> Self:
        """What ``to_builtins`` wrote; ValueError or TypeError for anything else."""
        pace = cls()
        pace._counts = {str(task): (float(count), float(last)) for task, (count, last) in value.items()}
        return pace


def _kept(seconds: float) -> float:
    return math.exp(-max(seconds, 0.0) / _MEMORY_S)

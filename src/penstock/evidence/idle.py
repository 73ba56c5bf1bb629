"""How long kept cache prefixes stand idle before they are used again, in rounds between keep-alive requests.

A discrete hazard by task: an exposure is a prefix that was not used before a round, an event one that was used in it.
A prefix that is still idle counts in the rounds that are over (right censoring). Sums merge by addition.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

from penstock.evidence.growth import grown, through

ROUNDS = 40
"""Rounds that are told apart; more than any price lets a prefix be kept for."""
_TASKS = 2000


class Idle:
    """Waits by task. At most 2,000 tasks are followed; of others nothing is known."""

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts: dict[str, list[int]] = {}

    def add(self, task: str, rounds: int, *, came: bool) -> None:
        """A prefix that stood idle for so many whole rounds, and was used in the next one or was not watched longer."""
        counts = self._counts.get(task)
        if counts is None:
            if len(self._counts) >= _TASKS:
                return
            counts = self._counts[task] = [0] * (2 * ROUNDS)
        for round_ in range(min(rounds, ROUNDS)):
            counts[2 * round_] += 1
        if came and rounds < ROUNDS:
            counts[2 * rounds] += 1
            counts[2 * rounds + 1] += 1

    def hazard(self, task: str, round_: int) -> float:
        """The chance to be used in a round, given that it was not before; on the careful side, 0 when unknown."""
        counts = self._counts.get(task)
        if counts is None or round_ >= ROUNDS:
            return 0.0
        return counts[2 * round_ + 1] / (counts[2 * round_] + 2.0)

    def merge(self, other: Idle) -> None:
        """Add another's counts."""
        for task, theirs in other._counts.items():
            mine = self._counts.get(task)
            if mine is not None:
                self._counts[task] = [a + b for a, b in zip(mine, theirs, strict=True)]
            elif len(self._counts) < _TASKS:
                self._counts[task] = list(theirs)

    def advance(self, earlier: Idle, now: Idle) -> None:
        """Add what was counted since an earlier state (``evidence.growth``)."""
        through(self.advancing(earlier, now))

    def advancing(self, earlier: Idle, now: Idle) -> Iterator[None]:
        """The same, a task at a time."""
        nothing = [0] * (2 * ROUNDS)
        for task, after in now._counts.items():
            yield
            mine = self._counts.get(task)
            if mine is None:
                if len(self._counts) >= _TASKS:
                    continue
                mine = nothing
            before = earlier._counts.get(task, nothing)
            self._counts[task] = [grown(a, b, c) for a, b, c in zip(mine, before, after, strict=True)]

    def to_builtins(self) -> dict[str, list[int]]:
        """Plain JSON values."""
        return {task: list(counts) for task, counts in sorted(self._counts.items())}

    @classmethod
    def from_builtins(cls, value: Any) -> Self:
        """What ``to_builtins`` wrote; ValueError or a subclass for anything else."""
        idle = cls()
        for task, counts in value.items():
            if len(counts) != 2 * ROUNDS:
                raise ValueError("counts of another number of rounds")
            idle._counts[str(task)] = [int(count) for count in counts]
        return idle

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Idle) and self._counts == other._counts

    def __hash__(self) -> int:
        return id(self)

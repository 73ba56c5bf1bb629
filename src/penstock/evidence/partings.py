"""How often other prompts part from one above its tail while an entry there would live.

A conversation's first prompt comes back through its whole length with the next turn, and through its system prompt with
the next conversation. Those are two requests, and an entry at the end of the tail serves the first alone. That one or
the other comes says nothing about whether both do, so the second is counted apart, and taken for none before it is
seen: per task, and for prompts on a shared head apart from conversations, whose place above the tail is their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

from penstock.evidence.growth import grow_pairs, through

_TASKS = 5000
_CLASSES = 3
_STRENGTH = 4.0
_MEMORY = 400.0
"""Counts are halved at so many prompts: a change of traffic is followed."""


class Partings:
    """Counts per task, at most 5,000 tasks."""

    __slots__ = ("_tasks",)

    def __init__(self) -> None:
        self._tasks: dict[str, list[float]] = {}

    def chance(self, task: str, kind: int) -> float:
        """The chance that a request parts from a prompt above its tail within the shortest lifetime.

        Args:
            task: of the prompt.
            kind: class of the prompt, 0 to 2.
        """
        counts = self._tasks.get(task)
        return 0.0 if counts is None else counts[2 * kind + 1] / (counts[2 * kind] + _STRENGTH)

    def add(self, task: str, kind: int, *, parted: bool) -> None:
        """A prompt's shortest lifetime is over: whether a request had parted from it above its tail."""
        counts = self._tasks.get(task)
        if counts is None:
            if len(self._tasks) >= _TASKS:
                return
            counts = self._tasks[task] = [0.0] * (2 * _CLASSES)
        place = 2 * kind
        counts[place] += 1.0
        counts[place + 1] += parted
        if counts[place] >= _MEMORY:
            counts[place] /= 2.0
            counts[place + 1] /= 2.0

    def merge(self, other: Partings) -> None:
        """Add another's counts."""
        for task, theirs in other._tasks.items():
            mine = self._tasks.get(task)
            if mine is not None:
                self._tasks[task] = [one + two for one, two in zip(mine, theirs, strict=True)]
            elif len(self._tasks) < _TASKS:
                self._tasks[task] = list(theirs)

    def advance(self, earlier: Partings, now: Partings) -> None:
        """Add what was counted since an earlier state (``evidence.growth``)."""
        through(self.advancing(earlier, now))

    def advancing(self, earlier: Partings, now: Partings) -> Iterator[None]:
        """The same, a task at a time."""
        nothing = [0.0] * (2 * _CLASSES)
        for task, after in now._tasks.items():
            mine = self._tasks.get(task)
            if mine is None and len(self._tasks) < _TASKS:
                mine = self._tasks[task] = list(nothing)
            if mine is not None:
                grow_pairs(mine, earlier._tasks.get(task, nothing), after, memory=_MEMORY)
            yield

    def to_builtins(self) -> dict[str, list[float]]:
        """Plain JSON values."""
        return self._tasks

    @classmethod
    def from_builtins(cls, value: Any) -> Self:
        """What ``to_builtins`` wrote; ValueError or TypeError for anything else."""
        partings = cls()
        for task, counts in value.items():
            if len(counts) != 2 * _CLASSES:
                raise ValueError("counts of other classes")
            partings._tasks[str(task)] = [float(count) for count in counts]
        return partings

"""How far a return reaches into the tail of the prompt before it.

A conversation comes back through the whole of its last prompt; a document with another question through all but its
last places. Of the prompts whose tail's beginning came again it is counted how many came again down to each of the
tail's ends, per task, shrunk to all tasks, and before any example to the whole of a conversation's later turn, and to
nearly the whole of any other prompt: there a deeper end is taken for a little less likely than the one above it, so
that the markers that a prompt has to spare are put on several ends. They write nothing more, and are read where a
return does not come through the whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Self

from penstock.evidence.growth import grow_pairs, through

ENDS = 8
"""How many ends of a tail are told apart; 0 is the last place."""
_CLASSES = 3
_LATER_TURN = 2
"""The class of prompts that go on a conversation."""
_WIDTH = 2 * ENDS * _CLASSES
_TASKS = 5000
_STRENGTH = 4.0
_DEEPER = 0.02
"""What an end of a first prompt is less likely to be reached than the one above it, before any example."""
_MEMORY = 400.0
"""Counts are halved at so many examples: a change of traffic is followed."""


class Reach:
    """Counts per task, at most 5,000 tasks; others share those of everyone."""

    __slots__ = ("_all", "_tasks")

    def __init__(self) -> None:
        self._all = [0.0] * _WIDTH
        self._tasks: dict[str, list[float]] = {}

    def chance(self, task: str, kind: int, end: int) -> float:
        """The chance to come again down to an end of the tail, given that its beginning does.

        Args:
            task: of the prompt.
            kind: class of the prompt, 0 to 2.
            end: places after it that may be marked, less than ``ENDS``.
        """
        place = 2 * (kind * ENDS + end)
        whole = self._all
        prior = 1.0 if kind == _LATER_TURN else 1.0 - _DEEPER * (ENDS - 1 - end)
        everyone = (whole[place + 1] + _STRENGTH * prior) / (whole[place] + _STRENGTH)
        counts = self._tasks.get(task)
        if counts is None:
            return everyone
        return (counts[place + 1] + _STRENGTH * everyone) / (counts[place] + _STRENGTH)

    def add(self, task: str, kind: int, end: int, *, came: bool) -> None:
        """A prompt whose tail's beginning came again: whether it did down to an end."""
        place = 2 * (kind * ENDS + end)
        counts = self._tasks.get(task)
        if counts is None and len(self._tasks) < _TASKS:
            counts = self._tasks[task] = [0.0] * _WIDTH
        for one in (self._all, counts):
            if one is None:
                continue
            one[place] += 1.0
            one[place + 1] += came
            if one[place] >= _MEMORY:
                one[place] /= 2.0
                one[place + 1] /= 2.0

    def merge(self, other: Reach) -> None:
        """Add another's counts."""
        _add(self._all, other._all)
        for task, counts in other._tasks.items():
            mine = self._tasks.get(task)
            if mine is not None:
                _add(mine, counts)
            elif len(self._tasks) < _TASKS:
                self._tasks[task] = list(counts)

    def advance(self, earlier: Reach, now: Reach) -> None:
        """Add what was counted since an earlier state (``evidence.growth``)."""
        through(self.advancing(earlier, now))

    def advancing(self, earlier: Reach, now: Reach) -> Iterator[None]:
        """The same, a task at a time."""
        grow_pairs(self._all, earlier._all, now._all, memory=_MEMORY)
        nothing = [0.0] * _WIDTH
        for task, after in now._tasks.items():
            mine = self._tasks.get(task)
            if mine is None and len(self._tasks) < _TASKS:
                mine = self._tasks[task] = list(nothing)
            if mine is not None:
                grow_pairs(mine, earlier._tasks.get(task, nothing), after, memory=_MEMORY)
            yield

    def to_builtins(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"all": self._all, "tasks": self._tasks}

    @classmethod
    def from_builtins(cls, value: Any) -> Self:
        """What ``to_builtins`` wrote; ValueError, KeyError or TypeError for anything else."""
        reach = cls()
        reach._all = _numbers(value["all"])
        reach._tasks = {str(task): _numbers(counts) for task, counts in value["tasks"].items()}
        return reach


def _add(mine: list[float], theirs: Sequence[float]) -> None:
    for index, count in enumerate(theirs):
        mine[index] += count


def _numbers(values: Sequence[float]) -> list[float]:
    if len(values) != _WIDTH:
        raise ValueError("counts of another shape")
    return [float(value) for value in values]

"""How often conversations go on late, against what their kind of traffic let expect: by name.

The chance to come again after the shortest lifetime is learnt by class of prompt, from all tasks together. A task whose
clients do not come back, or do not send answers back as they got them, has a chance of its own: what came, divided by
what was expected. Both are counted when the time asked about is over, whatever was sent or not, so that what stood down
is seen to change. A name stands for a task's prompts of one class.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

from penstock.evidence.growth import grow, through

_NAMES = 5000
_STRENGTH = 2.0
"""Returns as expected that a name begins with: five expected ones that did not come leave less than a third."""


class Late:
    """Sums by name: returns that were expected, and that came. At most 5,000 names; the others' factor stays 1."""

    __slots__ = ("_sums",)

    def __init__(self) -> None:
        self._sums: dict[str, list[float]] = {}

    def add(self, name: str, expected: float, *, came: bool) -> None:
        """The time is over in which a return was expected with a chance."""
        sums = self._sums.get(name)
        if sums is None:
            if len(self._sums) >= _NAMES:
                return
            sums = self._sums[name] = [0.0, 0.0]
        sums[0] += expected
        sums[1] += came

    def factor(self, name: str) -> float:
        """What the chances of a name's prompts are to be multiplied by."""
        expected, came = self._sums.get(name, (0.0, 0.0))
        return (came + _STRENGTH) / (expected + _STRENGTH)

    def merge(self, other: Late) -> None:
        """Add another's sums."""
        for name, theirs in other._sums.items():
            mine = self._sums.get(name)
            if mine is not None:
                self._sums[name] = [a + b for a, b in zip(mine, theirs, strict=True)]
            elif len(self._sums) < _NAMES:
                self._sums[name] = list(theirs)

    def advance(self, earlier: Late, now: Late) -> None:
        """Add what was counted since an earlier state (``evidence.growth``)."""
        through(self.advancing(earlier, now))

    def advancing(self, earlier: Late, now: Late) -> Iterator[None]:
        """The same, a name at a time."""
        for name, after in now._sums.items():
            yield
            mine = self._sums.get(name)
            if mine is None and len(self._sums) < _NAMES:
                mine = self._sums[name] = [0.0, 0.0]
            if mine is not None:
                grow(mine, earlier._sums.get(name, (0.0, 0.0)), after)

    def to_builtins(self) -> dict[str, list[float]]:
        """Plain JSON values."""
        return {name: list(sums) for name, sums in sorted(self._sums.items())}

    @classmethod
    def from_builtins(cls, value: Any) -> Self:
        """What ``to_builtins`` wrote; ValueError or a subclass for anything else."""
        late = cls()
        for name, (expected, came) in value.items():
            late._sums[str(name)] = [float(expected), float(came)]
        return late

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Late) and self._sums == other._sums

    def __hash__(self) -> int:
        return id(self)

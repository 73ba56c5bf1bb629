"""How long kept cache prefixes stand idle before they are used again, in rounds between keep-alive requests.

A discrete hazard by name: an exposure is a prefix that was not used before a round, an event one that was used in it.
A prefix that is still idle counts in the rounds that are over (right censoring). Sums merge by addition.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Self

from penstock.evidence.binomial import share_at_least
from penstock.evidence.growth import grown, through

ROUNDS = 40
"""Rounds that are told apart; more than any price lets a prefix be kept for."""
_NAMES = 5000
_DOUBT = 0.05


class Idle:
    """Waits by name. At most 5,000 names are followed; of others nothing is known."""

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts: dict[str, list[int]] = {}

    def add(self, name: str, rounds: int, *, came: bool, since: int = 0) -> None:
        """A prefix stood idle for so many whole rounds, and was used in the next one or was not yet.

        Args:
            name: whose.
            rounds: that are over.
            came: whether it was used in the round after them.
            since: rounds that were counted before, while it was watched. Counting them only at its end would let those
                that are used soon pass for all.
        """
        counts = self._counts.get(name)
        if counts is None:
            if len(self._counts) >= _NAMES:
                return
            counts = self._counts[name] = [0] * (2 * ROUNDS)
        for round_ in range(since, min(rounds, ROUNDS)):
            counts[2 * round_] += 1
        if came and rounds < ROUNDS:
            counts[2 * rounds] += 1
            counts[2 * rounds + 1] += 1

    def hazard(self, name: str, round_: int) -> float:
        """The chance to be used in a round, given that it was not before: the least that what was seen allows.

        A lower confidence bound at 95 percent, 0 when unknown: where money is spent on the best of many guesses, the
        luckiest of them would win.
        """
        counts = self._counts.get(name)
        if counts is None or round_ >= ROUNDS:
            return 0.0
        return _surely(counts[2 * round_ + 1], counts[2 * round_])

    def merge(self, other: Idle) -> None:
        """Add another's counts."""
        for name, theirs in other._counts.items():
            mine = self._counts.get(name)
            if mine is not None:
                self._counts[name] = [a + b for a, b in zip(mine, theirs, strict=True)]
            elif len(self._counts) < _NAMES:
                self._counts[name] = list(theirs)

    def advance(self, earlier: Idle, now: Idle) -> None:
        """Add what was counted since an earlier state (``evidence.growth``)."""
        through(self.advancing(earlier, now))

    def advancing(self, earlier: Idle, now: Idle) -> Iterator[None]:
        """The same, a name at a time."""
        nothing = [0] * (2 * ROUNDS)
        for name, after in now._counts.items():
            yield
            mine = self._counts.get(name)
            if mine is None:
                if len(self._counts) >= _NAMES:
                    continue
                mine = nothing
            before = earlier._counts.get(name, nothing)
            self._counts[name] = [grown(a, b, c) for a, b, c in zip(mine, before, after, strict=True)]

    def to_builtins(self) -> dict[str, list[int]]:
        """Plain JSON values."""
        return {name: list(counts) for name, counts in sorted(self._counts.items())}

    @classmethod
    def from_builtins(cls, value: Any) -> Self:
        """What ``to_builtins`` wrote; ValueError or a subclass for anything else."""
        idle = cls()
        for name, counts in value.items():
            if len(counts) != 2 * ROUNDS:
                raise ValueError("counts of another number of rounds")
            idle._counts[str(name)] = [int(count) for count in counts]
        return idle

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Idle) and self._counts == other._counts

    def __hash__(self) -> int:
        return id(self)


@lru_cache(maxsize=4096)
def _surely(events: int, exposures: int) -> float:
    return share_at_least(events, exposures, _DOUBT)

"""The chance that a spot's prefix comes again within the shortest lifetime, learnt in two stages.

The first learns from every prompt alike, from what is known of it (``spots.Question``). What is at stake is tokens, and
large prompts may come again more or less often than small ones in ways that the features do not tell yet. The second
stage therefore shifts the first's score by one number per kind of spot and class of prompt, learnt from the same
outcomes weighted by tokens. It has so few weights that it settles first, and is learnt only from what is over.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

from penstock.evidence.growth import through
from penstock.evidence.odds import Odds, score_of
from penstock.evidence.spots import KINDS, Question

_MOST = 6.0
"""The most that one prompt counts in the second stage, in average prompts."""
_MEAN = 0.01
"""How fast the average follows."""


class Chances:
    """Both stages; they merge as the odds that they are."""

    __slots__ = ("_means", "first", "second")

    def __init__(self) -> None:
        self.first = Odds()
        self.second = Odds(trust=1.0)
        self._means = [0.0] * KINDS

    def of(self, seed: int, question: Question) -> float:
        """The chance of a question for the task of a seed."""
        first = self.first.chance(Odds.places(seed, question.features), question.prior)
        return self.second.chance(Odds.places(seed, question.group), score_of(first))

    def weight(self, question: Question) -> float:
        """What a prompt counts in the second stage, by the tokens that hang on the question."""
        mean = self._means[question.kind]
        self._means[question.kind] = mean + (question.stake - mean) * (_MEAN if mean else 1.0)
        return min(question.stake / max(self._means[question.kind], 1.0), _MOST)

    def weigh(self, seed: int, group: tuple[int, ...], first: float, *, came: bool, weight: float) -> None:
        """Teach the second stage an outcome; ``first`` is the score that the first stage gave when asked."""
        self.second.learn(Odds.places(seed, group), first, came=came, weight=weight)

    def merge(self, other: Chances) -> None:
        """Add another's evidence."""
        self.first.merge(other.first)
        self.second.merge(other.second)

    def advance(self, earlier: Chances, now: Chances) -> None:
        """Add what was learnt since an earlier state (``evidence.growth``)."""
        through(self.advancing(earlier, now))

    def advancing(self, earlier: Chances, now: Chances) -> Iterator[None]:
        """The same, some weights at a time."""
        yield from self.first.advancing(earlier.first, now.first)
        yield from self.second.advancing(earlier.second, now.second)

    def to_builtins(self) -> dict[str, Any]:
        """Plain JSON values; the averages of stakes begin anew."""
        return {"first": self.first.to_builtins(), "second": self.second.to_builtins()}

    @classmethod
    def from_builtins(cls, value: Any) -> Self:
        """What ``to_builtins`` wrote; ValueError, KeyError, TypeError or IndexError for anything else."""
        chances = cls()
        chances.first = Odds.from_builtins(value["first"])
        chances.second = Odds.from_builtins(value["second"])
        return chances

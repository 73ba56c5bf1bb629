"""Online odds: a Bayesian logistic regression over counted features, with shrinkage from task to everyone.

Each weight is a Gaussian kept as (precision above the prior, precision times mean), both zero before any evidence, so
that merging two learners is addition. An example moves each of its weights by the logistic gradient over that weight's
precision (assumed-density filtering), which makes the learning rate of a feature fall as the feature is seen. The
predicted chance is moderated by the variance of its weights (MacKay), so that what was rarely seen stays near even.

Every feature is counted twice: under its task, and under everyone. A new task so starts from what all tasks taught.
Weights live in a fixed table; features of many tasks may share a place in it.
"""

from __future__ import annotations

import base64
import math
from array import array
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, Self

_BITS = 14
_PLACES = 1 << _BITS
_MASK = _PLACES - 1
_SPREAD = 0x9E3779B97F4A7C15
_WORD = (1 << 64) - 1
_MACKAY = math.pi / 8.0
_PRIOR_VARIANCE = 0.5
_PRIOR = 1.0 / _PRIOR_VARIANCE
SCEPTIC = -2.0
"""The score before any example, a chance of 12 percent: too little for any write to pay."""
_TRUST = 3.0
"""How much an example counts in precision; above 1 the weights settle sooner, which held out examples prefer."""
_MEMORY = 400.0
"""The most precision that a weight gathers: older examples fade, so that a change of traffic is followed."""


class Odds:
    """Chances learnt from examples of sparse features."""

    __slots__ = ("_eta", "_precision", "examples")

    def __init__(self) -> None:
        self._precision = array("d", bytes(8 * _PLACES))
        self._eta = array("d", bytes(8 * _PLACES))
        self.examples = 0

    def places(self, seed: int, features: Iterable[int]) -> list[int]:
        """Where the weights of features stand, for everyone and for the task of that seed."""
        found = []
        for feature in features:
            found.append(((feature * _SPREAD) & _WORD) >> (64 - _BITS))
            found.append((((feature ^ seed) * _SPREAD) & _WORD) >> (64 - _BITS))
        return found

    def tally(self, places: Sequence[int]) -> tuple[float, float]:
        """Sum of means and sum of variances of the weights at some places."""
        precision, eta = self._precision, self._eta
        mean = variance = 0.0
        for place in places:
            certainty = _PRIOR + precision[place]
            mean += eta[place] / certainty
            variance += 1.0 / certainty
        return mean, variance

    def chance(self, mean: float, variance: float) -> float:
        """The moderated probability of a tally."""
        score = SCEPTIC + mean / math.sqrt(1.0 + _MACKAY * variance)
        if score < -30.0:  # noqa: PLR2004 - e^30 is beyond any odds that could matter
            return 0.0
        return 1.0 / (1.0 + math.exp(-score))

    def learn(self, places: Sequence[int], *, came: bool) -> None:
        """Add an example."""
        self._add(places, 1.0 if came else 0.0, 1.0)

    def doubt(self, places: Sequence[int], weight: float) -> array[float]:
        """Count an example as one that did not come, for now and by part; what ``take_back`` needs to undo it."""
        return self._add(places, 0.0, weight)

    def take_back(self, places: Sequence[int], loan: Sequence[float]) -> None:
        """Undo a doubt: the example's outcome is known."""
        precision, eta = self._precision, self._eta
        for index, place in enumerate(places, 1):
            precision[place] = max(precision[place] - loan[0], 0.0)
            eta[place] -= loan[index]

    def _add(self, places: Sequence[int], outcome: float, weight: float) -> array[float]:
        chance = self.chance(*self.tally(places))
        slope = weight * (chance - outcome)
        gained = weight * chance * (1.0 - chance) * _TRUST
        precision, eta = self._precision, self._eta
        added = array("d", (gained,))
        for place in places:
            before = _PRIOR + precision[place]
            middle = eta[place] / before
            after = min(before + gained, _MEMORY)
            precision[place] = after - _PRIOR
            eta[place] = middle * after - slope
            added.append(middle * gained - slope)
        self.examples += 1
        return added

    def merge(self, other: Odds) -> None:
        """Add another learner's evidence."""
        for mine, theirs in ((self._precision, other._precision), (self._eta, other._eta)):
            for place, value in enumerate(theirs):
                if value:
                    mine[place] += value
        self.examples += other.examples

    def to_builtins(self) -> dict[str, Any]:
        """Plain JSON values: only the places that were ever moved."""
        used = array("I", (place for place, value in enumerate(self._precision) if value))
        return {
            "examples": self.examples,
            "places": base64.b64encode(used.tobytes()).decode(),
            "precision": base64.b64encode(array("d", (self._precision[i] for i in used)).tobytes()).decode(),
            "eta": base64.b64encode(array("d", (self._eta[i] for i in used)).tobytes()).decode(),
        }

    @classmethod
    def from_builtins(cls, value: Any) -> Self:
        """The learner that ``to_builtins`` wrote; ValueError, KeyError or IndexError for anything else."""
        odds = cls()
        odds.examples = int(value["examples"])
        used, precision, eta = array("I"), array("d"), array("d")
        used.frombytes(base64.b64decode(value["places"]))
        precision.frombytes(base64.b64decode(value["precision"]))
        eta.frombytes(base64.b64decode(value["eta"]))
        for place, certainty, weight in zip(used, precision, eta, strict=True):
            odds._precision[place] = certainty
            odds._eta[place] = weight
        return odds


@lru_cache(maxsize=4096)
def seed_of(task: str) -> int:
    """A seed that sets the features of tasks apart, the same in every process (FNV-1a)."""
    number = 0xCBF29CE484222325
    for byte in task.encode("utf-8", "surrogatepass"):
        number = ((number ^ byte) * 0x100000001B3) & _WORD
    return number

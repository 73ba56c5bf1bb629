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
        mean, variance = self.tally(places)
        chance = self.chance(mean, variance)
        slope = chance - (1.0 if came else 0.0)
        gained = chance * (1.0 - chance) * _TRUST
        precision, eta = self._precision, self._eta
        for place in places:
            before = _PRIOR + precision[place]
            middle = eta[place] / before
            after = before + gained
            precision[place] = after - _PRIOR
            eta[place] = middle * after - slope
        self.examples += 1

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

"""Online odds: a Bayesian logistic regression over counted features, with shrinkage from task to everyone.

Each weight is a Gaussian kept as (precision above the prior, precision times mean), both zero before any evidence, so
that merging two learners is addition. An example moves each of its weights by the logistic gradient over that weight's
precision (assumed-density filtering), which makes the learning rate of a feature fall as the feature is seen. A score
starts from the prior that the caller names and moves from it by the sum of the weights, moderated by their variance
(MacKay), so that what was rarely seen stays near the prior.

Every feature is counted twice: under its task, and under everyone. A new task so starts from what all tasks taught.
Weights live in a fixed table; features of many tasks may share a place in it.
"""

from __future__ import annotations

import base64
import math
from array import array
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Self

from penstock.evidence.growth import grown, through

_BITS = 14
_PLACES = 1 << _BITS
_SPREAD = 0x9E3779B97F4A7C15
_WORD = (1 << 64) - 1
_MACKAY = math.pi / 8.0
_FAR = 30.0
"""A score beyond which chances do not differ in any way that could matter."""
_PRIOR = 16.0
"""Precision of a weight before any example."""
TRUST = 3.0
"""How much an example counts in precision; above 1 the weights settle sooner, which held out examples prefer."""
_MEMORY = 400.0
"""The most precision that a weight gathers: older examples fade, so that a change of traffic is followed."""
_AT_ONCE = 64
"""Places in one step of ``advancing``."""


class Odds:
    """Chances learnt from examples of sparse features. ``trust`` is what an example counts in precision."""

    __slots__ = ("_eta", "_precision", "_trust", "examples")

    def __init__(self, trust: float = TRUST) -> None:
        self._trust = trust
        self._precision = array("d", bytes(8 * _PLACES))
        self._eta = array("d", bytes(8 * _PLACES))
        self.examples = 0

    @staticmethod
    @lru_cache(maxsize=16_384)
    def places(seed: int, features: tuple[int, ...]) -> tuple[int, ...]:
        """Where the weights of features stand, for everyone and for the task of that seed."""
        found = []
        for feature in features:
            found.append(((feature * _SPREAD) & _WORD) >> (64 - _BITS))
            found.append((((feature ^ seed) * _SPREAD) & _WORD) >> (64 - _BITS))
        return tuple(found)

    def chance(self, places: Sequence[int], prior: float) -> float:
        """The moderated probability of weights at some places; ``prior`` is the score before any example."""
        precision, eta = self._precision, self._eta
        mean = variance = 0.0
        for place in places:
            spread = 1.0 / (_PRIOR + precision[place])
            mean += eta[place] * spread
            variance += spread
        score = prior + mean / math.sqrt(1.0 + _MACKAY * variance)
        return 1.0 / (1.0 + math.exp(-min(max(score, -_FAR), _FAR)))

    def learn(self, places: Sequence[int], prior: float, *, came: bool, weight: float = 1.0) -> None:
        """Add an example, which counts as ``weight`` of them."""
        self._add(places, self.chance(places, prior), 1.0 if came else 0.0, weight)

    def doubt(self, places: Sequence[int], prior: float, seen: float) -> array[float]:
        """Count an example as one that has not come so far; returns what ``take_back`` needs to undo it.

        ``seen`` is the share of those that do come that would have come by now. A chance ``p`` of which so much was
        seen in vain weighs as ``seen (1 - p) / (1 - seen p)`` of an example that did not come.
        """
        chance = self.chance(places, prior)
        return self._add(places, chance, 0.0, seen * (1.0 - chance) / (1.0 - seen * chance))

    def take_back(self, places: Sequence[int], loan: Sequence[float]) -> None:
        """Undo a doubt: more is known by now."""
        precision, eta = self._precision, self._eta
        gained = loan[0]
        for index, place in enumerate(places, 1):
            left = precision[place] - gained
            precision[place] = left if left > 0.0 else 0.0  # noqa: FURB136 - a call for each weight costs twice as much
            eta[place] -= loan[index]

    def _add(self, places: Sequence[int], chance: float, outcome: float, weight: float) -> array[float]:
        slope = weight * (chance - outcome)
        gained = weight * chance * (1.0 - chance) * self._trust
        precision, eta = self._precision, self._eta
        added = [gained]
        for place in places:
            before = _PRIOR + precision[place]
            middle = eta[place] / before
            after = before + gained
            if after > _MEMORY:  # noqa: PLR1730 - a call for each weight costs twice as much
                after = _MEMORY
            precision[place] = after - _PRIOR
            eta[place] = middle * after - slope
            added.append(middle * gained - slope)
        self.examples += 1
        return array("d", added)

    def merge(self, other: Odds) -> None:
        """Add another learner's evidence."""
        for mine, theirs in ((self._precision, other._precision), (self._eta, other._eta)):
            for place, value in enumerate(theirs):
                if value:
                    mine[place] += value
        self.examples += other.examples

    def advance(self, earlier: Odds, now: Odds) -> None:
        """Add what was learnt since an earlier state (``evidence.growth``); a weight gathers no more than it may."""
        through(self.advancing(earlier, now))

    def advancing(self, earlier: Odds, now: Odds) -> Iterator[None]:
        """The same, some places at a time."""
        for begin in range(0, _PLACES, _AT_ONCE):
            some = slice(begin, begin + _AT_ONCE)
            if now._precision[some] == earlier._precision[some] and now._eta[some] == earlier._eta[some]:
                continue
            for place in range(begin, begin + _AT_ONCE):
                before = earlier._precision[place], earlier._eta[place]
                after = now._precision[place], now._eta[place]
                if before != after:
                    mine = self._precision[place], self._eta[place]
                    self._precision[place], self._eta[place] = _advanced(mine, before, after)
            yield
        self.examples = grown(self.examples, earlier.examples, now.examples)

    def to_builtins(self) -> dict[str, Any]:
        """Plain JSON values: only the places that were ever moved."""
        used = array("I", (place for place, value in enumerate(self._precision) if value))
        return {
            "examples": self.examples,
            "trust": self._trust,
            "places": base64.b64encode(used.tobytes()).decode(),
            "precision": base64.b64encode(array("d", (self._precision[i] for i in used)).tobytes()).decode(),
            "eta": base64.b64encode(array("d", (self._eta[i] for i in used)).tobytes()).decode(),
        }

    @classmethod
    def from_builtins(cls, value: Any) -> Self:
        """The learner that ``to_builtins`` wrote; ValueError, KeyError or IndexError for anything else."""
        odds = cls(float(value["trust"]))
        odds.examples = int(value["examples"])
        used, precision, eta = array("I"), array("d"), array("d")
        used.frombytes(base64.b64decode(value["places"]))
        precision.frombytes(base64.b64decode(value["precision"]))
        eta.frombytes(base64.b64decode(value["eta"]))
        for place, certainty, weight in zip(used, precision, eta, strict=True):
            odds._precision[place] = certainty
            odds._eta[place] = weight
        return odds


_Weight = tuple[float, float]


def _advanced(mine: _Weight, earlier: _Weight, now: _Weight) -> _Weight:
    """A weight after another's learning since an earlier state was added.

    One that has gathered all that it may does not tell how much it learnt since. Were what two of them learnt of one
    change added up, it would be counted twice and overshoot: of two moves in one direction the longer stands.
    """
    if mine == earlier:
        return now
    most = _MEMORY - _PRIOR
    if now[0] >= most:
        here, there, then = (eta / (_PRIOR + precision) for precision, eta in (mine, now, earlier))
        moves = here - then, there - then
        move = max(moves, key=abs) if moves[0] * moves[1] > 0.0 else sum(moves)
        return most, (then + move) * _MEMORY
    precision = max(0.0, mine[0] + now[0] - earlier[0])
    eta = mine[1] + now[1] - earlier[1]
    if precision > most:
        return most, eta * _MEMORY / (_PRIOR + precision)
    return precision, eta


def score_of(chance: float) -> float:
    """The score (log odds) of a chance."""
    return math.log(chance / (1.0 - chance)) if 0.0 < chance < 1.0 else math.copysign(_FAR, chance - 0.5)


@lru_cache(maxsize=4096)
def seed_of(task: str) -> int:
    """A seed that sets the features of tasks apart, the same in every process (FNV-1a)."""
    number = 0xCBF29CE484222325
    for byte in task.encode("utf-8", "surrogatepass"):
        number = ((number ^ byte) * 0x100000001B3) & _WORD
    return number

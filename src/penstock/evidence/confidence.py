"""Bounds on the mean of a score in [0, 1] that hold at every sample size at once (a confidence sequence by betting).

For a supposed mean ``m`` a gambler who stakes a constant share ``f`` on "higher" has ``prod(1 + f * (x/m - 1))``,
which is an e-process when the mean is at most ``m``. The lower bound is the largest ``m`` that a mixture of such
gamblers refutes at ``1/alpha``; the upper bound is 1 minus the lower bound of ``1 - x``
(Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting").

A mixture of constant stakes does not depend on the order of the scores, so the counts of the scores are all that has
to be kept, and the counts of several workers add up.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite, log, log1p

import msgspec

from penstock.evidence.betting import log_mixture

STEPS = 1000
"""Scores are kept in steps of 1/STEPS, rounded against the bound that is asked for."""

STAKES: tuple[float, ...] = (0.004, 0.01, 0.02, 0.04, 0.08, 0.15, 0.3, 0.5, 0.75, 0.95)
_SHARES: tuple[float, ...] = tuple(1.0 / len(STAKES) for _ in STAKES)


class ScoreCounts(msgspec.Struct):
    """How often each score was seen.

    Attributes:
        counts: score in thousandths, rounded down -> times seen.
    """

    counts: dict[int, int] = msgspec.field(default_factory=dict[int, int])

    def observe(self, score: float) -> None:
        """Add one score; ValueError outside [0, 1]."""
        if not (isfinite(score) and 0.0 <= score <= 1.0):
            raise ValueError("a score lies in [0, 1]")
        step = int(score * STEPS)
        self.counts[step] = self.counts.get(step, 0) + 1

    @property
    def n(self) -> int:
        """Scores seen."""
        return sum(self.counts.values())

    @property
    def mean(self) -> float | None:
        """Mean score, rounded down to the kept steps; None before the first."""
        n = self.n
        return sum(step * count for step, count in self.counts.items()) / (STEPS * n) if n else None

    def lower(self, alpha: float) -> float:
        """The mean is above this with probability 1 - alpha, at all sample sizes together; 0 before any evidence."""
        return _lower([(step / STEPS, count) for step, count in self.counts.items()], alpha)

    def upper(self, alpha: float) -> float:
        """The mean is below this with probability 1 - alpha, at all sample sizes together; 1 before any evidence."""
        mirrored = [(max(0, STEPS - step - (0 if step == STEPS else 1)) / STEPS, c) for step, c in self.counts.items()]
        return 1.0 - _lower(mirrored, alpha)

    def merge(self, other: ScoreCounts) -> ScoreCounts:
        """The counts of both (disjoint) sets of scores."""
        merged = dict(self.counts)
        for step, count in other.counts.items():
            merged[step] = merged.get(step, 0) + count
        return ScoreCounts(merged)


def _log_wealth(mean: float, seen: Iterable[tuple[float, int]]) -> float:
    logs = [0.0] * len(STAKES)
    for score, count in seen:
        gain = score / mean - 1.0
        for index, stake in enumerate(STAKES):
            logs[index] += count * log1p(stake * gain)
    return log_mixture(logs, _SHARES)


def _lower(seen: list[tuple[float, int]], alpha: float) -> float:
    n = sum(count for _, count in seen)
    total = sum(score * count for score, count in seen)
    if total <= 0.0:
        return 0.0
    target = -log(alpha)
    refuted, possible = 0.0, min(1.0, total / n)  # the observed mean itself is never refuted
    for _ in range(40):
        middle = (refuted + possible) / 2.0
        if _log_wealth(middle, seen) >= target:
            refuted = middle
        else:
            possible = middle
    return refuted

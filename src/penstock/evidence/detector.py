"""Has quality dropped since it was certified? A change detector with a promise on its false alarms.

The statistic is Shiryaev and Roberts' sum over all possible starts of the change. For scores ``x`` in [0, 1] that
should have a mean of at least ``baseline``, a gambler staking ``f`` on "lower" multiplies by

    1 + f * (baseline - x) / (1 - baseline)

and the statistic goes ``M -> (M + 1) * factor``, averaged over several constant stakes. While the mean stays at or
above the baseline ``M_t - t`` cannot grow on average, so the mean number of observations to a false alarm at
``M >= run_length`` is at least ``run_length`` (e-detectors, statistics 2.2).
"""

from __future__ import annotations

from math import isfinite

import msgspec

STAKES: tuple[float, ...] = (0.1, 0.2, 0.35, 0.55, 0.8)
"""Constant stakes, of equal weight: small ones for slow decay, large ones for gross breakage."""

CEILING = 1e12
"""The sums stop growing here, far above any useful run length, so that they stay finite."""


class DropDetector(msgspec.Struct):
    """Watches the mean of a score.

    Attributes:
        baseline: the mean that the score should not fall below, in (0, 1).
        n: observations since the start.
        sums: the statistic of each stake.
    """

    baseline: float
    n: int = 0
    sums: tuple[float, ...] = (0.0,) * len(STAKES)

    def __post_init__(self) -> None:
        if not 0.0 < self.baseline < 1.0:
            raise ValueError("a baseline lies between 0 and 1, both exclusive")

    def observe(self, score: float) -> None:
        """Add one score; ValueError outside [0, 1]."""
        if not (isfinite(score) and 0.0 <= score <= 1.0):
            raise ValueError("a score lies in [0, 1]")
        drop = (self.baseline - score) / (1.0 - self.baseline)
        self.sums = tuple(
            min(CEILING, (total + 1.0) * (1.0 + stake * drop)) for total, stake in zip(self.sums, STAKES, strict=True)
        )
        self.n += 1

    @property
    def value(self) -> float:
        """The averaged statistic; alarm when it reaches the wanted run length."""
        return sum(self.sums) / len(self.sums)

    def merge(self, other: DropDetector) -> DropDetector:
        """The detector over both (disjoint) streams; ValueError when the baselines differ.

        The sum keeps the promise (its expectation is bounded by the observations of both streams together), at the
        price of a later alarm than one stream would have given.
        """
        if self.baseline != other.baseline:
            raise ValueError("detectors of different baselines cannot be merged")
        return DropDetector(
            baseline=self.baseline,
            n=self.n + other.n,
            sums=tuple(min(CEILING, a + b) for a, b in zip(self.sums, other.sums, strict=True)),
        )


def paired_baseline(margin: float) -> float:
    """The baseline for differences of scores mapped to [0, 1] by ``(d + 1) / 2``: alarm when ``E[d] < -margin``."""
    return (1.0 - margin) / 2.0

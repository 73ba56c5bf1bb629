"""The log ratio of two arms' mean costs, with a variance that is clustered by session.

An arm's mean is poststratified: ``M = sum over strata of weight x (the arm's mean in the stratum)``. With a covariate
it is divided by the covariate's mean of the same form (the combined ratio estimator): what a session costs is nearly
proportional to what it was predicted to cost, and a ratio has no slope to estimate, which keeps its small-sample
coverage where a regression's is poor. The covariate's common mean cancels between the arms.

Costs have heavy tails, so each session's influence is divided by one minus its leverage, and an arm's degrees of
freedom are those that the kurtosis of its influences leaves: ``2 n / (kurtosis - 1) - 1``, which is ``n - 1`` for
normal ones. In simulation this keeps the 95 percent interval at 94 to 97 percent with a covariate (benchmarks/proof).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from statistics import NormalDist

import msgspec

Sums = tuple[int, float, float]
"""Of one session in one stratum: calls, cost and covariate."""

Stratum = Mapping[str, Mapping[str, Sums]]
"""Arm -> session -> sums."""

CALLS, COST, COVARIATE = 0, 1, 2
"""The columns of `Sums`."""

TUNED_FOR = 100
"""Sessions of the smaller arm at which the confidence sequence is narrowest; fixed beforehand, as it must be."""

_FEWEST_DEGREES = 3.0


class ArmEstimate(msgspec.Struct, frozen=True):
    """One arm.

    Attributes:
        level: its mean, or its ratio of means.
        variance: of the logarithm of ``level``.
        sessions: independent units.
        degrees: degrees of freedom of ``variance``.
    """

    level: float
    variance: float
    sessions: int
    degrees: float


class LogRatio(msgspec.Struct, frozen=True):
    """``log(first.level / second.level)`` and what its interval is made of."""

    first: ArmEstimate
    second: ArmEstimate

    @property
    def value(self) -> float:
        """The log ratio."""
        return math.log(self.first.level / self.second.level)

    @property
    def variance(self) -> float:
        """Of ``value``."""
        return self.first.variance + self.second.variance

    @property
    def sessions(self) -> int:
        """In both arms."""
        return self.first.sessions + self.second.sessions

    def half_width(self, level: float, *, anytime: bool, sessions: float | None = None) -> float:
        """Half the length of the interval of ``value``.

        Args:
            level: confidence, for example 0.95.
            anytime: the asymptotic confidence sequence of 2103.06476 (theorem 2.2) instead of Student's t.
            sessions: as it would be with that many sessions at the same split; None for as it is.
        """
        grown = 1.0 if sessions is None else sessions / self.sessions
        variance = self.variance / grown
        if variance <= 0:
            return 0.0
        arms = (self.first, self.second)
        weight = sum(arm.variance**2 / arm.degrees for arm in arms)
        spread = student_t(0.5 + level / 2, grown * self.variance**2 / weight) * math.sqrt(variance)
        if not anytime:
            return spread
        # The sessions of the arm that makes the variance are what the sequence runs on, and Student's factor allows
        # for a variance that is estimated from few of them.
        n = grown * self.variance**2 / sum(arm.variance**2 / arm.sessions for arm in arms)
        alpha = 1 - level
        rho2 = (-2 * math.log(alpha) + math.log(-2 * math.log(alpha)) + 1) / TUNED_FOR
        factor = math.sqrt(2 * (n * rho2 + 1) / (n * rho2) * math.log(math.sqrt(n * rho2 + 1) / alpha))
        return spread * factor / NormalDist().inv_cdf(0.5 + level / 2)


def log_ratio(strata: Iterable[Stratum], first: str, second: str, *, column: int, over: int = CALLS) -> LogRatio:
    """The log ratio of two arms' means of a column of the sums.

    Args:
        strata: every one has sessions of both arms.
        first: the arm above.
        second: the arm below.
        column: what is averaged (`COST`, or `COVARIATE` to test its balance).
        over: `CALLS` for means, `COVARIATE` for ratios of means.

    Raises:
        ValueError: an arm's mean is not positive.
    """
    kept = tuple(strata)
    return LogRatio(_arm(kept, first, column, over), _arm(kept, second, column, over))


def mean(strata: Iterable[Stratum], arm: str, column: int) -> float:
    """An arm's poststratified mean of a column."""
    kept = tuple(strata)
    total = sum(map(_calls, kept))
    return sum(_calls(s) / total * _sum(s[arm], column) / _sum(s[arm], CALLS) for s in kept)


def _arm(strata: tuple[Stratum, ...], arm: str, column: int, over: int) -> ArmEstimate:
    above = mean(strata, arm, column)
    below = mean(strata, arm, over) if over != CALLS else 1.0
    if above <= 0 or below <= 0:
        raise ValueError("an arm without a positive mean has no logarithm")
    ratio = above / below
    total = sum(map(_calls, strata))
    own: dict[str, float] = {}
    leverage: dict[str, float] = {}
    for stratum in strata:
        sessions = stratum[arm]
        calls = _sum(sessions, CALLS)
        weight = _calls(stratum) / total / calls
        y = _sum(sessions, column) / calls
        x = _sum(sessions, over) / calls
        for session, sums in sessions.items():
            # Without a covariate ``over`` is the calls themselves, and the second part is zero.
            part = (sums[column] - y * sums[CALLS]) - ratio * (sums[over] - x * sums[CALLS])
            own[session] = own.get(session, 0.0) + weight * part / above
            leverage[session] = leverage.get(session, 0.0) + weight * sums[over] / below
    return _spread(ratio, [part / max(1e-9, 1 - leverage[session]) for session, part in own.items()])


def _spread(level: float, influences: list[float]) -> ArmEstimate:
    count = len(influences)
    square = sum(value * value for value in influences)
    fourth = sum(value**4 for value in influences)
    kurtosis = max(3.0, count * fourth / square**2) if square > 0 else 3.0
    degrees = max(_FEWEST_DEGREES, 2 * count / (kurtosis - 1) - 1)
    return ArmEstimate(level, square * count / max(1, count - 1), count, degrees)


def _sum(sessions: Mapping[str, Sums], column: int) -> float:
    return sum(sums[column] for sums in sessions.values())


def _calls(stratum: Stratum) -> int:
    return sum(sums[0] for sessions in stratum.values() for sums in sessions.values())


def student_t(probability: float, degrees: float) -> float:
    """A quantile of Student's t by Fisher's expansion about the normal.

    Within 0.1 percent of the exact quantile at 0.975 from five degrees on, and 1 percent at three.
    """
    z = NormalDist().inv_cdf(probability)
    z3, z5, z7 = z**3, z**5, z**7
    return (
        z
        + (z3 + z) / (4 * degrees)
        + (5 * z5 + 16 * z3 + 3 * z) / (96 * degrees**2)
        + (3 * z7 + 19 * z5 + 17 * z3 - 15 * z) / (384 * degrees**3)
    )

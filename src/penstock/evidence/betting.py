"""Is a cheaper model not worse than the reference by more than a margin? A test by betting, valid at any sample size.

Each observation is a difference ``d = score(candidate) - score(reference)`` in [-1, 1] on one call that both models
answered. The null hypothesis is ``E[d] <= -margin``. A gambler with wealth 1 stakes a share ``f`` of it on every call
before seeing it; the call multiplies the wealth by

    1 + f * (d + margin) / (1 - margin),       0 <= f < 1

(a loss of -1 leaves ``1 - f``, a tie pays a little, a win pays about double). Under the null no way of choosing ``f``
from the past makes the expected wealth grow, so the wealth is an e-process: it reaches ``1/alpha`` with probability at
most ``alpha`` whatever the sample size, the number of looks or the stopping rule (Ville). This is the bet of
statistics 2.2 with ``f = lambda * m``.

How the stake is chosen decides only how many samples are needed. Five gamblers share the starting wealth:

* *parity*: the Kelly stake for two models that disagree at the observed rate and are equally good. Only the rate of
  disagreement has to be learnt, which takes far fewer samples than the mean difference; and half and a quarter of it;
* *leaning*: the same, but the share of losses among the disagreements moves from one half to what is observed;
* *plug-in*: the Kelly stake at the observed rates of losses and wins.

Log wealth per gambler, counts and sums are additive over disjoint sets of calls, so tests of several workers merge by
addition: each stake depends on the past of its own stream, hence on the past of all.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, exp, isfinite, log, log1p, sqrt

import msgspec

SHARES: tuple[float, ...] = (0.50, 0.40, 0.04, 0.03, 0.03)
"""Starting wealth of the gamblers: parity, leaning, half of parity, a quarter of parity, plug-in. They sum to 1."""

PARITY_PRIOR = 0.15
"""Disagreements assumed seen beforehand, among ``0.5 * PARITY_PRIOR / margin`` calls."""

LEANING_PRIOR = 8.0
"""Disagreements, half of them losses, assumed seen beforehand when the share of losses is estimated."""

PLUG_IN_PRIOR = 0.25
"""Losses and wins (each) assumed seen beforehand by the plug-in gambler, among ``PLUG_IN_PRIOR / margin`` calls."""

STAKE_LIMIT = 0.99
"""No gambler ever stakes more: a loss must leave something to go on with."""

LEAST_GROWTH = 1e-9
"""Log growth per call below which the evidence is said not to grow."""


def kelly_stake(loss: float, win: float, margin: float) -> float:
    """The stake with the highest expected log growth when ``d`` is -1, 0 or 1.

    Args:
        loss: probability of -1.
        win: probability of 1.
        margin: the non-inferiority margin, in (0, 1).

    Returns:
        a share of the wealth in [0, STAKE_LIMIT]; 0 when the bet does not pay (``win - loss <= -margin``).
    """
    tie = max(0.0, 1.0 - loss - win)
    a = margin / (1.0 - margin)
    b = (1.0 + margin) / (1.0 - margin)
    # The derivative of the growth, times its three denominators, is the quadratic q2 f^2 + q1 f + q0.
    q2 = -(loss + tie + win) * a * b
    q1 = -loss * (a + b) + tie * a * (b - 1.0) + win * b * (a - 1.0)
    q0 = -loss + tie * a + win * b
    if q0 <= 0.0:
        return 0.0
    root = (-q1 - sqrt(max(0.0, q1 * q1 - 4.0 * q2 * q0))) / (2.0 * q2)
    return min(STAKE_LIMIT, max(0.0, root))


def growth(stake: float, loss: float, win: float, margin: float) -> float:
    """Expected log growth per call of a stake below 1, in nats."""
    tie = max(0.0, 1.0 - loss - win)
    return (
        loss * log1p(-stake)
        + tie * log1p(stake * margin / (1.0 - margin))
        + win * log1p(stake * (1.0 + margin) / (1.0 - margin))
    )


def information_floor(loss: float, win: float, margin: float, alpha: float) -> float:
    """Expected samples below which no such test can go, for given true rates of losses and wins.

    ``ln(1/alpha) / KL_inf``: the divergence from the nearest distribution of the null, which equals the growth of the
    best constant stake. With no disagreement it is ``ln(1/alpha) / -ln(1-margin)``. Infinite when the null is true.
    """
    if loss <= 0.0:
        # The best stake is the whole wealth; its growth is the limit at f = 1.
        rate = (1.0 - win) * log1p(margin / (1.0 - margin)) + win * log1p((1.0 + margin) / (1.0 - margin))
        return -log(alpha) / rate
    stake = _unlimited_stake(loss, win, margin)
    rate = growth(stake, loss, win, margin)
    return -log(alpha) / rate if rate > 0.0 else float("inf")


def _unlimited_stake(loss: float, win: float, margin: float) -> float:
    low, high = 0.0, 1.0 - 1e-12
    for _ in range(80):
        third = (high - low) / 3.0
        if growth(low + third, loss, win, margin) < growth(high - third, loss, win, margin):
            low += third
        else:
            high -= third
    return (low + high) / 2.0


Stakes = tuple[float, ...]
"""One number per gambler."""


def stakes(n: int, losses: float, wins: float, margin: float) -> Stakes:
    """The five gamblers' stakes for the next call, from what was seen before it.

    Args:
        n: calls seen.
        losses: sum of the negative parts of ``d`` (as a positive number).
        wins: sum of the positive parts.
        margin: the non-inferiority margin.
    """
    apart = min(1.0, (losses + wins + PARITY_PRIOR) / (n + 0.5 * PARITY_PRIOR / margin))
    parity = kelly_stake(apart / 2.0, apart / 2.0, margin)
    lost = (losses + LEANING_PRIOR / 2.0) / (losses + wins + LEANING_PRIOR)
    leaning = kelly_stake(apart * lost, apart * (1.0 - lost), margin)
    calls = n + PLUG_IN_PRIOR / margin
    loss, win = (losses + PLUG_IN_PRIOR) / calls, (wins + PLUG_IN_PRIOR) / calls
    return parity, leaning, parity / 2.0, parity / 4.0, kelly_stake(min(1.0, loss), min(1.0, win), margin)


class NonInferiority(msgspec.Struct):
    """The running test of one candidate against one reference.

    Attributes:
        margin: largest acceptable mean loss of score, in (0, 1).
        n: calls observed.
        losses: sum of the negative parts of the differences, as a positive number.
        wins: sum of the positive parts.
        log_wealth: natural log of each gambler's wealth, each starting from 1.
    """

    margin: float
    n: int = 0
    losses: float = 0.0
    wins: float = 0.0
    log_wealth: Stakes = (0.0,) * len(SHARES)

    def __post_init__(self) -> None:
        if not 0.0 < self.margin < 1.0:
            raise ValueError("the margin is a share between 0 and 1, both exclusive")

    def observe(self, difference: float) -> None:
        """Add one call's difference of scores; ValueError outside [-1, 1]."""
        if not (isfinite(difference) and -1.0 <= difference <= 1.0):
            raise ValueError("a difference of scores lies in [-1, 1]")
        gain = (difference + self.margin) / (1.0 - self.margin)
        staked = stakes(self.n, self.losses, self.wins, self.margin)
        self.log_wealth = tuple(
            wealth + log1p(stake * gain) for wealth, stake in zip(self.log_wealth, staked, strict=True)
        )
        self.n += 1
        if difference < 0.0:
            self.losses -= difference
        else:
            self.wins += difference

    @property
    def log_e(self) -> float:
        """Natural log of the e-value: the evidence against "worse by more than the margin"."""
        return log_mixture(self.log_wealth, SHARES)

    @property
    def mean(self) -> float | None:
        """Mean difference so far; None before the first call."""
        return (self.wins - self.losses) / self.n if self.n else None

    def still_needed(self, log_threshold: float) -> int | None:
        """Samples still needed to reach a log e-value at the present disagreement.

        Returns:
            0 when reached, None when the evidence does not grow at the present rates of losses and wins.
        """
        missing = log_threshold - self.log_e
        if missing <= 0.0:
            return 0
        calls = self.n + PLUG_IN_PRIOR / self.margin
        loss, win = (self.losses + PARITY_PRIOR / 2) / calls, (self.wins + PARITY_PRIOR / 2) / calls
        stake = kelly_stake(loss, win, self.margin)
        rate = growth(stake, loss, win, self.margin)
        return ceil(missing / rate) if rate > LEAST_GROWTH else None

    def merge(self, other: NonInferiority) -> NonInferiority:
        """The test over both (disjoint) sets of calls; ValueError when the margins differ."""
        if self.margin != other.margin:
            raise ValueError("tests of different margins cannot be merged")
        return NonInferiority(
            margin=self.margin,
            n=self.n + other.n,
            losses=self.losses + other.losses,
            wins=self.wins + other.wins,
            log_wealth=tuple(a + b for a, b in zip(self.log_wealth, other.log_wealth, strict=True)),
        )


def log_mixture(logs: Sequence[float], shares: Sequence[float]) -> float:
    """``ln(sum(share * exp(log)))`` without overflow; the shares are positive."""
    top = max(logs)
    return top + log(sum(share * exp(value - top) for value, share in zip(logs, shares, strict=True)))

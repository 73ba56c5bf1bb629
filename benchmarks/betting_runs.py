"""Thousands of betting tests at once: the arithmetic of ``penstock.evidence.betting`` on arrays.

Written apart from the product code so that a hundred thousand runs are affordable; ``deviation`` replays some of the
runs through the product's own class and says how far the two are apart (rounding only).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from penstock.evidence.betting import (
    LEANING_PRIOR,
    PARITY_PRIOR,
    PLUG_IN_PRIOR,
    SHARES,
    STAKE_LIMIT,
    NonInferiority,
)

Floats = NDArray[np.float64]
LOSS, TIE, WIN = 0, 1, 2
"""Outcomes of a paired call; an outcome minus 1 is the difference of scores."""


def kelly(loss: Floats, win: Floats, margin: float) -> Floats:
    tie = np.maximum(0.0, 1.0 - loss - win)
    a, b = margin / (1.0 - margin), (1.0 + margin) / (1.0 - margin)
    q2 = -(loss + tie + win) * a * b
    q1 = -loss * (a + b) + tie * a * (b - 1.0) + win * b * (a - 1.0)
    q0 = -loss + tie * a + win * b
    root = (-q1 - np.sqrt(np.maximum(0.0, q1 * q1 - 4.0 * q2 * q0))) / (2.0 * q2)
    return np.where(q0 <= 0.0, 0.0, np.clip(root, 0.0, STAKE_LIMIT))


def log_factors(n: int, losses: Floats, wins: Floats, margin: float) -> Floats:
    """Log of what each gambler's wealth is multiplied by: shape (gambler, outcome, state)."""
    apart = np.minimum(1.0, (losses + wins + PARITY_PRIOR) / (n + 0.5 * PARITY_PRIOR / margin))
    parity = kelly(apart / 2.0, apart / 2.0, margin)
    lost = (losses + LEANING_PRIOR / 2.0) / (losses + wins + LEANING_PRIOR)
    leaning = kelly(apart * lost, apart * (1.0 - lost), margin)
    calls = n + PLUG_IN_PRIOR / margin
    loss, win = np.minimum(1.0, (losses + PLUG_IN_PRIOR) / calls), np.minimum(1.0, (wins + PLUG_IN_PRIOR) / calls)
    stakes = np.stack([parity, leaning, parity / 2.0, parity / 4.0, kelly(loss, win, margin)])
    gains = np.array([(d + margin) / (1.0 - margin) for d in (-1.0, 0.0, 1.0)])
    return np.log1p(stakes[:, None, :] * gains[None, :, None])


def log_e(
    steps: Iterator[NDArray[np.int8]], runs: int, margin: float, *, exact_above: float = -math.inf
) -> Iterator[Floats]:
    """The log e-value of every run after each step; ``steps`` gives the outcome of every run, one step at a time.

    Values below ``exact_above`` are only known to be below it.
    """
    shares = np.array(SHARES)
    logs = np.zeros((len(SHARES), runs))
    losses, wins = np.zeros(runs, dtype=np.int64), np.zeros(runs, dtype=np.int64)
    for n, outcome in enumerate(steps):
        # All runs with as many losses and wins stake alike: where that is fewer, stakes are computed once per state.
        width, height = int(wins.max()) + 1, int(losses.max()) + 1
        if width * height < runs:
            of_losses, of_wins = np.divmod(np.arange(width * height), width)
            state = losses * width + wins
        else:
            of_losses, of_wins, state = losses, wins, np.arange(runs)
        table = log_factors(n, of_losses.astype(float), of_wins.astype(float), margin)
        chosen = outcome.astype(np.int64) * len(of_losses) + state
        for gambler in range(len(SHARES)):
            logs[gambler] += table[gambler].ravel()[chosen]
        losses += outcome == LOSS
        wins += outcome == WIN
        top = logs.max(axis=0)
        # No mixture is above its largest part, so parts below the threshold need no exponential.
        near = np.flatnonzero(top >= exact_above)
        value = top + math.log(SHARES[0])
        value[near] = top[near] + np.log(shares @ np.exp(logs[:, near] - top[near]))
        yield value


def drawn(rng: np.random.Generator, runs: int, horizon: int, loss: float, win: float) -> Iterator[NDArray[np.int8]]:
    """Outcomes of ``horizon`` steps for models that truly lose and win at these rates."""
    for _ in range(horizon):
        draw = rng.random(runs)
        yield np.where(draw < loss, LOSS, np.where(draw < loss + win, WIN, TIE)).astype(np.int8)


def first_crossing(
    values: Iterator[Floats], runs: int, threshold: float, *, n_min: int = 1, enough: float = 1.0
) -> NDArray[np.int64]:
    """The step (from 1) at which each run first reaches the threshold with at least ``n_min`` steps; 0 for never.

    Stops when a share ``enough`` of the runs is there, which leaves quantiles up to it exact.
    """
    first = np.zeros(runs, dtype=np.int64)
    for n, value in enumerate(values, start=1):
        if n >= n_min:
            first[(first == 0) & (value >= threshold)] = n
            if np.count_nonzero(first) >= enough * runs:
                break
    return first


def deviation(outcomes: NDArray[np.int8], margin: float) -> float:
    """Largest difference of log e-values between this module and the product, over runs of shape (step, run)."""
    worst = 0.0
    vectorised = list(log_e(iter(outcomes), outcomes.shape[1], margin))
    for run in range(outcomes.shape[1]):
        test = NonInferiority(margin=margin)
        for step, outcome in enumerate(outcomes[:, run]):
            test.observe(float(outcome) - 1.0)
            worst = max(worst, abs(test.log_e - float(vectorised[step][run])))
    return worst

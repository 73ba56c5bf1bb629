"""How many prompts of a task may go to the cheap model with a stated loss of quality at most? Learn, then test.

A model of difficulty orders prompts; a threshold sends those above it to the cheap model. For every threshold of a
fixed sequence, from the most careful on, calibration labels that the model has never seen test the hypothesis "the
mean loss of the mixture is more than ``margin``", where the loss is that of the prompts sent to the cheap model, over
all prompts. The sequence stops at the first threshold that is not rejected, which keeps the probability of certifying
any bad one at ``alpha`` without a correction for their number (Angelopoulos et al., "Learn then Test").

The test is the bet of ``betting`` with constant stakes. With ``n`` labels fixed beforehand the best stake is
``(1 - margin) * sqrt(2 ln(1/alpha) / (n * v))``, where ``v`` is the mean square of the loss; it is taken from the
training labels, so it is known before the first calibration label. Three stakes around it share the wealth, so a
wrong ``v`` costs little. Needs the ``learn`` extra.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log, sqrt

import msgspec
import numpy as np
from numpy.typing import NDArray

from penstock.evidence.betting import STAKE_LIMIT

SHARES: tuple[float, ...] = tuple(step / 100 for step in range(1, 101))
"""Shares of the training prompts that the thresholds of the sequence would send to the cheap model."""

AROUND: tuple[float, ...] = (0.7, 1.0, 1.4)
"""Multiples of the best stake that are wagered, in equal parts."""

Numbers = NDArray[np.float64]


class Certificate(msgspec.Struct, frozen=True):
    """What was certified.

    Attributes:
        threshold: prompts with a predicted difference at or above it may go to the cheap model; None for no prompt.
        share: of the calibration prompts that are.
        margin: the mean loss of score, over all prompts, is at most this.
        alpha: probability that it is not.
        labels: calibration labels used.
    """

    threshold: float | None
    share: float
    margin: float
    alpha: float
    labels: int


def sequence(left_out: Sequence[float] | Numbers, differences: Sequence[float] | Numbers) -> list[tuple[float, float]]:
    """The thresholds to test, the most careful first, with the mean square loss expected at each.

    Args:
        left_out: predictions of the training prompts, each by a model that had not seen it.
        differences: their labels.
    """
    predicted, labels = np.asarray(left_out, dtype=np.float64), np.asarray(differences, dtype=np.float64)
    order = np.argsort(-predicted)
    squares = np.cumsum(labels[order] ** 2) / len(labels)
    last = [max(0, round(share * len(order)) - 1) for share in SHARES]
    found = [(float(predicted[order[index]]), float(squares[index])) for index in last]
    found[-1] = (-np.inf, float(squares[-1]))
    return found


def log_e(differences: Numbers, cheap: NDArray[np.bool_], *, margin: float, square: float, alpha: float) -> float:
    """Natural log of the e-value against "the mean loss is more than the margin".

    Args:
        differences: calibration labels, candidate's score minus reference's.
        cheap: which of them the threshold sends to the cheap model.
        margin: the loss that is acceptable.
        square: expected mean of the squared loss, from other data.
        alpha: the level that the stake is made for.
    """
    n = len(differences)
    square = max(square, 1.0 / n)
    best = (1.0 - margin) * sqrt(2.0 * log(1.0 / alpha) / (n * square))
    tie = margin / (1.0 - margin)
    gains = (differences[cheap] + margin) / (1.0 - margin)
    logs = []
    for factor in AROUND:
        stake = min(STAKE_LIMIT, factor * best)
        logs.append((n - len(gains)) * np.log1p(stake * tie) + float(np.log1p(stake * gains).sum()))
    top = max(logs)
    return float(top + np.log(np.mean(np.exp(np.array(logs) - top))))


def certify(
    predicted: Sequence[float] | Numbers,
    differences: Sequence[float] | Numbers,
    thresholds: Sequence[tuple[float, float]],
    *,
    margin: float,
    alpha: float = 0.05,
) -> Certificate:
    """The largest share that is certified.

    Args:
        predicted: of each calibration prompt, by the model under test.
        differences: their labels in [-1, 1].
        thresholds: of ``sequence``, from training data.
        margin: acceptable mean loss over all prompts, in (0, 1).
        alpha: error probability.

    Raises:
        ValueError: no labels, or not one per prediction.
    """
    scores, labels = np.asarray(predicted, dtype=np.float64), np.asarray(differences, dtype=np.float64)
    if not len(scores) or len(scores) != len(labels):
        raise ValueError("each calibration prompt has one prediction and one label")
    certified, share = None, 0.0
    for threshold, square in thresholds:
        cheap = scores >= threshold
        if log_e(labels, cheap, margin=margin, square=square, alpha=alpha) < -log(alpha):
            break
        certified, share = threshold, float(cheap.mean())
    return Certificate(certified, share, margin, alpha, len(labels))

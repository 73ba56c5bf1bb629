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

from bisect import bisect_right
from collections.abc import Sequence
from math import log
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from penstock.evidence.betting import STAKE_LIMIT

SHARES: tuple[float, ...] = tuple(step / 400 for step in range(1, 401))
"""Shares of the training prompts that the thresholds of the sequence would send to the cheap model. Finer steps cost
nothing: a fixed sequence needs no correction for its length."""

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


def log_e(
    predicted: Numbers, differences: Numbers, thresholds: Sequence[tuple[float, float]], *, margin: float, alpha: float
) -> Numbers:
    """Natural log of the e-value against "the mean loss is more than the margin", for each threshold.

    Args:
        predicted: of each calibration prompt.
        differences: calibration labels, candidate's score minus reference's.
        thresholds: of falling height, each with the mean of the squared loss that other data let expect.
        margin: the loss that is acceptable.
        alpha: the level that the stakes are made for.
    """
    n, steps = len(differences), len(thresholds)
    limits, squares = np.array(thresholds, dtype=np.float64).reshape(steps, 2).T
    best = (1.0 - margin) * np.sqrt(2.0 * log(1.0 / alpha) / (n * np.maximum(squares, 1.0 / n)))
    stakes = np.minimum(STAKE_LIMIT, best[:, None] * np.array(AROUND))
    # Labels take few values: what counts is how many of each the threshold lets through.
    values, value = np.unique(differences, return_inverse=True)
    first = np.searchsorted(-limits, -predicted, side="left")
    let = np.bincount(first * len(values) + value, minlength=(steps + 1) * len(values)).reshape(steps + 1, -1)
    passed = let[:steps].cumsum(axis=0)
    gains = (values + margin) / (1.0 - margin)
    logs = (n - passed.sum(axis=1))[:, None] * np.log1p(stakes * margin / (1.0 - margin))
    logs += np.einsum("tv,tsv->ts", passed, np.log1p(stakes[:, :, None] * gains))
    top = logs.max(axis=1)
    found: Numbers = top + np.log(np.exp(logs - top[:, None]).mean(axis=1))
    return found


class Step(NamedTuple):
    """What is known of one threshold, once calibration labels were seen.

    Attributes:
        threshold: prompts with a predicted difference at or above it may go to the cheap model.
        share: of the calibration prompts that are.
        log_e: natural log of the least e-value of this and of every more careful threshold.
    """

    threshold: float
    share: float
    log_e: float


def steps_of(
    predicted: Sequence[float] | Numbers,
    differences: Sequence[float] | Numbers,
    thresholds: Sequence[tuple[float, float]],
    *,
    margin: float,
    alpha: float = 0.05,
) -> list[Step]:
    """The thresholds with the evidence for them, the most careful first.

    Args:
        predicted: of each calibration prompt, by the model under test.
        differences: their labels in [-1, 1].
        thresholds: of ``sequence``, from training data.
        margin: acceptable mean loss over all prompts, in (0, 1).
        alpha: the level that the stakes are made for; the evidence may be held against any other.

    Raises:
        ValueError: no labels, or not one per prediction.
    """
    scores, labels = np.asarray(predicted, dtype=np.float64), np.asarray(differences, dtype=np.float64)
    if not len(scores) or len(scores) != len(labels):
        raise ValueError("each calibration prompt has one prediction and one label")
    least = np.minimum.accumulate(log_e(scores, labels, thresholds, margin=margin, alpha=alpha))
    ranked = np.sort(scores)
    limits = [limit for limit, _ in thresholds]
    shares = 1.0 - np.searchsorted(ranked, limits, side="left") / len(scores)
    return [Step(*step) for step in zip(limits, shares.tolist(), least.tolist(), strict=True)]


def furthest(steps: Sequence[Step], bar: float) -> Step | None:
    """The last threshold whose evidence, and that of all before it, reaches a bar; None for not even the first."""
    passed = bisect_right(steps, -bar, key=lambda step: -step.log_e)
    return steps[passed - 1] if passed else None


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
    steps = steps_of(predicted, differences, thresholds, margin=margin, alpha=alpha)
    found = furthest(steps, -log(alpha))
    if found is None:
        return Certificate(None, 0.0, margin, alpha, len(differences))
    return Certificate(found.threshold, found.share, margin, alpha, len(differences))

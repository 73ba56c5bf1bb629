from __future__ import annotations

import math

import numpy as np
import pytest

from penstock.evidence.betting import STAKE_LIMIT
from penstock.evidence.certify import AROUND, SHARES, certify, log_e, sequence


def world(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """A prediction in 0..1 and a difference that is a loss with probability (1 - prediction) / 2."""
    predicted = rng.random(n)
    return predicted, -(rng.random(n) < (1.0 - predicted) / 2).astype(float)


def test_thresholds_go_from_careful_to_all_prompts() -> None:
    predicted, difference = world(np.random.default_rng(1), 500)
    found = sequence(predicted, difference)
    assert len(found) == len(SHARES)
    limits = [limit for limit, _ in found]
    assert limits == sorted(limits, reverse=True)
    assert limits[-1] == -math.inf
    assert [square for _, square in found] == sorted(square for _, square in found)


def test_more_labels_certify_more_prompts() -> None:
    rng = np.random.default_rng(2)
    thresholds = sequence(*world(rng, 1000))
    shares = [certify(*world(rng, n), thresholds, margin=0.05).share for n in (100, 1000, 10_000)]
    assert shares == sorted(shares)
    # with everything known 44.7% would do: the loss of the best share s is s^2 / 4
    assert 0.38 < shares[-1] <= 0.447


def test_a_bad_share_is_certified_less_often_than_alpha() -> None:
    rng = np.random.default_rng(3)
    thresholds = sequence(*world(rng, 1000))
    bad = 0
    for _ in range(300):
        given = certify(*world(rng, 400), thresholds, margin=0.05, alpha=0.1)
        limit = math.inf if given.threshold is None else given.threshold
        share = min(1.0, max(0.0, 1.0 - limit))
        bad += share * share / 4 > 0.05
    assert bad / 300 <= 0.1


def test_a_candidate_that_loses_everything_is_given_nothing() -> None:
    rng = np.random.default_rng(4)
    predicted = rng.random(500)
    given = certify(predicted, np.full(500, -1.0), sequence(predicted, np.full(500, -1.0)), margin=0.02)
    assert given.share <= 0.02
    none = certify(predicted[:20], np.zeros(20), sequence(predicted, np.zeros(500)), margin=0.02)
    assert (none.threshold, none.share, none.labels) == (None, 0.0, 20)


def test_an_equal_candidate_is_given_everything() -> None:
    predicted = np.random.default_rng(5).random(300)
    given = certify(predicted, np.zeros(300), sequence(predicted, np.zeros(300)), margin=0.05)
    assert (given.threshold, given.share) == (-math.inf, 1.0)


def test_the_e_value_is_fair_at_the_boundary() -> None:
    """Two equally likely outcomes with a mean loss of exactly the margin: the expected e-value of one label is 1."""
    thresholds = [(-math.inf, 0.25)]
    options = {"margin": 0.25, "alpha": 0.05}
    values = [math.exp(log_e(np.zeros(1), np.array([d]), thresholds, **options)[0]) for d in (-0.5, 0.0)]
    assert sum(values) / 2 == pytest.approx(1.0)


def test_the_e_value_of_a_threshold_is_the_product_of_its_bets() -> None:
    rng = np.random.default_rng(6)
    predicted, difference = world(rng, 60)
    thresholds = sequence(*world(rng, 200))
    found = log_e(predicted, difference, thresholds, margin=0.1, alpha=0.05)
    for (limit, square), value in list(zip(thresholds, found, strict=True))[::9]:
        best = 0.9 * math.sqrt(2 * math.log(20) / (60 * max(square, 1 / 60)))
        wealth = [
            math.prod(
                1 + min(STAKE_LIMIT, factor * best) * ((d if p >= limit else 0.0) + 0.1) / 0.9
                for p, d in zip(predicted, difference, strict=True)
            )
            for factor in AROUND
        ]
        assert value == pytest.approx(math.log(sum(wealth) / len(wealth)))


def test_each_prompt_has_a_prediction_and_a_label() -> None:
    with pytest.raises(ValueError, match="one prediction"):
        certify([0.5], [0.0, 0.0], [(0.1, 0.1)], margin=0.05)
    with pytest.raises(ValueError, match="one prediction"):
        certify([], [], [(0.1, 0.1)], margin=0.05)

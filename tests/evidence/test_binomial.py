from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.evidence.binomial import at_least, beta_cdf, share_at_least, tolerance_rank


def _exact_tail(successes: int, trials: int, chance: float) -> float:
    return math.fsum(
        math.comb(trials, k) * chance**k * (1 - chance) ** (trials - k) for k in range(successes, trials + 1)
    )


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 120).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0.01, 0.99))
def test_the_tail_is_the_sum_of_its_terms(case: tuple[int, int], chance: float) -> None:
    successes, trials = case
    assert at_least(successes, trials, chance) == pytest.approx(_exact_tail(successes, trials, chance), abs=1e-10)


def test_the_beta_distribution_has_its_ends_and_its_middle() -> None:
    assert beta_cdf(0.0, 2, 3) == 0.0
    assert beta_cdf(1.0, 2, 3) == 1.0
    assert beta_cdf(0.5, 4, 4) == pytest.approx(0.5)
    assert at_least(11, 10, 0.5) == 0.0


@pytest.mark.parametrize(("share", "fewest"), [(0.05, 59), (0.01, 299), (0.001, 2995)])
def test_the_largest_value_is_a_bound_from_the_published_number_of_values(share: float, fewest: int) -> None:
    assert tolerance_rank(fewest - 1, share, 0.05) is None
    assert tolerance_rank(fewest, share, 0.05) == fewest


def test_no_values_give_no_rank() -> None:
    assert tolerance_rank(0, 0.05, 0.05) is None


@settings(max_examples=30, deadline=None)
@given(st.integers(59, 5000))
def test_the_rank_is_the_smallest_that_is_confident(trials: int) -> None:
    rank = tolerance_rank(trials, 0.05, 0.05)
    assert rank is not None
    assert at_least(rank, trials, 0.95) <= 0.05
    assert at_least(rank - 1, trials, 0.95) > 0.05


def test_a_share_seen_often_is_surely_above_a_small_target() -> None:
    assert share_at_least(0, 50, 0.05) == 0.0
    assert share_at_least(2, 10, 0.05) == pytest.approx(0.03677, abs=1e-4)
    assert share_at_least(500, 1000, 0.05) == pytest.approx(0.4736, abs=1e-3)

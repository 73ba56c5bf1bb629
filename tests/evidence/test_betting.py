from __future__ import annotations

import random
from math import exp, log

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.evidence.betting import (
    SHARES,
    NonInferiority,
    growth,
    information_floor,
    kelly_stake,
    log_mixture,
    stakes,
)

DIFFERENCES = st.lists(st.floats(-1.0, 1.0), max_size=60)


def after(differences: list[float], margin: float = 0.05) -> NonInferiority:
    test = NonInferiority(margin=margin)
    for difference in differences:
        test.observe(difference)
    return test


def test_the_stake_is_the_best_constant_one() -> None:
    best = kelly_stake(0.02, 0.02, 0.05)
    at_best = growth(best, 0.02, 0.02, 0.05)
    assert 0.5 < best < 0.9
    assert all(growth(best + step, 0.02, 0.02, 0.05) < at_best for step in (-0.01, 0.01))


def test_nothing_is_staked_on_a_candidate_that_is_worse_by_the_margin() -> None:
    assert kelly_stake(0.07, 0.01, 0.05) == 0.0
    assert kelly_stake(0.5, 0.0, 0.05) == 0.0


@given(st.floats(0, 0.5), st.floats(0, 0.5), st.sampled_from([0.01, 0.05, 0.2]))
def test_a_stake_always_leaves_something(loss: float, win: float, margin: float) -> None:
    assert 0.0 <= kelly_stake(loss, win, margin) <= 0.99


@pytest.mark.parametrize(("margin", "samples"), [(0.05, 59), (0.03, 99), (0.02, 149), (0.01, 299)])
def test_with_no_disagreement_the_floor_is_the_one_of_the_literature(margin: float, samples: int) -> None:
    assert round(information_floor(0.0, 0.0, margin, 0.05) + 0.5) == samples


def test_the_floor_grows_with_disagreement_and_is_infinite_for_a_worse_model() -> None:
    floors = [information_floor(rate, rate, 0.02, 0.05) for rate in (0.0, 0.01, 0.05)]
    assert floors == sorted(floors)
    assert floors[1] == pytest.approx(392.8, abs=0.1)
    assert information_floor(0.03, 0.0, 0.02, 0.05) == float("inf")


def test_agreement_alone_certifies_within_a_seventh_of_the_floor() -> None:
    test = NonInferiority(margin=0.02)
    while test.log_e < log(20):
        test.observe(0.0)
    assert test.n <= 1.15 * information_floor(0.0, 0.0, 0.02, 0.05)


@given(DIFFERENCES, st.floats(-1.0, 1.0))
@settings(max_examples=60)
def test_every_bet_is_fair_or_worse_under_the_null(past: list[float], loss: float) -> None:
    """Whatever the past, the expected factor under a mean of exactly minus the margin is 1, for two-point outcomes."""
    margin = 0.05
    test = after(past, margin)
    if loss >= -margin:
        return
    chance = margin / -loss  # of the outcome ``loss``; the other outcome is a tie
    lose, tie = after([*past, loss], margin), after([*past, 0.0], margin)
    expected = chance * exp(lose.log_e - test.log_e) + (1 - chance) * exp(tie.log_e - test.log_e)
    assert expected == pytest.approx(1.0, abs=1e-9)


@given(DIFFERENCES, DIFFERENCES)
def test_merging_adds_counts_and_multiplies_wealth(one: list[float], two: list[float]) -> None:
    a, b = after(one), after(two)
    both = a.merge(b)
    assert both == b.merge(a)
    assert both.n == len(one) + len(two)
    assert both.log_wealth == pytest.approx([x + y for x, y in zip(a.log_wealth, b.log_wealth, strict=True)])


def test_false_promotion_at_the_boundary_stays_under_alpha() -> None:
    draw = random.Random(3)
    runs, promoted = 200, 0
    for _ in range(runs):
        test = NonInferiority(margin=0.1)
        for _ in range(150):
            test.observe(-1.0 if draw.random() < 0.1 else 0.0)
            if test.log_e >= log(20):
                promoted += 1
                break
    assert promoted / runs <= 0.08  # 0.05 and three standard errors


def test_samples_still_needed_fall_to_nothing() -> None:
    test = NonInferiority(margin=0.05)
    first = test.still_needed(log(20))
    assert first is not None
    assert 59 <= first <= 120
    for _ in range(50):
        test.observe(0.0)
    later = test.still_needed(log(20))
    assert later is not None
    assert later < first
    for _ in range(30):
        test.observe(0.0)
    assert test.still_needed(log(20)) == 0


def test_a_worse_candidate_never_gets_there_at_the_present_disagreement() -> None:
    assert after([-1.0, 0.0, 0.0] * 20).still_needed(log(20)) is None


@pytest.mark.parametrize("odd", [1.01, -1.01, float("nan"), float("inf")])
def test_only_differences_of_scores_are_taken(odd: float) -> None:
    with pytest.raises(ValueError, match="difference"):
        after([odd])


def test_a_margin_is_a_share_and_the_same_on_both_sides_of_a_merge() -> None:
    with pytest.raises(ValueError, match="margin"):
        NonInferiority(margin=0.0)
    with pytest.raises(ValueError, match="margins"):
        after([], 0.02).merge(after([], 0.05))


def test_the_gamblers_share_a_wealth_of_one_and_never_borrow() -> None:
    assert sum(SHARES) == pytest.approx(1.0)
    assert all(0.0 <= stake <= 0.99 for stake in stakes(0, 0.0, 0.0, 0.02))
    assert all(0.0 <= stake <= 0.99 for stake in stakes(10, 10.0, 0.0, 0.02))
    assert after([]).mean is None


def test_a_mixture_of_huge_logs_stays_finite() -> None:
    assert log_mixture([2000.0, -2000.0], [0.5, 0.5]) == pytest.approx(2000 + log(0.5))

from __future__ import annotations

import math

import pytest

from penstock.evidence.clustered import CALLS, COST, COVARIATE, Sums, log_ratio, mean, student_t


@pytest.mark.parametrize(("degrees", "exact"), [(5, 2.57058), (10, 2.22814), (30, 2.04227), (1e9, 1.95996)])
def test_student_t_is_within_a_fifth_of_a_percent(degrees: float, exact: float) -> None:
    assert student_t(0.975, degrees) == pytest.approx(exact, rel=2e-3)


def stratum(first: dict[str, Sums], second: dict[str, Sums]) -> dict[str, dict[str, Sums]]:
    return {"a": first, "b": second}


def test_the_mean_weighs_strata_by_all_their_calls() -> None:
    strata = (
        stratum({"s1": (1, 10.0, 0.0)}, {"s2": (2, 0.0, 0.0)}),  # three calls
        stratum({"s3": (1, 50.0, 0.0)}, {"s4": (0, 0.0, 0.0)}),  # one call
    )
    assert mean(strata, "a", COST) == pytest.approx(0.75 * 10 + 0.25 * 50)


def test_equal_arms_have_a_log_ratio_of_zero_and_scaling_one_moves_it_by_the_logarithm() -> None:
    rows = {str(k): (1, float(k + 1), float(k + 1)) for k in range(10)}
    halved = {session: (n, y / 2, x) for session, (n, y, x) in rows.items()}
    assert log_ratio((stratum(rows, rows),), "a", "b", column=COST).value == 0
    assert log_ratio((stratum(halved, rows),), "a", "b", column=COST).value == pytest.approx(math.log(0.5))


def test_a_covariate_that_explains_everything_leaves_no_variance() -> None:
    rows = {str(k): (1, float(k + 1), 3.0 * (k + 1)) for k in range(10)}
    halved = {session: (n, y / 2, x) for session, (n, y, x) in rows.items()}
    ratio = log_ratio((stratum(halved, rows),), "a", "b", column=COST, over=COVARIATE)
    assert ratio.value == pytest.approx(math.log(0.5))
    assert ratio.variance == pytest.approx(0, abs=1e-12)
    assert ratio.half_width(0.95, anytime=True) == pytest.approx(0, abs=1e-6)


def test_the_variance_of_one_call_sessions_is_that_of_a_mean_in_logarithms_with_leverage() -> None:
    costs = [1.0, 2.0, 3.0, 6.0]
    rows: dict[str, Sums] = {str(k): (1, cost, 0.0) for k, cost in enumerate(costs)}
    arm = log_ratio((stratum(rows, rows),), "a", "b", column=COST, over=CALLS).first
    # mean 3; influences (y - 3) / (4 x 3) over 1 - 1/4; times n / (n - 1)
    expected = sum(((y - 3) / 12 / 0.75) ** 2 for y in costs) * 4 / 3
    assert arm.variance == pytest.approx(expected)


def test_calls_of_a_session_are_not_taken_for_independent() -> None:
    single = {str(k): (1, float(1 + k % 2), 0.0) for k in range(40)}
    grouped = {str(k): (10, 10.0 * (1 + k % 2), 0.0) for k in range(4)}
    one = log_ratio((stratum(single, single),), "a", "b", column=COST)
    ten = log_ratio((stratum(grouped, grouped),), "a", "b", column=COST)
    assert ten.variance > 9 * one.variance


def test_heavy_tails_cost_degrees_of_freedom() -> None:
    even: dict[str, Sums] = {str(k): (1, float(10 + k % 3), 0.0) for k in range(40)}
    heavy = {**even, "0": (1, 500.0, 0.0)}
    assert log_ratio((stratum(even, even),), "a", "b", column=COST).first.degrees == pytest.approx(39)
    assert log_ratio((stratum(heavy, even),), "a", "b", column=COST).first.degrees < 5


def test_a_confidence_sequence_is_wider_than_the_interval_and_narrows_with_sessions() -> None:
    rows = {str(k): (1, float(1 + k % 5), 0.0) for k in range(100)}
    ratio = log_ratio((stratum(rows, rows),), "a", "b", column=COST)
    fixed, anytime = (ratio.half_width(0.95, anytime=flag) for flag in (False, True))
    assert fixed < anytime < 2 * fixed
    assert ratio.half_width(0.95, anytime=True, sessions=2000) < anytime
    assert ratio.half_width(0.95, anytime=False, sessions=800) == pytest.approx(fixed / 2, rel=0.02)


def test_an_arm_that_cost_nothing_has_no_logarithm() -> None:
    rows: dict[str, Sums] = {"s": (1, 0.0, 0.0), "t": (1, 0.0, 0.0)}
    with pytest.raises(ValueError, match="no logarithm"):
        log_ratio((stratum(rows, rows),), "a", "b", column=COST)

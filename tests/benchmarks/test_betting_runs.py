from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.betting_runs import deviation, drawn, first_crossing, log_e
from penstock.evidence.betting import NonInferiority


@pytest.mark.parametrize("runs", [3, 400])  # fewer, and more, runs than states of losses and wins
def test_the_simulation_is_the_product_s_arithmetic(runs: int) -> None:
    outcomes = np.stack(list(drawn(np.random.default_rng(1), runs, 60, 0.05, 0.03)))
    assert deviation(outcomes[:, :5], 0.05) < 1e-9
    values = list(log_e(iter(outcomes), runs, 0.05))
    test = NonInferiority(margin=0.05)
    for step, outcome in enumerate(outcomes[:, 0]):
        test.observe(float(outcome) - 1.0)
        assert values[step][0] == pytest.approx(test.log_e)


def test_values_below_the_threshold_are_only_known_to_be_below_it() -> None:
    outcomes = np.stack(list(drawn(np.random.default_rng(2), 200, 80, 0.01, 0.01)))
    threshold = math.log(20)
    exact = np.stack(list(log_e(iter(outcomes), 200, 0.05)))
    quick = np.stack(list(log_e(iter(outcomes), 200, 0.05, exact_above=threshold)))
    assert ((exact >= threshold) == (quick >= threshold)).all()


def test_the_first_crossing_counts_steps_from_one_and_zero_is_never() -> None:
    values = iter([np.array([5.0, 0.0]), np.array([5.0, 0.0]), np.array([0.0, 0.0])])
    assert first_crossing(values, 2, 4.0, n_min=2).tolist() == [2, 0]

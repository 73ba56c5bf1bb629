from __future__ import annotations

from math import inf, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.evidence.ebh import believed, log_threshold

VALUES = st.dictionaries(st.integers(0, 9), st.floats(-5, 8), min_size=1)


def test_one_hypothesis_needs_one_over_alpha() -> None:
    assert believed({"a": log(20.1)}, 0.05) == {"a"}
    assert believed({"a": log(19.9)}, 0.05) == frozenset()


def test_several_good_ones_help_each_other() -> None:
    values = {"a": log(41), "b": log(41), "c": 0.0, "d": -inf}
    assert believed(values, 0.05) == {"a", "b"}
    assert believed({**values, "b": 0.0}, 0.05) == frozenset()


def test_nothing_tested_means_nothing_believed() -> None:
    assert believed({}, 0.05) == frozenset()


@given(VALUES, st.sampled_from([0.01, 0.05, 0.2]))
def test_whoever_reaches_the_threshold_is_believed_and_nobody_else(values: dict[int, float], alpha: float) -> None:
    accepted = believed(values, alpha)
    for name, value in values.items():
        assert (name in accepted) == (value >= log_threshold(values, name, alpha))


@given(VALUES)
def test_the_believed_satisfy_the_defining_inequality(values: dict[int, float]) -> None:
    accepted = believed(values, 0.05)
    assert all(values[name] >= log(len(values) / (len(accepted) * 0.05)) - 1e-12 for name in accepted)


def test_the_threshold_of_a_lone_hypothesis_is_one_over_alpha() -> None:
    assert log_threshold({"a": 0.0}, "a", 0.05) == pytest.approx(log(20))

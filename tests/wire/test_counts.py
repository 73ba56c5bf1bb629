from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.wire.counts import MOST_TOKENS, Counts


@given(st.integers(0, MOST_TOKENS))
def test_a_count_is_itself(value: int) -> None:
    counts = Counts({"tokens": value})
    assert counts.optional("tokens") == counts.required("tokens") == value
    assert counts.flags == ()


@pytest.mark.parametrize("value", [-1, True, False, 1.5, float("nan"), float("inf"), "7", [], MOST_TOKENS + 1, -0.5])
def test_what_is_no_count_is_flagged_and_counts_nothing(value: Any) -> None:
    counts = Counts({"tokens": value})
    assert counts.optional("tokens") == 0
    assert counts.flags == ("tokens_is_not_a_count",)


def test_a_whole_float_is_believed_and_flagged() -> None:
    counts = Counts({"tokens": 7.0})
    assert (counts.optional("tokens"), counts.flags) == (7, ("tokens_is_a_float",))
    assert isinstance(counts.optional("tokens"), int)


def test_absent_and_null_are_none_and_flagged_only_when_required() -> None:
    counts = Counts({"null": None})
    assert counts.optional("null") is counts.optional("absent") is None
    assert counts.flags == ()
    assert counts.required("null") == 0
    assert counts.flags == ("null_missing",)


def test_flags_of_inner_objects_come_to_the_same_report_each_once() -> None:
    counts = Counts({"details": {"a": -1}, "odd": 5, "none": None})
    inner = counts.inner("details")
    assert inner is not None
    assert inner.optional("a") == inner.optional("a") == 0
    assert counts.inner("none") is counts.inner("absent") is counts.inner("odd") is None
    counts.beside({"b": -1}).optional("b")
    assert counts.flags == ("a_is_not_a_count", "odd_is_not_an_object", "b_is_not_a_count")


def test_reasoning_is_at_most_the_output() -> None:
    counts = Counts({"details": {"thinking": 9}})
    details = counts.inner("details")
    assert counts.reasoning(details, "thinking", 10) == 9
    assert counts.flags == ()
    assert counts.reasoning(details, "thinking", 5) == 5
    assert counts.flags == ("reasoning_exceeds_output",)
    assert counts.reasoning(None, "thinking", 5) is counts.reasoning(details, "absent", 5) is None

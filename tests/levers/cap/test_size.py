from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.evidence.lengths import Lengths
from penstock.levers.cap.size import Size, size_of
from penstock.policy.schema import CapPolicy
from penstock.unknown import Unknown


def _size(policy: CapPolicy, lengths: Lengths | None = None, guard: str | None = None, budget: int = 0) -> Size:
    size = size_of(policy, lengths, guard=guard, budget=budget)
    assert isinstance(size, Size), size
    return size


def test_a_declared_size_is_used_as_it_stands() -> None:
    assert _size(CapPolicy(max_output=60)).tokens == 60
    assert _size(CapPolicy(output="boolean")).tokens == 10
    assert _size(CapPolicy(output="under 50 words")).tokens == 75


def test_a_learnt_cap_is_the_multiplier_times_the_bound_rounded_up() -> None:
    size = _size(CapPolicy(), Lengths(dict.fromkeys(range(1, 60), 1)))
    assert size.tokens == math.ceil(1.2 * 59)
    assert size.why == "1.2 x 59, which all but 5% of 59 answers stay within"


def test_more_answers_make_the_promise_stricter() -> None:
    """Of 299, the largest bounds all but 1%; of 1,000, a lower rank does."""
    assert "1%" in _size(CapPolicy(), Lengths({10: 298, 90: 1})).why
    assert _size(CapPolicy(), Lengths({10: 298, 90: 1})).base == 90
    assert _size(CapPolicy(), Lengths({10: 999, 90: 1})).base == 10


def test_t26_there_is_no_cap_from_fewer_answers_than_needed() -> None:
    refused = size_of(CapPolicy(), Lengths({10: 58}), guard=None, budget=0)
    assert refused == Unknown("58 answers were seen and 59 are needed")
    assert isinstance(size_of(CapPolicy(), None, guard=None, budget=0), Unknown)


def test_t26_a_declared_size_is_no_cap_for_a_request_that_reasons_until_lengths_are_known() -> None:
    refused = size_of(CapPolicy(output="boolean"), None, guard="reasoning counts", budget=0)
    assert isinstance(refused, Unknown)
    assert refused.why.startswith("reasoning counts, and 0 answers")
    assert _size(CapPolicy(output="boolean"), Lengths({200: 300}), guard="reasoning counts").tokens == 360


def test_t26_a_cap_is_always_above_the_thinking_budget() -> None:
    size = _size(CapPolicy(), Lengths({100: 300}), guard="reasoning counts", budget=4000)
    assert size.tokens == 4100


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 3000), min_size=59, max_size=200), st.floats(1.0, 4.0), st.integers(0, 5000))
def test_t26_headroom_is_never_less_than_half_again(values: list[int], multiplier: float, budget: int) -> None:
    lengths = Lengths()
    for value in values:
        lengths.add(value)
    size = _size(CapPolicy(multiplier=multiplier), lengths, guard="g", budget=budget)
    assert size.tokens >= math.ceil(multiplier * size.base * 1.5)
    assert size.tokens > budget


def test_t27_answers_that_were_cut_take_the_cap_away() -> None:
    lengths = Lengths({50: 100}, {60: 20})
    refused = size_of(CapPolicy(), lengths, guard=None, budget=0)
    assert isinstance(refused, Unknown)
    assert "were cut" in refused.why


def test_t27_a_burst_of_truncations_raises_the_cap() -> None:
    lengths = Lengths({50: 300}, ours=20, ours_cut=3)
    size = _size(CapPolicy(), lengths)
    assert size.tokens == 90
    assert size.why.endswith("x 1.5 because it cut 3 of 20 answers")
    assert _size(CapPolicy(output="boolean"), lengths).tokens == 15

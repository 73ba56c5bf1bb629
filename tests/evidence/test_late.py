from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.evidence.late import Late

WINDOWS = st.lists(st.tuples(st.sampled_from("ab"), st.floats(0.0, 1.0), st.booleans()), max_size=30)


def _told(windows: list[tuple[str, float, bool]]) -> Late:
    late = Late()
    for task, expected, came in windows:
        late.add(task, expected, came=came)
    return late


def test_a_task_begins_with_what_its_class_lets_expect() -> None:
    assert Late().factor("t") == 1.0


def test_a_task_that_keeps_what_was_expected_goes_on_so() -> None:
    assert _told([("t", 0.25, n % 4 == 0) for n in range(40)]).factor("t") == 1.0


def test_five_expected_returns_that_did_not_come_leave_less_than_a_third() -> None:
    late = _told([("t", 0.25, False)] * 20)
    assert late.factor("t") < 1 / 3
    assert late.factor("other") == 1.0


def test_a_task_that_comes_back_more_than_its_class_is_expected_more() -> None:
    assert _told([("t", 0.1, True)] * 8).factor("t") > 3.0


@given(WINDOWS, WINDOWS)
def test_merging_is_adding_and_survives_json(
    ours: list[tuple[str, float, bool]], theirs: list[tuple[str, float, bool]]
) -> None:
    one, both = _told(ours), _told(ours + theirs)
    one.merge(_told(theirs))
    for task in "ab":
        assert one.factor(task) == pytest.approx(both.factor(task))
    assert Late.from_builtins(one.to_builtins()) == one


@given(WINDOWS, WINDOWS, WINDOWS)
def test_what_two_processes_learnt_since_they_parted_adds_up(
    before: list[tuple[str, float, bool]], ours: list[tuple[str, float, bool]], theirs: list[tuple[str, float, bool]]
) -> None:
    shared = _told(before + ours)
    shared.advance(_told(before), _told(before + theirs))
    everything = _told(before + ours + theirs)
    for task in "ab":
        assert shared.factor(task) == pytest.approx(everything.factor(task))


def test_tasks_are_bounded_and_sums_of_another_shape_are_refused() -> None:
    late = _told([(f"t{n}", 0.5, True) for n in range(6000)])
    assert len(late.to_builtins()) == 5000
    with pytest.raises(ValueError, match="unpack"):
        Late.from_builtins({"t": [1.0]})

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.evidence.idle import ROUNDS, Idle

Waits = list[tuple[str, int, bool]]
WAITS = st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, ROUNDS + 5), st.booleans()), max_size=30)


def test_of_a_task_that_was_never_seen_nothing_is_expected() -> None:
    assert Idle().hazard("t", 0) == 0.0


def test_a_use_is_an_event_in_its_round_and_an_exposure_in_those_before() -> None:
    idle = Idle()
    for _ in range(8):
        idle.add("t", 2, came=True)
    seen = [idle.hazard("t", n) for n in range(4)]
    assert seen == [0.0, 0.0, pytest.approx(0.05 ** (1 / 8)), 0.0]


def test_a_chance_is_the_least_that_what_was_seen_allows() -> None:
    idle = Idle()
    idle.add("t", 1, came=True)
    assert idle.hazard("t", 1) == pytest.approx(0.05)
    for _ in range(999):
        idle.add("t", 1, came=True)
    assert 0.99 < idle.hazard("t", 1) < 1.0


def test_what_nobody_came_back_to_lowers_the_chance_of_the_rounds_that_were_watched_and_of_no_other() -> None:
    idle = Idle()
    for _ in range(8):
        idle.add("t", 2, came=True)
    before = idle.hazard("t", 2)
    for _ in range(10):
        idle.add("t", 2, came=False)
    assert idle.hazard("t", 2) == before
    for _ in range(10):
        idle.add("t", 3, came=False)
    assert idle.hazard("t", 2) < before / 2


def test_a_wait_may_be_counted_while_it_lasts_or_at_its_end() -> None:
    once, often = Idle(), Idle()
    once.add("t", 5, came=True)
    often.add("t", 2, came=False)
    often.add("t", 4, came=False, since=2)
    often.add("t", 5, came=True, since=4)
    assert once == often


@given(WAITS, WAITS)
def test_merging_is_adding_and_survives_json(
    ours: list[tuple[str, int, bool]], theirs: list[tuple[str, int, bool]]
) -> None:
    one, other, both = Idle(), Idle(), Idle()
    for idle, waits in ((one, ours), (other, theirs), (both, ours + theirs)):
        for task, rounds, came in waits:
            idle.add(task, rounds, came=came)
    one.merge(other)
    assert one == both
    assert Idle.from_builtins(one.to_builtins()) == one
    assert all(0.0 <= one.hazard(task, n) < 1.0 for task in "ab" for n in range(ROUNDS + 1))


def test_counts_of_another_shape_are_refused_and_tasks_are_bounded() -> None:
    with pytest.raises(ValueError, match="rounds"):
        Idle.from_builtins({"t": [1]})
    idle = Idle()
    for n in range(6000):
        idle.add(f"t{n}", 0, came=True)
    assert len(idle.to_builtins()) == 5000

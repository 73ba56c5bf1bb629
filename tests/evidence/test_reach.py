from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.evidence.reach import ENDS, Reach

told = st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 2), st.integers(0, ENDS - 1), st.booleans()))


def _reach(examples: list[tuple[str, int, int, bool]]) -> Reach:
    reach = Reach()
    for task, kind, end, came in examples:
        reach.add(task, kind, end, came=came)
    return reach


def test_before_any_example_a_return_is_of_nearly_the_whole_first_prompt_and_of_a_whole_later_turn() -> None:
    chances = [Reach().chance("a", 0, end) for end in range(ENDS)]
    assert 0.8 < chances[0] < chances[-1] == 1.0
    assert chances == sorted(chances)
    assert Reach().chance("a", 2, 0) == 1.0


def test_questions_about_documents_leave_out_the_last_place_and_conversations_do_not() -> None:
    reach = _reach([("documents", 0, 0, False), ("documents", 0, 3, True), ("chat", 0, 0, True)] * 40)
    assert reach.chance("documents", 0, 0) < 0.1
    assert reach.chance("documents", 0, 3) > 0.9
    assert reach.chance("chat", 0, 0) > 0.9
    assert 0.3 < reach.chance("another task", 0, 0) < 0.7
    assert reach.chance("documents", 1, 0) == Reach().chance("documents", 1, 0)


def test_a_change_of_traffic_is_followed() -> None:
    reach = _reach([("a", 0, 0, True)] * 5000 + [("a", 0, 0, False)] * 1000)
    assert reach.chance("a", 0, 0) < 0.3


def test_more_tasks_than_are_followed_share_what_everyone_taught() -> None:
    reach = _reach([(f"task {n}", 0, 0, False) for n in range(5010)])
    assert reach.chance("task 5009", 0, 0) == reach.chance("never seen", 0, 0) < 0.5
    assert len(reach.to_builtins()["tasks"]) == 5000


@given(told, told)
def test_two_workers_together_know_what_one_would(
    ours: list[tuple[str, int, int, bool]], theirs: list[tuple[str, int, int, bool]]
) -> None:
    merged = _reach(ours)
    merged.merge(_reach(theirs))
    assert merged.to_builtins() == _reach(ours + theirs).to_builtins()
    again = Reach.from_builtins(json.loads(json.dumps(merged.to_builtins())))
    assert again.to_builtins() == merged.to_builtins()
    for task in "abc":
        assert 0.0 < merged.chance(task, 1, 2) <= 1.0


def test_counts_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="another shape"):
        Reach.from_builtins({"all": [1.0], "tasks": {}})

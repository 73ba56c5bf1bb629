from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.evidence.partings import Partings


def told(prompts: list[bool], task: str = "chat") -> Partings:
    partings = Partings()
    for parted in prompts:
        partings.add(task, 1, parted=parted)
    return partings


def test_nothing_is_expected_to_part_before_it_was_seen_to() -> None:
    assert Partings().chance("chat", 1) == 0.0
    assert told([False] * 50).chance("chat", 1) == 0.0


def test_what_always_parts_is_expected_to_but_not_after_one_prompt() -> None:
    assert told([True]).chance("chat", 1) == pytest.approx(0.2)
    assert told([True] * 100).chance("chat", 1) > 0.95


def test_tasks_are_told_apart() -> None:
    assert told([True] * 20).chance("extract", 1) == 0.0


def test_a_conversation_is_told_apart_from_the_prompts_that_share_its_head() -> None:
    assert told([True] * 20).chance("chat", 2) == 0.0


def test_a_change_of_traffic_is_followed() -> None:
    assert told([True] * 2000 + [False] * 600).chance("chat", 1) < 0.35


@given(st.lists(st.booleans(), max_size=30), st.lists(st.booleans(), max_size=30))
def test_counts_of_two_workers_add_up_and_travel_as_json(mine: list[bool], theirs: list[bool]) -> None:
    both = told(mine)
    both.merge(Partings.from_builtins(told(theirs).to_builtins()))
    assert both.chance("chat", 1) == pytest.approx(told([*mine, *theirs]).chance("chat", 1))


def test_counts_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="classes"):
        Partings.from_builtins({"chat": [1.0]})

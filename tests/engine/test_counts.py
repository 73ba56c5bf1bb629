from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.engine.counts import CountMemo
from penstock.wire.dialect import Dialect
from penstock.wire.estimate import estimate_tokens
from penstock.wire.segments import Segment
from penstock.wire.view import read_request
from tests.playbook import messages


def _segments(*turns: str) -> tuple[Segment, ...]:
    return read_request(Dialect.ANTHROPIC_MESSAGES, json.dumps(messages(*turns)).encode()).segments


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(min_size=1, max_size=30), min_size=1, max_size=10), st.integers(1, 9), st.floats(0.3, 3))
def test_remembered_counts_are_the_counts(turns: list[str], seen: int, factor: float) -> None:
    memo = CountMemo()
    memo.of(_segments(*turns[:seen]), "claude", factor)
    found = memo.of(_segments(*turns), "claude", factor)
    assert found == CountMemo().of(_segments(*turns), "claude", factor)
    assert found == tuple(max(1, round(estimate_tokens(one, "claude") * factor)) for one in _segments(*turns))


def test_a_longer_prompt_costs_only_what_is_new(monkeypatch: pytest.MonkeyPatch) -> None:
    estimated: list[Segment] = []

    def counting(segment: Segment, family: str) -> float:
        estimated.append(segment)
        return estimate_tokens(segment, family)

    monkeypatch.setattr("penstock.engine.counts.estimate_tokens", counting)
    memo = CountMemo()
    memo.of(_segments("a", "b"), "claude", 1.0)
    memo.of(_segments("a", "b", "c"), "claude", 1.0)
    memo.of(_segments("a", "b", "c"), "claude", 1.0)
    assert len(estimated) == 3


def test_a_prompt_takes_the_place_of_the_one_that_it_extends() -> None:
    memo = CountMemo()
    for count in range(1, 20):
        memo.of(_segments(*("t" for _ in range(count))), "claude", 1.0)
    assert len(memo) == 1


def test_no_more_prompts_are_remembered_than_the_limit() -> None:
    memo = CountMemo(limit=3)
    for number in range(10):
        memo.of(_segments(f"prompt {number}"), "claude", 1.0)
    assert len(memo) == 3


def test_families_and_corrections_are_remembered_apart() -> None:
    memo = CountMemo()
    segments = _segments("word " * 100)
    assert memo.of(segments, "claude", 1.0) < memo.of(segments, "claude-4.7", 1.0)
    assert memo.of(segments, "claude", 1.0) < memo.of(segments, "claude", 2.0)


def test_a_prompt_without_segments_has_no_counts() -> None:
    assert CountMemo().of((), "claude", 1.0) == ()

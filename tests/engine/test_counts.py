from __future__ import annotations

from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from penstock.engine.counts import Counted, counted
from penstock.wire.dialect import Dialect
from penstock.wire.estimate import estimate_tokens
from penstock.wire.outline import Outline
from tests.wire.requests import view_of


def outline_of(*turns: str) -> Outline:
    talk = [{"role": "user", "content": text} for text in turns]
    return view_of(Dialect.ANTHROPIC_MESSAGES, {"model": "m", "messages": talk}).outline


@given(st.lists(st.text(max_size=30), max_size=8), st.integers(0, 8), st.sampled_from([0.5, 1.0, 1.37]))
def test_counts_are_those_of_each_segment_whatever_was_counted_before(
    turns: list[str], seen: int, factor: float
) -> None:
    counted(outline_of(*turns[:seen]), "claude", factor)
    outline = outline_of(*turns)
    tokens = tuple(max(1, round(estimate_tokens(one, "claude") * factor)) for one in outline.segments)
    assert counted(outline, "claude", factor) == Counted(tokens, tuple(accumulate(tokens)))


def test_families_and_factors_are_counted_apart() -> None:
    outline = outline_of("a text of some length", "another")
    assert counted(outline, "claude", 1.0).total < counted(outline, "claude-4.7", 1.0).total
    assert counted(outline, "claude", 1.0).total < counted(outline, "claude", 2.0).total


def test_a_prompt_without_text_has_no_tokens() -> None:
    assert counted(outline_of(), "claude", 1.0) == ((), ())
    assert counted(outline_of(), "claude", 1.0).total == 0

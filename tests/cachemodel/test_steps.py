from __future__ import annotations

from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.cachemodel.admission import Rejected, Split
from penstock.cachemodel.machine import admit, begin
from penstock.cachemodel.prompt import Prompt, prompt_of, prompt_of_view
from penstock.cachemodel.steps import kept, steps_of, steps_of_view
from penstock.cachemodel.store import CacheState
from penstock.models.catalog import profile_of
from penstock.models.profile import Profile
from penstock.wire.dialect import Dialect
from penstock.wire.segments import Marker
from penstock.wire.view import View
from tests.cachemodel.prompts import block, tool
from tests.wire.requests import VIEWS, view_of


def profile(view: View, *, older: bool) -> Profile:
    names = {"anthropic": ("claude-opus-5-5", "claude-haiku-4-5"), "openai": ("gpt-6.1-sol", "gpt-4o")}
    found = profile_of(names[view.dialect.provider][older])
    assert isinstance(found, Profile)
    return found


def split(state: CacheState, prompt: Prompt, at: float) -> Split | str:
    try:
        admission = admit(state, prompt, at)
    except Rejected as refusal:
        return str(refusal)
    begin(state, admission, at + 0.5)
    return admission.split


@settings(max_examples=80, deadline=None)
@given(st.lists(VIEWS, min_size=1, max_size=4), st.booleans(), st.data())
def test_a_view_is_billed_as_its_blocks_are(views: list[View], older: bool, data: st.DataObject) -> None:
    by_blocks, by_view = CacheState(), CacheState()
    for number, view in enumerate([*views, *views]):
        markable = [segment for segment in view.segments if segment.markable]
        if markable and data.draw(st.booleans()):
            view = view.edited([view.mark(data.draw(st.sampled_from(markable)), Marker("5m"))])  # noqa: PLW2901
        model = profile(view, older=older)
        tokens = [500 + len(segment.digest) for segment in view.segments]
        one = split(by_blocks, prompt_of(view, model, tokens, scope="s"), number * 40.0)
        other = split(by_view, prompt_of_view(view, model, tuple(accumulate(tokens)), scope="s"), number * 40.0)
        assert one == other


@given(VIEWS)
def test_prefixes_of_blocks_are_those_of_their_segments(view: View) -> None:
    tokens = [7] * len(view.segments)
    mine = steps_of(prompt_of(view, profile(view, older=False), tokens).blocks)
    theirs = steps_of_view(view, list(accumulate(tokens)))
    assert tuple(mine.prefixes) == tuple(theirs.prefixes) == tuple(segment.prefix for segment in view.segments)
    assert (list(mine.ends), mine.total, mine.has_image, mine.has_thinking) == (
        list(theirs.ends),
        theirs.total,
        theirs.has_image,
        theirs.has_thinking,
    )


def test_what_is_left_is_a_prompt_of_its_own() -> None:
    steps = steps_of([tool("t", 10), block("a", 20, "5m"), block("b", 30, kind="thinking"), block("c", 40, "")])
    left = kept(steps, [0, 1, 3])
    assert left.ends == [10, 30, 70]
    assert list(left.marks) == [(1, "5m"), (2, "")]
    assert list(left.prefixes) == list(steps_of([tool("t"), block("a"), block("c")]).prefixes)
    assert [left.tokens(index) for index in range(3)] == [10, 20, 40]


def test_counts_of_another_prompt_are_refused() -> None:
    view = view_of(Dialect.ANTHROPIC_MESSAGES, {"model": "m", "messages": [{"role": "user", "content": "a"}]})
    with pytest.raises(ValueError, match="as many counts"):
        steps_of_view(view, [1, 2])

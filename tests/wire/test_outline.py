from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.wire import outline
from penstock.wire.dialect import Dialect
from penstock.wire.memo import Memo
from penstock.wire.outline import Outline
from penstock.wire.segments import Marker, Segment
from penstock.wire.view import View, read_request
from tests.wire.requests import VIEWS, view_of

MARKER = {"cache_control": {"type": "ephemeral"}}
MARKED = [{"type": "text", "text": "b", **MARKER}]


@contextmanager
def nothing_known() -> Iterator[None]:
    known, outline._known = outline._known, Memo(40_000)
    try:
        yield
    finally:
        outline._known = known


def read_cold(view: View) -> View:
    with nothing_known():
        again = read_request(view.dialect, view.raw)
        assert again.segments is not None
        return again


def shorter(view: View, count: int) -> View:
    """The request with the first messages only."""
    body = json.loads(view.raw)
    name = "input" if view.dialect is Dialect.OPENAI_RESPONSES else "messages"
    if isinstance(body[name], list):
        body[name] = body[name][:count]
    return view_of(view.dialect, body, ascii_only=view.raw.isascii())


def sizes(before: tuple[int, ...], segments: Sequence[Segment]) -> tuple[int, ...]:
    return (*before, *(segment.size for segment in segments))


@settings(max_examples=150)
@given(VIEWS, st.lists(st.integers(0, 6), max_size=4))
def test_a_prompt_reads_the_same_whatever_beginnings_of_it_were_read_before(view: View, counts: list[int]) -> None:
    body = view_of(view.dialect, json.loads(view.raw), ascii_only=view.raw.isascii())
    with nothing_known():
        for count in counts:
            before = shorter(body, count)
            before.outline.fold("sizes", sizes, ())
        warm = read_request(body.dialect, body.raw).outline
        folded = warm.fold("sizes", sizes, ())
    cold = read_cold(body).outline
    assert warm.segments == cold.segments
    assert warm.marked == cold.marked
    assert folded == tuple(segment.size for segment in cold.segments)


def test_a_longer_conversation_reads_only_its_new_messages() -> None:
    turns = [{"role": "user", "content": f"turn {number}"} for number in range(40)]
    read: list[int] = []

    def step(before: int, segments: Sequence[Segment]) -> int:
        read.append(len(segments))
        return before + len(segments)

    with nothing_known():
        for count in (36, 38, 40):
            read.clear()
            view = view_of(Dialect.ANTHROPIC_MESSAGES, {"model": "m", "messages": turns[:count]})
            assert view.outline.fold("count", step, 0) == count
    assert sum(read) == 2


@pytest.mark.parametrize("summarised", [True, False])
def test_a_client_that_moves_its_markers_costs_each_turn_the_same(summarised: bool) -> None:
    turns = [[{"type": "text", "text": f"turn {number}"}] for number in range(60)]
    read: list[int] = []

    def step(before: int, segments: Sequence[Segment]) -> int:
        read.append(len(segments))
        return before + len(segments)

    with nothing_known():
        costs = []
        for count in range(4, 60, 2):
            talk = [{"role": "user", "content": turn} for turn in turns[:count]]
            for place in (-1, -3):  # the latest two messages of the user carry a marker, as agents have it
                talk[place] = {"role": "user", "content": [{**turns[count + place][0], **MARKER}]}
            view = view_of(Dialect.ANTHROPIC_MESSAGES, {"model": "m", "messages": talk})
            read.clear()
            if summarised:
                assert view.outline.fold("count", step, 0) == count
            costs.append(sum(read))
            ancestors = 0
            one: Outline | None = view.outline
            while one is not None:
                one, ancestors = one._parent, ancestors + 1
            assert ancestors < 8
    assert max(costs[2:]) <= 8


def test_a_sibling_with_another_last_message_reads_only_that() -> None:
    turns = [{"role": "user", "content": f"turn {number}"} for number in range(30)]
    with nothing_known():
        first = view_of(
            Dialect.ANTHROPIC_MESSAGES, {"model": "m", "messages": [*turns, {"role": "user", "content": "a"}]}
        )
        second = view_of(
            Dialect.ANTHROPIC_MESSAGES, {"model": "m", "messages": [*turns, {"role": "user", "content": "b"}]}
        )
        assert all(one is other for one, other in zip(first.segments[:-1], second.segments[:-1], strict=True))
        assert first.segments[-1] != second.segments[-1]


def test_the_same_messages_under_another_head_or_dialect_are_another_prompt() -> None:
    talk = [{"role": "user", "content": "a"}]
    heads = ({}, {"system": "s"}, {"system": "t"}, {"tools": [{"name": "n"}]})
    views = [view_of(Dialect.ANTHROPIC_MESSAGES, {"model": "m", "messages": talk, **head}) for head in heads]
    views.append(view_of(Dialect.OPENAI_CHAT, {"model": "m", "messages": talk}))
    assert len({tuple(segment.prefix for segment in view.segments) for view in views[:4]}) == 4
    assert len({id(view.outline) for view in views}) == 5


def test_other_markers_share_the_summaries_and_keep_the_digests() -> None:
    view = view_of(Dialect.ANTHROPIC_MESSAGES, {"model": "m", "messages": [{"role": "user", "content": MARKED}]})
    before = view.outline
    assert before.marked == (0,)
    bare = before.remarked({0: (None, before.segments[0].path)})
    assert bare.marked == ()
    assert bare.segments[0].prefix == before.segments[0].prefix
    assert before.fold("sizes", sizes, ()) is bare.fold("sizes", sizes, ())
    marked = bare.remarked({0: (Marker("1h"), before.segments[0].path)})
    assert marked.segments[0].marker == Marker("1h")
    assert before.segments[0].marker == Marker("5m")


def test_summaries_are_bounded() -> None:
    one = Outline()
    for number in range(500):
        assert one.fold(number, sizes, ()) == ()
    assert len(one._folds) <= outline._MOST_FOLDS


def test_a_prompt_is_alike_only_to_itself_under_other_markers() -> None:
    view = view_of(Dialect.ANTHROPIC_MESSAGES, {"model": "m", "messages": [{"role": "user", "content": MARKED}]})
    longer = view_of(Dialect.ANTHROPIC_MESSAGES, {"model": "m", "messages": [{"role": "user", "content": "b"}] * 2})
    bare = view.outline.remarked({0: (None, view.segments[0].path)})
    assert bare.alike(view.outline)
    assert not longer.outline.alike(view.outline)


def test_what_was_never_asked_is_not_remembered() -> None:
    one = Outline()
    assert one.remembered("sizes") is None
    one.fold("sizes", sizes, ())
    assert one.remembered("sizes") == ()

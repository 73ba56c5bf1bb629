from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.wire.body import Operation
from penstock.wire.dialect import Dialect
from penstock.wire.edited import edit_of, spliced
from penstock.wire.segments import Marker
from penstock.wire.view import View, read_request
from tests.wire.requests import VIEWS, view_of

TTLS = {
    Dialect.ANTHROPIC_MESSAGES: ["5m", "1h"],
    Dialect.OPENAI_CHAT: ["30m"],
    Dialect.OPENAI_RESPONSES: ["30m", "12h"],
}
EXPLICIT = Operation(("prompt_cache_options",), "set", b'{"mode":"explicit"}')


def assert_same_request(one: View, other: View) -> None:
    assert one.raw == other.raw
    assert one.segments == other.segments
    assert one.outline.marked == other.outline.marked
    assert one.params_digest == other.params_digest
    assert (one.stream, one.cap, one.automatic_marker) == (other.stream, other.cap, other.automatic_marker)
    assert (one.message_count, one.tool_names(), one.system_text()) == (
        other.message_count,
        other.tool_names(),
        other.system_text(),
    )
    assert dict(one.params) == dict(other.params)
    assert [one.span(segment) for segment in one.segments] == [other.span(segment) for segment in other.segments]
    assert one.get("messages") == other.get("messages")


@settings(max_examples=200)
@given(VIEWS, st.data())
def test_marking_is_what_applying_and_reading_again_makes(view: View, data: st.DataObject) -> None:
    markable = [index for index, segment in enumerate(view.segments) if segment.markable]
    chosen = data.draw(st.lists(st.sampled_from(markable), unique=True, max_size=4)) if markable else []
    ttls = st.sampled_from(TTLS[view.dialect])
    operations = [view.mark(view.segments[index], Marker(data.draw(ttls))) for index in chosen]
    if data.draw(st.booleans()):
        operations.insert(0, EXPLICIT)
    assert_same_request(view.edited(operations), read_request(view.dialect, view.apply(operations)))


@given(VIEWS)
def test_a_marked_request_can_be_marked_and_unmarked_further(view: View) -> None:
    markable = [segment for segment in view.segments if segment.markable]
    if not markable:
        return
    once = view.edited([view.mark(markable[0], Marker("5m"))])
    marked = once.segments[once.outline.marked[0]]
    bare = once.edited([once.unmark(marked)])
    assert [segment.prefix for segment in bare.segments] == [segment.prefix for segment in view.segments]
    last = [segment for segment in once.segments if segment.markable][-1]
    operations = [once.mark(last, Marker("5m"))]
    assert_same_request(once.edited(operations), read_request(view.dialect, once.apply(operations)))


def test_any_other_operation_is_left_to_the_walk() -> None:
    view = view_of(
        Dialect.ANTHROPIC_MESSAGES, {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "a"}]}
    )
    for operation in (
        Operation(("max_tokens",), "set", b"4"),
        Operation(("max_tokens",), "delete"),
        Operation(("messages", 0, "content"), "set", b'"b"'),
        Operation(("of_the_future",), "set", b"1"),
        Operation(("system",), "set", b'"s"'),
    ):
        assert edit_of(view, [operation]) is None
        assert view.edited([operation]).raw == view.apply([operation])


def test_a_lifetime_for_markers_that_name_none_is_read_again() -> None:
    part: dict[str, Any] = {"type": "text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit"}}
    view = view_of(Dialect.OPENAI_CHAT, {"model": "m", "messages": [{"role": "user", "content": [part]}]})
    edited = view.edited([Operation(("prompt_cache_options",), "set", b'{"mode":"explicit","ttl":"12h"}')])
    assert edited.segments[0].marker == Marker("12h")


def test_the_prompt_is_not_read_again_after_marks_and_parameters() -> None:
    view = view_of(Dialect.OPENAI_CHAT, {"model": "m", "messages": [{"role": "user", "content": "a"}]})
    edited = view.edited([EXPLICIT])
    assert edited.outline is view.outline
    assert json.loads(edited.raw)["prompt_cache_options"] == {"mode": "explicit"}


@given(st.binary(max_size=20), st.lists(st.integers(0, 20), max_size=6))
def test_splices_touch_nothing_else(raw: bytes, places: list[int]) -> None:
    ends = sorted(place for place in places if place <= len(raw))
    pairs = list(zip(ends[::2], ends[1::2], strict=False))
    result = spliced(raw, [(start, end, b"<>") for start, end in pairs])
    rest = raw
    for start, end in reversed(pairs):
        rest = rest[:start] + b"<>" + rest[end:]
    assert result == rest

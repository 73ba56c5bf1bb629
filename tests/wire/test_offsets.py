from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from penstock.wire.dialect import Dialect
from penstock.wire.offsets import array_at, element, inside, top_of
from penstock.wire.raw import Raw, list_of
from penstock.wire.view import View, read_request
from tests.wire.formatted_json import DOCUMENTS, Document
from tests.wire.requests import VIEWS


@given(VIEWS)
def test_segments_stand_where_walking_finds_them(view: View) -> None:
    for segment in view.segments:
        assert view.span(segment) == view.body.span(segment.path)


@given(VIEWS)
def test_ordinary_bodies_are_located_without_walking(view: View) -> None:
    if view.message_count and view.dialect is not Dialect.OPENAI_RESPONSES:
        assert view.top is not None
        assert view.raw[view.top.end :].strip() == b"}"


@given(DOCUMENTS)
def test_what_is_claimed_of_any_json_is_true(document: Document) -> None:
    raw, spans = document
    if () not in spans:
        return
    begin, end = spans[()]
    value = Raw(raw[begin:end])
    for path, span in spans.items():
        found = inside(raw, (begin, end), value, path)
        assert found is None or found[0] == span


def test_a_repeated_key_is_left_to_the_walk() -> None:
    raw = b'{"model":"m","messages":[{"role":"user","content":"a"}],"messages":[{"role":"user","content":"b"}]}'
    view = read_request(Dialect.ANTHROPIC_MESSAGES, raw)
    assert view.top is None
    start, end = view.span(view.segments[0])
    assert raw[start:end] == b'"b"'


def test_white_space_that_varies_between_messages_is_left_to_the_walk() -> None:
    one = b'{"role":"user","content":"a"}'
    raw = b'{"model":"m","messages":[%b,%b,  %b]}' % (one, one, one)
    view = read_request(Dialect.ANTHROPIC_MESSAGES, raw)
    assert view.top is None
    assert [view.span(segment) for segment in view.segments] == [view.body.span(s.path) for s in view.segments]


@given(
    st.lists(st.sampled_from([b'{"a":1}', b'"x"', b"12", b"[]"]), min_size=1), st.sampled_from([b",", b", ", b" ,\n"])
)
def test_every_element_of_an_even_array_is_found(values: list[bytes], gap: bytes) -> None:
    raw = b"[ " + gap.join(values) + b" ]"
    items = list_of(Raw(raw))
    assert items is not None
    array = array_at(raw, 0, items)
    assert array is not None
    for index, value in enumerate(values):
        span = element(raw, array, index)
        assert span is not None
        assert raw[slice(*span)] == value
    assert element(raw, array, len(values)) is None


def test_members_that_are_not_known_are_passed_over() -> None:
    raw = b' {"a": "c\\"}", "b":[1,{"messages":[1]}], "c": null, "messages": [1] } '
    found = top_of(raw, lambda _: None, "messages", list_of(Raw(b"[1]")) or [])
    assert found is not None
    assert found.spans["messages"] == (raw.rindex(b"[1]"), raw.rindex(b"[1]") + 3)
    assert raw[found.end :] == b" } "


def test_of_a_key_that_stands_twice_nothing_is_claimed_that_is_not_so() -> None:
    for raw in (b'{"a":[1],"b":[2],"a":[3]}', b'{"a":[3],"b":[3],"a":[3]}', b'{"b":[2],"a":[1], "a": [3]}'):
        found = inside(raw, (0, len(raw)), Raw(raw), ("a", 0))
        assert found is None or found[0] == (len(raw) - 3, len(raw) - 2)
        other = inside(raw, (0, len(raw)), Raw(raw), ("b",))
        assert other is None or raw[other[0][0] - 4 : other[0][0]] == b'"b":'

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.errors import MalformedRequest
from penstock.wire.walk import Body
from tests.wire.formatted_json import DOCUMENTS, Document


@settings(max_examples=300)
@given(DOCUMENTS)
def test_every_place_is_found_exactly_where_it_was_written(document: Document) -> None:
    raw, spans = document
    body = Body(raw)
    for path, span in spans.items():
        assert body.span(path) == span
        assert Body(raw).span(path) == span


@settings(max_examples=100)
@given(DOCUMENTS)
def test_places_that_are_not_there_are_malformed(document: Document) -> None:
    raw, spans = document
    for path in spans:
        for step in ("no such key", 99, -1):
            with pytest.raises(MalformedRequest):
                Body(raw).span((*path, step))


@settings(max_examples=200)
@given(DOCUMENTS, st.data())
def test_a_body_that_was_cut_is_malformed_and_nothing_worse(document: Document, data: st.DataObject) -> None:
    raw, spans = document
    cut = raw[: data.draw(st.integers(0, len(raw.rstrip()) - 1))]
    for path in spans:
        with pytest.raises(MalformedRequest):
            Body(cut).span(path)


@given(st.binary(max_size=40), st.lists(st.one_of(st.integers(0, 2), st.just("a")), max_size=3))
def test_any_bytes_give_a_span_or_are_malformed(raw: bytes, path: list[str | int]) -> None:
    try:
        start, end = Body(raw).span(tuple(path))
    except MalformedRequest:
        return
    json.loads(raw[start:end])


def test_of_a_repeated_key_the_last_counts() -> None:
    raw = b'{"a":1,"b":[1,2],"a":{"x":"old"},"a":{"x":"new"}}'
    start, end = Body(raw).span(("a", "x"))
    assert raw[start:end] == b'"new"'
    start, end = Body(raw).span(("b", 1))
    assert raw[start:end] == b"2"


def test_repeated_keys_that_only_look_in_place_are_told_apart() -> None:
    raw = b'{"a":"1,\\"b\\":2","b":2,"a":"1,\\"b\\":2"}'
    assert Body(raw).span(("a",)) == (raw.rindex(b'"1,'), len(raw) - 1)


def test_a_key_is_found_by_its_meaning_not_by_its_escapes() -> None:
    raw = b'{ "\\u006dessages" : [ {"\\ud83d\\ude00":5} ] }'
    start, end = Body(raw).span(("messages", 0, "😀"))
    assert raw[start:end] == b"5"


def test_the_body_itself_is_the_empty_path() -> None:
    assert Body(b' \n{"a":1}\t').span(()) == (2, 9)
    assert Body(b" 12 ").span(()) == (1, 3)


def test_nesting_of_two_hundred_levels_is_walked() -> None:
    depth = 200
    raw = b'{"a":[' * depth + b"7" + b"]}" * depth
    start, end = Body(raw).span(("a", 0) * depth)
    assert raw[start:end] == b"7"


@pytest.mark.parametrize("depth", [5_000, 200_000])
def test_nesting_beyond_the_recursion_limit_is_malformed(depth: int) -> None:
    for raw in (b"[" * depth + b"]" * depth, b'{"a":' * depth + b"1" + b"}" * depth):
        with pytest.raises(MalformedRequest):
            Body(raw).span(())
        with pytest.raises(MalformedRequest):
            Body(raw).span(("a", "a"))


def test_a_byte_order_mark_is_malformed() -> None:
    with pytest.raises(MalformedRequest):
        Body(b'\xef\xbb\xbf{"a":1}').span(("a",))


def test_a_scalar_has_nothing_inside() -> None:
    with pytest.raises(MalformedRequest):
        Body(b'{"a":"text"}').span(("a", 0))


def test_offsets_of_adopted_elements_are_the_ones_that_would_be_found() -> None:
    raw = b'{"m": [1 , {"x": [2]},3 ]}'
    body = Body(raw)
    start, end = body.span(("m",))
    body.adopt(start, msgspec.json.decode(raw[start:end], type=list[msgspec.Raw]))
    for path in (("m", 0), ("m", 1, "x", 0), ("m", 2)):
        assert body.span(path) == Body(raw).span(path)

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.wire.folding import Pieces, Template, data_of, index_of, write
from penstock.wire.raw import Raw
from penstock.wire.sse import Event


@pytest.mark.parametrize("data", [b"", b"[DONE]", b"[1]", b"5", b"{", b'{"a":"\xff"}', b"[" * 5000])
def test_data_that_is_no_object_is_none(data: bytes) -> None:
    assert data_of(Event(None, data)) is None


def test_the_object_in_the_data_is_decoded() -> None:
    assert data_of(Event("x", b'{"a": 12345678901234567890123}')) == {"a": 12345678901234567890123}


def test_a_body_is_written_with_integers_of_any_size_and_raw_values_as_they_are() -> None:
    assert write({"a": 1, "r": Raw(b'{"x" : 1e2}')}) == b'{"a":1,"r":{"x" : 1e2}}'
    assert json.loads(write({"a": 2**80, "r": Raw(b'{"x" : 1}')})) == {"a": 2**80, "r": {"x": 1}}


def test_numbers_that_json_has_not_are_written_as_null() -> None:
    assert json.loads(write({"a": math.inf, "b": math.nan})) == {"a": None, "b": None}


@pytest.mark.parametrize("value", [-1, True, 1.0, "0", None, []])
def test_what_is_no_place_in_a_list_is_none(value: object) -> None:
    assert index_of({"index": value}) is None
    assert index_of({}) is None
    assert index_of({"at": 3}, "at") == 3


def test_pieces_are_joined_by_member() -> None:
    pieces = Pieces()
    for name, piece in (("b", "1"), ("a", "x"), ("b", "2"), ("b", None), ("c", 5)):
        pieces.add(name, piece)
    assert (pieces.text("b"), pieces.text("a"), pieces.text("c")) == ("12", "x", None)
    assert pieces.names() == ["b", "a"]


def event(text: str, **more: object) -> bytes:
    return json.dumps({"index": 0, "delta": {"content": text}, **more}).encode()


def taken(template: Template, *data: bytes) -> list[str]:
    """The strings that the template gives for events one by one; shorter where one has to be decoded."""
    found = []
    for one in data:
        text, after = template.run([Event(None, one)])
        if not after:
            break
        found.append(text)
    return found


@given(st.text(), st.lists(st.text(), max_size=4), st.booleans(), st.sampled_from([None, "", "x7Yz"]))
def test_events_like_the_last_one_give_their_texts(
    first: str, later: list[str], ascii_only: bool, padding: str | None
) -> None:
    padded = {} if padding is None else {"obfuscation": padding}
    one, *others = (
        json.dumps({"delta": {"content": text}, "n": None, **padded}, ensure_ascii=ascii_only).encode(
            "utf-8", "surrogatepass"
        )
        for text in (first, *later)
    )
    if padding is not None:
        others = [data.replace(b'"obfuscation": "x7Yz"', b'"obfuscation": "%d"' % at) for at, data in enumerate(others)]
    if data_of(Event(None, one)) is None:
        return
    template = Template()
    template.learn(one, "content", first)
    events = [Event(None, data) for data in others]
    decoded = [data_of(event) for event in events]
    whole = decoded.index(None) if None in decoded else len(decoded)
    expected = [data["delta"]["content"] for data in decoded[:whole] if data is not None]
    assert template.run(events) == ("".join(expected), whole)
    assert taken(template, *others) == expected


@given(st.lists(st.binary(max_size=6), min_size=1, max_size=4))
def test_a_run_of_any_bytes_gives_what_its_events_give_one_by_one(pieces: list[bytes]) -> None:
    template = Template()
    template.learn(event("a"), "content", "a")
    data = [event("@").replace(b"@", piece) for piece in pieces]
    texts = []
    for one in data:
        decoded = data_of(Event(None, one))
        if decoded is None or decoded.get("delta", {}).keys() != {"content"} or decoded.keys() != {"index", "delta"}:
            break
        texts.append(decoded["delta"]["content"])
    text, after = template.run([Event(None, one) for one in data])
    assert (text, after) == ("".join(texts[:after]), after)
    assert after == len(taken(template, *data))


@pytest.mark.parametrize(
    "other",
    [
        event("b", usage=1),
        event("b").replace(b'"index": 0', b'"index": 1'),
        b'{"index": 0, "delta": {"content": "b", "role": "x"}}',
        b'{"index": 0, "delta": {"content": "b", "content": "c"}}',
        b'{"index": 0, "delta": {"content": "b\x01"}}',
        b'{"index": 0, "delta": {"content": "\xff"}}',
        b'{"index": 0, "delta": {"content": "}}',
        b"",
    ],
)
def test_any_other_event_has_to_be_decoded(other: bytes) -> None:
    template = Template()
    template.learn(event("a"), "content", "a")
    events = [Event(None, data) for data in (event("c"), event("d"), other, event("e"))]
    assert template.run(events) == ("cd", 2)
    assert template.run(events, 2) == ("", 2)
    template.forget()
    assert template.run(events) == ("", 0)


def test_padding_that_differs_from_event_to_event_says_nothing() -> None:
    template = Template()
    template.learn(event("a", obfuscation="x1"), "content", "a")
    assert taken(template, event("b", obfuscation="yy2"), event("c", obfuscation="")) == ["b", "c"]
    for other in ("-", '"', "é"):
        assert taken(template, event("b", obfuscation=other)) == []


@pytest.mark.parametrize(
    "data", [b'{"content": "a", "delta": {"content": "a"}}', b'{"content": "b", "delta": {"c\\u006fntent": "a"}}']
)
def test_an_event_whose_text_cannot_be_told_apart_is_no_template(data: bytes) -> None:
    template = Template()
    template.learn(data, "content", "a")
    assert taken(template, data) == []


def test_a_stream_that_varies_elsewhere_is_soon_left_alone() -> None:
    template = Template()
    for number in range(20):
        template.learn(event("a", number=number), "content", "a")
    assert taken(template, event("a", number=19)) == []

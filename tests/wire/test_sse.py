from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.errors import UpstreamProtocolError
from penstock.wire.sse import Event, EventStream


def whole(raw: bytes) -> list[Event]:
    stream = EventStream()
    return [*stream.feed(raw), *stream.close()]


def pieces(raw: bytes, cuts: list[int]) -> list[Event]:
    stream = EventStream()
    events: list[Event] = []
    edges = [0, *sorted(cut % (len(raw) + 1) for cut in cuts), len(raw)]
    for start, end in itertools.pairwise(edges):
        events += stream.feed(raw[start:end])
    return events + stream.close()


def feed_many(stream: EventStream, chunk: bytes) -> None:
    for _ in range(50):
        stream.feed(chunk)


_LINES = st.sampled_from(
    [
        b"data: {}",
        b"data:x",
        b"data",
        b"data:  two spaces",
        "data: é😀".encode(),
        b"event: ping",
        b"event:e",
        b": comment",
        b"id: 7",
        b"retry: 5",
        b"unknown",
        b"",
        b"",
        b"\xff\xfe",
    ]
)
_STREAMS = st.lists(st.tuples(_LINES, st.sampled_from([b"\n", b"\r\n", b"\r"])), max_size=25).map(
    lambda lines: b"".join(line + end for line, end in lines)
)


@settings(max_examples=300)
@given(_STREAMS, st.lists(st.integers(0, 1000), max_size=12))
def test_t29_any_split_of_the_bytes_gives_the_same_events(raw: bytes, cuts: list[int]) -> None:
    assert pieces(raw, cuts) == whole(raw)


@given(_STREAMS)
def test_byte_by_byte_is_the_same_too(raw: bytes) -> None:
    assert pieces(raw, list(range(len(raw)))) == whole(raw)


@given(st.binary(max_size=80), st.lists(st.integers(0, 100), max_size=6))
def test_any_bytes_are_taken(raw: bytes, cuts: list[int]) -> None:
    assert pieces(raw, cuts) == whole(raw)


@given(
    st.lists(
        st.builds(
            Event,
            st.none() | st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).map(str.strip),
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r")).map(str.encode),
        ),
        max_size=5,
    )
)
def test_what_is_encoded_is_read_back(events: list[Event]) -> None:
    named = [event if event.name else Event(None, event.data) for event in events]
    assert whole(b"".join(event.encode() for event in named)) == named


@pytest.mark.parametrize(
    ("raw", "events"),
    [
        (b"event: a\ndata: 1\n\n", [Event("a", b"1")]),
        (b"event: a\r\ndata: 1\r\n\r\n", [Event("a", b"1")]),
        (b"event: a\rdata: 1\r\r", [Event("a", b"1")]),
        (b"data: 1\ndata: 2\n\n", [Event(None, b"1\n2")]),
        (b"data:  1\n\n", [Event(None, b" 1")]),
        (b"data\n\n", [Event(None, b"")]),
        (b"\xef\xbb\xbfdata: 1\n\n", [Event(None, b"1")]),
        (b": keep alive\n\ndata: 1\n\n", [Event(None, b"1")]),
        (b"event: a\n\ndata: 1\n\n", [Event(None, b"1")]),
        (b"event: a\nevent: b\ndata: 1\n\n", [Event("b", b"1")]),
        (b"data: 1", [Event(None, b"1")]),
        (b"data: 1\n", [Event(None, b"1")]),
        (b"event: a\n", []),
        (b"", []),
    ],
)
def test_lines_are_read_as_the_standard_says(raw: bytes, events: list[Event]) -> None:
    assert whole(raw) == events


def test_a_line_feed_after_a_split_carriage_return_ends_no_second_line() -> None:
    stream = EventStream()
    assert stream.feed(b"data: 1\r") == []
    assert stream.feed(b"") == []
    assert stream.feed(b"\n") == []
    assert stream.feed(b"data: 2\r\n\r") == [Event(None, b"1\n2")]
    assert stream.feed(b"\ndata: 3\n\n") == [Event(None, b"3")]


def test_events_come_as_soon_as_their_blank_line_does() -> None:
    stream = EventStream()
    assert stream.feed(b"data: 1\n") == []
    assert stream.feed(b"\ndata: 2") == [Event(None, b"1")]


def test_an_event_beyond_the_limit_is_refused_and_many_small_ones_are_not() -> None:
    stream = EventStream(limit=100)
    for _ in range(50):
        assert len(stream.feed(b"data: 0123456789\n\n")) == 1
    with pytest.raises(UpstreamProtocolError):
        feed_many(stream, b"data: 0123456789")


def test_an_event_of_many_short_lines_is_limited_too() -> None:
    stream = EventStream(limit=100)
    with pytest.raises(UpstreamProtocolError):
        feed_many(stream, b"data: 0123456789\n")


@given(_STREAMS)
def test_events_by_blank_lines_are_those_of_line_by_line(raw: bytes) -> None:
    assert whole(raw.replace(b"\r", b"")) == pieces(raw.replace(b"\r", b""), list(range(len(raw))))

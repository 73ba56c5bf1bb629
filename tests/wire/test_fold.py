from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.wire.answer import read_answer
from penstock.wire.dialect import Dialect
from penstock.wire.fold import Fold, fold_events
from penstock.wire.sse import Event, EventStream
from penstock.wire.stream_out import stream_events
from penstock.wire.usage_of import usage_of
from tests.wire.responses import ANY_BODY, streamed


def state(fold: Fold) -> tuple[Any, ...]:
    return (fold.body(), fold.usage, fold.finish, fold.error, fold.complete, fold.first_content_seen)


@settings(max_examples=150)
@given(ANY_BODY)
def test_a_stream_folds_into_the_body_that_it_was_made_of(drawn: tuple[Dialect, dict[str, Any], int]) -> None:
    dialect, body, words = drawn
    fold = fold_events(dialect, streamed(dialect, body, words))
    assert json.loads(fold.body()) == body
    assert fold.complete
    assert fold.error is None
    assert fold.usage == usage_of(dialect, body)
    assert fold.finish == read_answer(dialect, body).finish


@settings(max_examples=150)
@given(ANY_BODY, st.lists(st.integers(0, 100_000), max_size=10), st.sampled_from([b"\n", b"\r\n", b"\r"]))
def test_t29_any_split_of_the_bytes_folds_to_the_same(
    drawn: tuple[Dialect, dict[str, Any], int], cuts: list[int], end: bytes
) -> None:
    dialect, body, words = drawn
    raw = b": hello\n\n" + b"".join(stream_events(dialect, body, chunk_words=words))
    raw = raw.replace(b"\n", end)
    stream, fold = EventStream(), Fold(dialect)
    edges = [0, *sorted(cut % (len(raw) + 1) for cut in cuts), len(raw)]
    for start, stop in itertools.pairwise(edges):
        for event in stream.feed(raw[start:stop]):
            fold.add(event)
    for event in stream.close():
        fold.add(event)
    assert state(fold) == state(fold_events(dialect, streamed(dialect, body, words)))


@settings(max_examples=150)
@given(ANY_BODY, st.data())
def test_a_cut_stream_keeps_what_had_come_and_is_not_complete(
    drawn: tuple[Dialect, dict[str, Any], int], data: st.DataObject
) -> None:
    dialect, body, words = drawn
    events = streamed(dialect, body, words)
    kept = data.draw(st.integers(0, len(events) - 1))
    fold = fold_events(dialect, events[:kept])
    partial = json.loads(fold.body())
    whole = read_answer(dialect, body)
    assert whole.text.startswith(read_answer(dialect, partial).text)
    if dialect is Dialect.OPENAI_CHAT:
        ended = [choice["finish_reason"] is not None for choice in partial.get("choices", [])]
        assert fold.complete == (bool(ended) and all(ended))
        assert fold.usage is None or kept >= len(events) - 1
    else:
        assert not fold.complete
    if dialect is Dialect.ANTHROPIC_MESSAGES and kept:
        assert fold.usage is not None
        assert fold.usage.input_total == (usage_of(dialect, body) or fold.usage).input_total


@settings(max_examples=100)
@given(ANY_BODY, st.data())
def test_unknown_events_and_broken_data_change_nothing(
    drawn: tuple[Dialect, dict[str, Any], int], data: st.DataObject
) -> None:
    dialect, body, words = drawn
    events = streamed(dialect, body, words)
    noise = st.sampled_from(
        [
            Event("of_the_future", b'{"type":"of_the_future","x":1}'),
            Event("ping", b'{"type":"ping"}'),
            Event(None, b"not json"),
            Event("content_block_delta", b'{"type":"content_block_delta","index":99,"delta":{"type":"text_delta"}}'),
            Event(None, b"[1,2]"),
            Event(None, b'"text"'),
            Event(None, b'{"choices":5}'),
            Event(None, b"\xff"),
            Event("response.of_the_future.delta", b'{"type":"response.of_the_future.delta","output_index":0}'),
            Event(None, b"[" * 5000),
        ]
    )
    mixed = list(events)
    for extra in data.draw(st.lists(noise, max_size=4)):
        mixed.insert(data.draw(st.integers(1, len(mixed))), extra)
    assert fold_events(dialect, mixed).body() == fold_events(dialect, events).body()


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "type",
                    "index",
                    "delta",
                    "choices",
                    "message",
                    "usage",
                    "content_block",
                    "response",
                    "item",
                    "output_index",
                    "error",
                    "tool_calls",
                    "function",
                    "content",
                    "part",
                    "finish_reason",
                ]
            ),
            inner,
        )
    ),
    max_leaves=12,
)
_TYPES = [
    "message_start",
    "content_block_start",
    "content_block_delta",
    "message_delta",
    "message_stop",
    "error",
    "response.created",
    "response.output_item.added",
    "response.content_part.added",
    "response.output_text.delta",
    "response.completed",
    "response.failed",
]


@settings(max_examples=80)
@given(
    st.sampled_from(list(Dialect)),
    st.lists(st.tuples(st.sampled_from(_TYPES), st.dictionaries(st.text(max_size=2), _JSON) | _JSON), max_size=6),
)
def test_no_event_can_crash_a_fold(dialect: Dialect, drawn: list[tuple[str, Any]]) -> None:
    fold = Fold(dialect)
    for name, data in drawn:
        body = {**data, "type": name} if isinstance(data, dict) else data
        fold.add(Event(name, json.dumps(body).encode()))
        json.loads(fold.body())
        state(fold)


@pytest.mark.parametrize("dialect", list(Dialect))
def test_an_empty_fold_knows_nothing(dialect: Dialect) -> None:
    assert state(Fold(dialect)) == (b"{}", None, None, None, False, False)

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.wire.dialect import Dialect
from penstock.wire.sse import EventStream
from penstock.wire.stream_out import fragments, stream_events
from tests.wire.responses import BODIES, streamed

A, C = Dialect.ANTHROPIC_MESSAGES, Dialect.OPENAI_CHAT


def datas(dialect: Dialect, body: dict[str, Any]) -> list[Any]:
    return [json.loads(event.data) for event in streamed(dialect, body) if event.data != b"[DONE]"]


@settings(max_examples=100)
@given(BODIES[A])
def test_an_anthropic_stream_has_the_documented_order(body: dict[str, Any]) -> None:
    events = streamed(A, body)
    kinds = [json.loads(event.data)["type"] for event in events]
    assert [event.name for event in events] == kinds
    assert kinds[0] == "message_start"
    assert kinds[-2:] == ["message_delta", "message_stop"]
    start = json.loads(events[0].data)["message"]
    assert (start["content"], start["stop_reason"], start["usage"]["output_tokens"]) == ([], None, 1)
    assert "cache_creation" not in json.loads(events[-2].data)["usage"]
    blocks = [data for data in datas(A, body) if data["type"].startswith("content_block")]
    assert [data["index"] for data in blocks] == sorted(data["index"] for data in blocks)
    for index, block in enumerate(body["content"]):
        own = [data for data in blocks if data["index"] == index]
        assert (own[0]["type"], own[-1]["type"]) == ("content_block_start", "content_block_stop")
        deltas = [data["delta"]["type"] for data in own[1:-1]]
        if block["type"] == "thinking":
            assert deltas.count("signature_delta") == 1
            assert deltas[-1] == "signature_delta"
        if block["type"] == "tool_use":
            assert own[1]["delta"]["partial_json"] == ""


@settings(max_examples=100)
@given(BODIES[C], st.booleans())
def test_a_chat_stream_has_the_documented_order(body: dict[str, Any], include_usage: bool) -> None:
    stream = EventStream()
    events = stream.feed(b"".join(stream_events(C, body, include_usage=include_usage)))
    assert all(event.name is None for event in events)
    assert events[-1].data == b"[DONE]"
    chunks = [json.loads(event.data) for event in events[:-1]]
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    if include_usage:
        assert chunks[-1]["choices"] == []
        assert chunks[-1]["usage"] == body["usage"]
        assert all(chunk["usage"] is None for chunk in chunks[:-1])
    else:
        assert all("usage" not in chunk and chunk["choices"] for chunk in chunks)
    assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
    for chunk in chunks:
        for choice in chunk["choices"]:
            assert (choice["finish_reason"] is None) == bool(choice["delta"])


def test_words_go_out_a_few_at_a_time() -> None:
    body = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "one two three four five"}}]}
    pieces = [data["choices"][0]["delta"].get("content") for data in datas(C, body)]
    assert [piece for piece in pieces if piece] == ["one two ", "three four ", "five"]


def test_fragments_join_to_the_text() -> None:
    text = json.dumps({"key": "value " * 20})
    assert "".join(fragments(text)) == text
    assert len(fragments(text)) > 1
    assert fragments("") == []


def test_a_body_without_usage_streams_none() -> None:
    events = datas(A, {"id": "msg_1", "content": [], "stop_reason": "end_turn"})
    assert "usage" not in events[0]["message"]
    assert "usage" not in events[-2]

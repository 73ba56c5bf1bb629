from __future__ import annotations

import json
from typing import Any

from penstock.wire.dialect import Dialect
from penstock.wire.errors import ProviderError
from penstock.wire.fold import Fold
from penstock.wire.sse import Event
from penstock.wire.usage import Usage

_USAGE = {
    "input_tokens": 10,
    "cache_creation_input_tokens": 300,
    "cache_read_input_tokens": 0,
    "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200},
    "output_tokens": 1,
}


def fold(*events: dict[str, Any]) -> Fold:
    made = Fold(Dialect.ANTHROPIC_MESSAGES)
    start = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [], "usage": _USAGE}
    for data in ({"type": "message_start", "message": {**start, "stop_reason": None}}, *events):
        made.add(Event(data["type"], json.dumps(data).encode()))
    return made


def block(index: int, start: dict[str, Any], *deltas: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"type": "content_block_start", "index": index, "content_block": start},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def content(made: Fold) -> Any:
    return json.loads(made.body())["content"]


def test_counters_of_the_last_delta_overwrite_those_of_the_start_but_not_the_split() -> None:
    usage = {
        "input_tokens": 12,
        "cache_creation_input_tokens": None,
        "cache_creation": {"ephemeral_5m_input_tokens": 300, "ephemeral_1h_input_tokens": 0},
        "cache_read_input_tokens": 50,
        "output_tokens": 90,
    }
    made = fold(
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage}, {"type": "message_stop"}
    )
    assert made.usage == Usage(
        input_uncached=12, cache_read=50, cache_write_5m=100, cache_write_1h=200, output=90, cache_write_reported=True
    )
    assert (made.finish, made.complete, made.error) == ("stop", True, None)


def test_a_delta_without_usage_keeps_what_the_start_said() -> None:
    made = fold({"type": "message_delta", "delta": {"stop_reason": "max_tokens", "stop_sequence": None}})
    assert made.usage is not None
    assert (made.usage.input_total, made.usage.output, made.finish, made.complete) == (310, 1, "length", False)


def test_tool_input_is_joined_from_fragments_and_kept_as_it_was_written() -> None:
    pieces = ["", '{"a": 1', "e2, ", '"big":123456789012345678901234567890}']
    deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
    made = fold(*block(0, {"type": "tool_use", "id": "t", "name": "f", "input": {}}, *deltas))
    assert b'"input":{"a": 1e2, "big":123456789012345678901234567890}' in made.body()


def test_tool_input_that_was_cut_stays_as_it_started() -> None:
    delta = {"type": "input_json_delta", "partial_json": '{"a": '}
    made = fold(*block(0, {"type": "tool_use", "id": "t", "name": "f", "input": {}}, delta)[:-1])
    assert content(made) == [{"type": "tool_use", "id": "t", "name": "f", "input": {}}]
    assert made.first_content_seen


def test_thinking_has_its_signature_and_text_its_citations() -> None:
    made = fold(
        *block(
            0,
            {"type": "thinking", "thinking": "", "signature": ""},
            {"type": "thinking_delta", "thinking": "hm"},
            {"type": "signature_delta", "signature": "sig"},
        ),
        *block(
            1,
            {"type": "text", "text": "", "citations": []},
            {"type": "text_delta", "text": "a"},
            {"type": "citations_delta", "citation": {"cited_text": "x"}},
            {"type": "text_delta", "text": "b"},
            {"type": "of_the_future", "x": 1},
        ),
    )
    assert content(made) == [
        {"type": "thinking", "thinking": "hm", "signature": "sig"},
        {"type": "text", "text": "ab", "citations": [{"cited_text": "x"}]},
    ]


def test_an_error_event_is_kept_and_the_answer_is_not_complete() -> None:
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    made = fold(*block(0, {"type": "text", "text": ""}, {"type": "text_delta", "text": "half"}), error)
    assert made.error == ProviderError(kind="overloaded_error", message="Overloaded")
    assert not made.complete
    assert content(made) == [{"type": "text", "text": "half"}]
    assert made.usage is not None


def test_a_stream_of_nothing_but_an_error_has_that_error() -> None:
    made = Fold(Dialect.ANTHROPIC_MESSAGES)
    made.add(Event("error", b'{"type":"error"}'))
    assert (made.error, made.body()) == (ProviderError(kind="", message=""), b"{}")


def test_members_beside_the_delta_belong_to_the_message() -> None:
    made = fold({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "context_management": {"edits": []}})
    assert json.loads(made.body())["context_management"] == {"edits": []}

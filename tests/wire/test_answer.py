from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.wire.answer import Answer, ToolCall, finish_of, read_answer, responses_finish
from penstock.wire.dialect import Dialect

A, C, R = Dialect.ANTHROPIC_MESSAGES, Dialect.OPENAI_CHAT, Dialect.OPENAI_RESPONSES


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_use"),
        ("pause_turn", "pause"),
        ("refusal", "refusal"),
        ("compaction", "pause"),
        ("stop", "stop"),
        ("length", "length"),
        ("tool_calls", "tool_use"),
        ("function_call", "tool_use"),
        ("content_filter", "refusal"),
        ("of_the_future", "other"),
        (None, None),
    ],
)
def test_every_documented_reason_has_its_meaning(reason: str | None, finish: str | None) -> None:
    assert finish_of(reason) == finish


def test_an_anthropic_answer() -> None:
    body = {
        "id": "msg_1",
        "model": "m",
        "content": [
            {"type": "thinking", "thinking": "hidden"},
            {"type": "text", "text": "Hello "},
            {"type": "text", "text": "there"},
            {"type": "tool_use", "id": "t", "name": "f", "input": {"a": [1, "é"]}},
        ],
        "stop_reason": "tool_use",
    }
    assert read_answer(A, body) == Answer(
        text="Hello there",
        tool_calls=(ToolCall("t", "f", '{"a":[1,"é"]}'),),
        finish="tool_use",
        model="m",
        response_id="msg_1",
    )


def test_a_chat_answer_is_its_first_choice() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
    body = {
        "id": "chatcmpl-1",
        "model": "m",
        "choices": [
            {"message": {"content": None, "tool_calls": [call]}, "finish_reason": "tool_calls"},
            {"message": {"content": "other"}, "finish_reason": "stop"},
        ],
    }
    assert read_answer(C, body) == Answer(
        text="", tool_calls=(ToolCall("c", "f", '{"a": 1}'),), finish="tool_use", model="m", response_id="chatcmpl-1"
    )
    old = {
        "message": {"content": "", "function_call": {"name": "g", "arguments": ""}},
        "finish_reason": "function_call",
    }
    assert read_answer(C, {"choices": [old]}).tool_calls == (ToolCall("", "g", ""),)


def test_a_responses_answer() -> None:
    body = {
        "id": "resp_1",
        "model": "m",
        "status": "completed",
        "output": [
            {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "hidden"}]},
            {
                "type": "message",
                "content": [{"type": "output_text", "text": "a"}, {"type": "output_text", "text": "b"}],
            },
        ],
    }
    assert read_answer(R, body) == Answer(text="ab", finish="stop", model="m", response_id="resp_1")
    call = {"type": "function_call", "id": "fc", "call_id": "c", "name": "f", "arguments": "{}"}
    called = read_answer(R, {"status": "completed", "output": [call]})
    assert (called.tool_calls, called.finish) == ((ToolCall("c", "f", "{}"),), "tool_use")


@pytest.mark.parametrize(
    ("dialect", "body"),
    [
        (A, {"stop_reason": "max_tokens", "content": []}),
        (A, {"stop_reason": "model_context_window_exceeded"}),
        (C, {"choices": [{"message": {"content": "x"}, "finish_reason": "length"}]}),
        (R, {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}, "output": []}),
    ],
)
def test_t27_an_answer_that_was_cut_says_so(dialect: Dialect, body: dict[str, Any]) -> None:
    answer = read_answer(dialect, body)
    assert (answer.truncated, answer.finish, answer.refused) == (True, "length", False)


@pytest.mark.parametrize(
    ("dialect", "body"),
    [
        (A, {"stop_reason": "refusal"}),
        (C, {"choices": [{"message": {"content": None}, "finish_reason": "content_filter"}]}),
        (C, {"choices": [{"message": {"content": None, "refusal": "no"}, "finish_reason": "stop"}]}),
        (R, {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}),
        (
            R,
            {"status": "completed", "output": [{"type": "message", "content": [{"type": "refusal", "refusal": "no"}]}]},
        ),
    ],
)
def test_an_answer_that_was_declined_says_so(dialect: Dialect, body: dict[str, Any]) -> None:
    answer = read_answer(dialect, body)
    assert (answer.refused, answer.truncated) == (True, False)


@pytest.mark.parametrize(
    ("body", "finish"),
    [
        ({"status": "in_progress"}, None),
        ({"status": "queued"}, None),
        ({}, None),
        ({"status": "failed"}, "other"),
        ({"status": "cancelled"}, "other"),
        ({"status": "incomplete"}, "other"),
        ({"status": "incomplete", "incomplete_details": {"reason": "steered"}}, "other"),
        ({"status": "completed"}, "stop"),
    ],
)
def test_a_response_finishes_by_its_status(body: dict[str, Any], finish: str | None) -> None:
    assert responses_finish(body, called=False) == finish


def test_tool_input_that_no_encoder_takes_is_still_text() -> None:
    body = {"content": [{"type": "tool_use", "id": "t", "name": "f", "input": {"half": "\ud800"}}]}
    assert read_answer(A, body).tool_calls == (ToolCall("t", "f", '{"half": "\\ud800"}'),)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["content", "type", "text", "choices", "message", "output", "tool_calls", "function", "status"]
            ),
            inner,
        )
    ),
    max_leaves=10,
)


@given(st.sampled_from(list(Dialect)), _JSON)
def test_any_body_gives_an_answer(dialect: Dialect, body: Any) -> None:
    raw = json.dumps(body).encode()
    answer = read_answer(dialect, raw)
    assert answer.finish in {"stop", "length", "tool_use", "refusal", "pause", "other"}
    if isinstance(body, dict):
        assert read_answer(dialect, body) == answer


@given(st.binary(max_size=30))
def test_any_bytes_give_an_answer(raw: bytes) -> None:
    assert read_answer(Dialect.OPENAI_CHAT, raw).finish == "other"

from __future__ import annotations

import json
from typing import Any

from penstock.wire.dialect import Dialect
from penstock.wire.errors import ProviderError
from penstock.wire.fold import Fold
from penstock.wire.sse import Event

_HEAD = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}


def fold(*chunks: dict[str, Any] | bytes) -> Fold:
    made = Fold(Dialect.OPENAI_CHAT)
    for chunk in chunks:
        made.add(Event(None, chunk if isinstance(chunk, bytes) else json.dumps({**_HEAD, **chunk}).encode()))
    return made


def delta(index: int = 0, finish: str | None = None, **members: Any) -> dict[str, Any]:
    return {"choices": [{"index": index, "delta": members, "finish_reason": finish}], "usage": None}


def message(made: Fold) -> Any:
    return json.loads(made.body())["choices"][0]["message"]


def test_strings_are_joined_and_the_head_is_that_of_a_completion() -> None:
    made = fold(
        {**delta(role="assistant", content="", refusal=None), "obfuscation": "xx"},
        delta(content="He"),
        delta(content="llo"),
        delta(finish="stop"),
        {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}},
        b"[DONE]",
    )
    assert json.loads(made.body()) == {
        **_HEAD,
        "object": "chat.completion",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "Hello", "refusal": None}, "finish_reason": "stop"}
        ],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
    }
    assert made.usage is not None
    assert (made.usage.input_total, made.finish, made.complete) == (3, "stop", True)


def test_tool_calls_grow_by_their_index() -> None:
    def call(index: int, **members: Any) -> dict[str, Any]:
        return delta(tool_calls=[{"index": index, **members}])

    made = fold(
        delta(role="assistant", content=None),
        call(0, id="a", type="function", function={"name": "f", "arguments": ""}),
        call(0, function={"arguments": '{"x"'}),
        call(1, id="b", type="function", function={"name": "g", "arguments": "{}"}),
        call(0, function={"arguments": ":1}"}),
        delta(finish="tool_calls"),
    )
    assert message(made) == {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x":1}'}},
            {"id": "b", "type": "function", "function": {"name": "g", "arguments": "{}"}},
        ],
    }
    assert made.finish == "tool_use"


def test_a_repeated_id_is_not_appended_to_itself() -> None:
    fragment = {"index": 0, "id": "a", "type": "function", "function": {"arguments": "x"}}
    made = fold(delta(tool_calls=[fragment]), delta(tool_calls=[fragment]))
    assert message(made)["tool_calls"] == [{"id": "a", "type": "function", "function": {"arguments": "xx"}}]


def test_the_old_function_call_grows_too() -> None:
    made = fold(delta(function_call={"name": "f", "arguments": ""}), delta(function_call={"arguments": "{}"}))
    assert message(made) == {"function_call": {"name": "f", "arguments": "{}"}}


def test_log_probabilities_are_joined() -> None:
    def with_logprobs(token: str) -> dict[str, Any]:
        return {"choices": [{"index": 0, "delta": {"content": token}, "logprobs": {"content": [{"token": token}]}}]}

    made = fold(with_logprobs("a"), with_logprobs("b"))
    assert json.loads(made.body())["choices"][0]["logprobs"] == {"content": [{"token": "a"}, {"token": "b"}]}


def test_without_include_usage_the_usage_is_unknown() -> None:
    made = fold(delta(content="a"), delta(finish="stop"), b"[DONE]")
    assert made.usage is None
    assert "usage" not in json.loads(made.body())
    assert made.complete


def test_the_answer_is_complete_without_done_once_every_choice_has_finished() -> None:
    assert not fold(delta(content="a")).complete
    assert not fold(delta(0, content="a"), delta(1, content="b"), delta(0, finish="stop")).complete
    assert fold(delta(0, content="a"), delta(1, content="b"), delta(0, finish="stop"), delta(1, finish="stop")).complete


def test_an_error_object_in_the_stream_is_kept() -> None:
    made = fold(delta(content="a"), b'{"error":{"message":"slow down","type":"server_error","code":"x","param":null}}')
    assert made.error == ProviderError(kind="server_error", message="slow down", code="x")
    assert not made.complete
    assert fold(b'{"error":true}').error == ProviderError(kind="", message="")
    assert fold({**delta(content="a"), "error": None}).error is None


def test_content_begins_with_the_first_delta_that_says_something() -> None:
    assert not fold(delta(role="assistant", content="", refusal=None)).first_content_seen
    assert fold(delta(content="a")).first_content_seen
    assert fold(delta(tool_calls=[{"index": 0}])).first_content_seen


def test_the_tier_of_a_later_chunk_counts() -> None:
    made = fold({**delta(content="a"), "service_tier": None}, {**delta(finish="stop"), "service_tier": "flex"})
    assert json.loads(made.body())["service_tier"] == "flex"

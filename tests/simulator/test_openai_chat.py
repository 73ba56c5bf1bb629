from __future__ import annotations

from typing import Any

import pytest

from penstock.simulator.config import Config
from penstock.simulator.provider import Provider
from penstock.simulator.reply import Reply, ToolCall
from penstock.simulator.responders import Scripted
from tests.simulator.asking import chat, message, read, send

PATH = "/v1/chat/completions"
CALLS = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}],
}
RESULT = {"role": "tool", "tool_call_id": "c1", "content": "rain"}
USER = {"role": "user", "content": "Go"}

REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("empty array", {"messages": []}),
    ("messages[0].role", {"messages": [{"role": "robot", "content": "x"}]}),
    ("at the same time", {"max_tokens": 5, "max_completion_tokens": 5}),
    ("too large", {"max_tokens": 9_999_999}),
    ("below minimum", {"max_completion_tokens": 0}),
    ("expected an integer", {"max_tokens": 1.5}),
    ("only allowed when 'stream' is enabled", {"stream_options": {"include_usage": True}}),
    ("Invalid 'n'", {"n": 0}),
    ("must contain the word 'json'", {"response_format": {"type": "json_object"}}),
    ("did not have response messages: c1", {"messages": [USER, CALLS, USER]}),
    ("did not have response messages: c1", {"messages": [USER, CALLS]}),
    ("must be a response to a preceding message", {"messages": [USER, RESULT]}),
    ("must be a response to a preceding message", {"messages": [USER, CALLS, RESULT, RESULT]}),
]


@pytest.mark.parametrize(("text", "fields"), REFUSED, ids=[f"{n}" for n in range(len(REFUSED))])
def test_what_chat_does_not_take_is_a_400_that_says_why(provider: Provider, text: str, fields: dict[str, Any]) -> None:
    response = send(provider, PATH, chat(**fields))
    assert response.status == 400
    assert text in message(response)
    assert set(read(response)["error"]) == {"message", "type", "param", "code"}


def test_t21_a_tool_call_with_all_its_results_is_accepted(provider: Provider) -> None:
    assert send(provider, PATH, chat(messages=[USER, CALLS, RESULT, USER])).status == 200


def test_a_body_has_the_documented_members() -> None:
    provider = Provider(Config(responder=Scripted(["Fine."])))
    body = read(send(provider, PATH, chat()))
    (choice,) = body["choices"]
    assert choice["message"] == {"role": "assistant", "content": "Fine.", "refusal": None, "annotations": []}
    assert (choice["index"], choice["finish_reason"], choice["logprobs"]) == (0, "stop", None)
    assert body["object"] == "chat.completion"
    assert body["usage"]["total_tokens"] == body["usage"]["prompt_tokens"] + body["usage"]["completion_tokens"]


def test_t17_older_models_do_not_report_cache_writes_and_newer_ones_do(provider: Provider) -> None:
    old = read(send(provider, PATH, chat()))["usage"]["prompt_tokens_details"]
    new = read(send(provider, PATH, chat(model="gpt-5.6-luna")))["usage"]["prompt_tokens_details"]
    assert "cache_write_tokens" not in old
    assert new["cache_write_tokens"] == 0


def test_tool_calls_refusals_and_cuts_have_their_finish_reasons() -> None:
    replies = [
        Reply(tool_calls=(ToolCall("weather", "{}"),)),
        Reply(text="I cannot.", refused=True),
        Reply(text="a long answer " * 50),
    ]
    provider = Provider(Config(responder=Scripted(replies)))
    called, refused, cut = (read(send(provider, PATH, chat(max_tokens=40)))["choices"][0] for _ in replies)
    assert (called["finish_reason"], called["message"]["content"]) == ("tool_calls", None)
    assert (refused["message"]["content"], refused["message"]["refusal"]) == (None, "I cannot.")
    assert cut["finish_reason"] == "length"

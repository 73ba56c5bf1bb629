from __future__ import annotations

from typing import Any

import pytest

from penstock.simulator.config import Config
from penstock.simulator.provider import Provider
from penstock.simulator.reply import Reply, ToolCall
from penstock.simulator.responders import Scripted
from tests.simulator.asking import message, read, responses, send

PATH = "/v1/responses"
USER = {"role": "user", "content": "Go"}
CALL = {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "c1", "output": "rain"}

REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("'input'", {"input": None}),
    ("below minimum value", {"max_output_tokens": 15}),
    ("too large", {"max_output_tokens": 9_999_999}),
    ("No tool output found for function call c1", {"input": [USER, CALL, USER]}),
    ("No tool call found", {"input": [USER, OUTPUT]}),
    ("the word 'json'", {"input": [USER], "text": {"format": {"type": "json_object"}}}),
    ("not found", {"previous_response_id": "resp_none"}),
]


@pytest.mark.parametrize(("text", "fields"), REFUSED, ids=[f"{n}" for n in range(len(REFUSED))])
def test_what_responses_do_not_take_is_a_400_that_says_why(
    provider: Provider, text: str, fields: dict[str, Any]
) -> None:
    response = send(provider, PATH, responses(**fields))
    assert response.status == 400
    assert text in message(response)


def test_t21_a_function_call_with_its_output_is_accepted(provider: Provider) -> None:
    assert send(provider, PATH, responses(input=[USER, CALL, OUTPUT])).status == 200


def test_a_body_has_the_documented_members() -> None:
    reply = Reply(text="Fine.", tool_calls=(ToolCall("weather", '{"city":"Ulm"}'),), reasoning_tokens=9)
    body = read(send(Provider(Config(responder=Scripted([reply]))), PATH, responses(instructions="Be brief")))
    assert [item["type"] for item in body["output"]] == ["reasoning", "message", "function_call"]
    assert body["output"][1]["content"][0]["text"] == "Fine."
    assert body["output"][2]["arguments"] == '{"city":"Ulm"}'
    assert (body["status"], body["incomplete_details"], body["error"]) == ("completed", None, None)
    assert body["instructions"] == "Be brief"
    assert body["prompt_cache_options"] == {"mode": "implicit", "ttl": "30m", "comparison_response_id": None}
    assert body["usage"]["output_tokens_details"]["reasoning_tokens"] == 9


def test_older_models_know_no_cache_options(provider: Provider) -> None:
    assert "prompt_cache_options" not in read(send(provider, PATH, responses(model="gpt-5")))
    asked = send(provider, PATH, responses(model="gpt-5", prompt_cache_options={"mode": "explicit"}))
    assert asked.status == 400


def test_a_pre_warm_writes_and_generates_nothing() -> None:
    provider = Provider(Config(responder=Scripted(["never said"])))
    text = "word " * 2000
    warm = read(send(provider, PATH, responses(text, prompt_cache_options={"prewarm": True})))
    assert warm["output"] == []
    assert warm["usage"]["output_tokens"] == 0
    assert warm["usage"]["input_tokens_details"]["cache_write_tokens"] > 1024
    again = read(send(provider, PATH, responses(text)))
    assert again["usage"]["input_tokens_details"]["cached_tokens"] > 1024


def test_a_refusal_is_a_part_of_its_own() -> None:
    provider = Provider(Config(responder=Scripted([Reply(text="I cannot.", refused=True)])))
    item = read(send(provider, PATH, responses(reasoning={"effort": "none"})))["output"][0]
    assert item["content"] == [{"type": "refusal", "refusal": "I cannot."}]

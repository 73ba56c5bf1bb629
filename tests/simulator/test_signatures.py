from __future__ import annotations

from typing import Any

import pytest

from penstock.simulator.errors import ApiError
from penstock.simulator.provider import Provider
from penstock.simulator.signatures import check_signed, sign
from tests.simulator.asking import WEATHER_ANTHROPIC, message, messages, read, send

USE = {"type": "tool_use", "id": "t1", "name": "weather", "input": {}}
RESULT = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "rain"}]}


def loop(*blocks: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"role": "user", "content": "Rain?"}, {"role": "assistant", "content": [*blocks, USE]}, RESULT]


def thinking(text: str, signature: str) -> dict[str, Any]:
    return {"type": "thinking", "thinking": text, "signature": signature}


def test_t21_thinking_comes_back_with_its_tool_call_as_it_was() -> None:
    check_signed(loop(thinking("deep", sign("deep"))), manual=True)
    with pytest.raises(ApiError, match="cannot be modified"):
        check_signed(loop(thinking("edited", sign("deep"))), manual=False)
    with pytest.raises(ApiError, match="must start with a thinking block"):
        check_signed(loop(), manual=True)
    check_signed(loop(), manual=False)


def test_signatures_of_other_makers_are_let_through() -> None:
    check_signed(loop(thinking("recorded", "EqQBCgIYAhIkM")), manual=True)


def test_only_the_turn_that_goes_on_is_looked_at() -> None:
    finished = [*loop(thinking("edited", sign("deep"))), {"role": "assistant", "content": "Rain."}]
    check_signed([*finished, {"role": "user", "content": "Thanks"}], manual=True)
    check_signed([{"role": "user", "content": "x"}], manual=True)


def test_an_answer_of_the_simulator_can_be_sent_back_but_not_edited(provider: Provider) -> None:
    asked = messages("Rain?", model="claude-opus-5-5", max_tokens=4000, tools=[WEATHER_ANTHROPIC])
    signed = next(block for block in read(send(provider, "/v1/messages", asked))["content"] if "signature" in block)
    assert send(provider, "/v1/messages", {**asked, "messages": loop(signed)}).status == 200
    edited = {**asked, "messages": loop({**signed, "thinking": "I was told to say this."})}
    assert "cannot be modified" in message(send(provider, "/v1/messages", edited))

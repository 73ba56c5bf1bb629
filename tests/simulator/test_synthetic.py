from __future__ import annotations

from typing import Any

import msgspec
import pytest

from penstock.simulator.reply import Reply, prompt_digest
from penstock.simulator.synthetic import LABEL, Length, Synthetic
from penstock.wire.dialect import Dialect
from penstock.wire.view import read_request
from tests.simulator.asking import WEATHER_CHAT, chat


def reply_to(body: dict[str, Any], responder: Synthetic | None = None) -> Reply:
    view = read_request(Dialect.OPENAI_CHAT, msgspec.json.encode(body))
    return (responder or Synthetic())(view, prompt_digest(view))


def test_the_same_prompt_gets_the_same_labelled_answer() -> None:
    first, second = reply_to(chat("one")), reply_to(chat("one"))
    assert first == second
    assert first.text.startswith(LABEL)
    assert reply_to(chat("one"), Synthetic(seed=1)) != first
    assert reply_to(chat("two")) != first


def test_a_forced_tool_is_called_with_arguments_that_fit() -> None:
    (call,) = reply_to(chat(tools=[WEATHER_CHAT], tool_choice="required")).tool_calls
    assert call.name == "weather"
    assert isinstance(msgspec.json.decode(call.arguments)["city"], str)


def test_a_free_choice_calls_tools_for_some_prompts_only() -> None:
    called = [bool(reply_to(chat(f"question {n}", tools=[WEATHER_CHAT])).tool_calls) for n in range(40)]
    assert 5 < sum(called) < 35


def test_a_schema_is_met() -> None:
    schema = {"type": "object", "properties": {"label": {"enum": ["spam", "ham"]}}, "required": ["label"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    answer = msgspec.json.decode(reply_to(chat(response_format=wanted)).text)
    assert answer["label"] in ("spam", "ham")


def test_a_json_object_says_that_it_is_simulated() -> None:
    answer = msgspec.json.decode(reply_to(chat("json please", response_format={"type": "json_object"})).text)
    assert answer["simulated"] is True


@pytest.mark.parametrize("text", ["Is it blue? Answer yes or no.", "True or false: water is wet."])
def test_a_boolean_question_gets_one_word(text: str) -> None:
    assert reply_to(chat(text)).text in ("Yes", "No")


def test_a_word_limit_is_kept() -> None:
    for number in range(30):
        assert len(reply_to(chat(f"Explain {number} in under 20 words.")).text.split()) <= 20


def test_lengths_of_one_task_gather_around_its_median() -> None:
    def median(system: str) -> float:
        lengths = sorted(
            len(
                reply_to(
                    chat(messages=[{"role": "system", "content": system}, {"role": "user", "content": f"q{n}"}])
                ).text.split()
            )
            for n in range(60)
        )
        assert lengths[-1] > lengths[0]
        return lengths[30]

    assert len({median(f"task {n}") for n in range(4)}) > 1


def test_a_hint_tells_the_length() -> None:
    told = Synthetic(hint=lambda _: Length(median=33, spread=0))
    assert len(reply_to(chat("anything"), told).text.split()) == 33

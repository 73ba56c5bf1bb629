from __future__ import annotations

from typing import Any

import pytest

from penstock.simulator.provider import Provider
from tests.simulator.asking import WEATHER_ANTHROPIC, messages, read, responses, send

SYSTEM = "word " * 600
FIRST = messages("one", system=SYSTEM, tools=[WEATHER_ANTHROPIC], diagnostics={"previous_message_id": None})


def diagnosed(provider: Provider, **changes: Any) -> Any:
    previous = read(send(provider, "/v1/messages", FIRST))
    assert previous["diagnostics"] is None
    asked = {**FIRST, "diagnostics": {"previous_message_id": previous["id"]}, **changes}
    return read(send(provider, "/v1/messages", asked))["diagnostics"]


def test_a_conversation_that_only_grew_has_no_diagnosis(provider: Provider) -> None:
    more = [*FIRST["messages"], {"role": "assistant", "content": "ok"}, {"role": "user", "content": "two"}]
    assert diagnosed(provider, messages=more) is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"model": "claude-haiku-5-5"}, "model_changed"),
        ({"tools": [{**WEATHER_ANTHROPIC, "name": "other"}]}, "tools_changed"),
        ({"tools": []}, "tools_changed"),
        ({"system": "other " * 600}, "system_changed"),
        ({"messages": [{"role": "user", "content": "edited"}]}, "messages_changed"),
    ],
)
def test_the_first_part_that_differs_is_named_with_what_it_cost(
    provider: Provider, changes: dict[str, Any], reason: str
) -> None:
    found = diagnosed(provider, **changes)["cache_miss_reason"]
    assert found["type"] == reason
    assert found["cache_missed_input_tokens"] > 0


def test_an_unknown_message_is_not_found(provider: Provider) -> None:
    body = {**FIRST, "diagnostics": {"previous_message_id": "msg_none"}}
    found = read(send(provider, "/v1/messages", body))["diagnostics"]
    assert found == {"cache_miss_reason": {"type": "previous_message_not_found"}}


def test_responses_compare_with_an_earlier_response(provider: Provider) -> None:
    text = "word " * 1500
    first = read(send(provider, "/v1/responses", responses(text)))

    def compared(name: str, given: str) -> Any:
        body = responses(given, prompt_cache_options={"comparison_response_id": name})
        return read(send(provider, "/v1/responses", body))["prompt_cache_diagnostics"]

    assert first["prompt_cache_diagnostics"] is None
    assert compared(first["id"], text) == {"type": "cache_hit"}
    missed = compared(first["id"], "other " * 1500)
    assert (missed["type"], missed["reason"]) == ("cache_miss", "input_changed")
    assert missed["cache_missed_tokens"] > 1000
    assert compared("resp_none", text) == {"type": "comparison_response_not_found"}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"prompt_cache_key": "k"}, "prompt_cache_key_changed"),
        ({"reasoning": {"effort": "high"}}, "reasoning_effort_changed"),
        ({"text": {"verbosity": "low"}}, "verbosity_changed"),
        ({"service_tier": "flex"}, "service_tier_changed"),
        ({"model": "gpt-6-sol", "service_tier": "flex"}, "model_changed"),
    ],
)
def test_responses_name_the_setting_that_changed(provider: Provider, changes: dict[str, Any], reason: str) -> None:
    text = "word " * 1500
    first = read(send(provider, "/v1/responses", responses(text)))
    body = responses(text, prompt_cache_options={"comparison_response_id": first["id"]}, **changes)
    found = read(send(provider, "/v1/responses", body))["prompt_cache_diagnostics"]
    assert (found["type"], found["reason"]) == ("cache_miss", reason)
    assert found["comparison_reusable_tokens"] == 0

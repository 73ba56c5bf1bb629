from __future__ import annotations

from typing import Any

import pytest

from penstock.simulator.provider import Provider
from tests.simulator.asking import WEATHER_ANTHROPIC, kind, message, messages, read, send

STRICT = {"anthropic-version": "2026-10-21"}
PREFILL = [{"role": "user", "content": "Go"}, {"role": "assistant", "content": "Well"}]
USE = {"type": "tool_use", "id": "t1", "name": "weather", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "t1", "content": "rain"}
ENABLED = {"type": "enabled", "budget_tokens": 1024}


def turns(*contents: Any) -> list[dict[str, Any]]:
    """Messages of alternating roles, the user's first."""
    return [{"role": ("user", "assistant")[n % 2], "content": each} for n, each in enumerate(contents)]


REFUSED: list[tuple[str, dict[str, Any], dict[str, str]]] = [
    ("max_tokens: Field required", {"max_tokens": None}, {}),
    ("max_tokens: Input should be a valid integer", {"max_tokens": "9"}, {}),
    ("maximum allowed number of output tokens", {"max_tokens": 9_999_999}, {}),
    ("greater than or equal to 0", {"max_tokens": -1}, {}),
    ("at least one message", {"messages": []}, {}),
    ("role", {"messages": [{"role": "robot", "content": "x"}]}, {}),
    ("role", {"model": "claude-sonnet-5", "messages": [{"role": "system", "content": "x"}, *turns("Go")]}, {}),
    ("non-empty content", {"messages": turns("")}, {}),
    ("text content blocks must be non-empty", {"messages": turns([{"type": "text", "text": ""}])}, {}),
    ("content.0.type: Field required", {"messages": turns([5])}, {}),
    ("does not support assistant message prefill", {"model": "claude-opus-4-6", "messages": PREFILL}, {}),
    ("'enabled' is not supported", {"model": "claude-opus-4-7", "max_tokens": 9000, "thinking": ENABLED}, {}),
    ("'adaptive' is not supported", {"model": "claude-opus-4-5", "thinking": {"type": "adaptive"}}, {}),
    ("'disabled' is not supported", {"model": "claude-opus-5-5", "thinking": {"type": "disabled"}}, {}),
    ("'disabled' is not supported", {"model": "claude-fable-5-1", "thinking": {"type": "disabled"}}, {}),
    ("thinking.type", {"thinking": {"type": "deep"}}, {}),
    (
        "greater than or equal to 1024",
        {"model": "claude-opus-4-5", "thinking": {"type": "enabled", "budget_tokens": 100}},
        {},
    ),
    (
        "must be greater than `thinking.budget_tokens`",
        {"model": "claude-opus-4-5", "max_tokens": 1024, "thinking": ENABLED},
        {},
    ),
    ("effort", {"output_config": {"effort": "maximal"}}, {}),
    ("temperature: Extra inputs are not permitted", {"temperature": 0.5}, STRICT),
    ("top_k: Extra inputs are not permitted", {"model": "claude-haiku-4-5", "top_k": 5}, STRICT),
    ("`temperature` is not supported", {"model": "claude-sonnet-5", "temperature": 0.5}, {}),
    ("document blocks are not allowed", {"messages": turns("a", [{"type": "document"}], "b")}, STRICT),
    (
        "citations: Extra inputs",
        {"messages": turns([{"type": "text", "text": "a", "citations": {"enabled": True}}])},
        STRICT,
    ),
    ("while providing tools", {"tool_choice": {"type": "any"}}, {}),
    ("forced tool use", {"tools": [WEATHER_ANTHROPIC], "tool_choice": {"type": "any"}}, {}),
    (
        "Tool not found",
        {"model": "claude-sonnet-5", "tools": [WEATHER_ANTHROPIC], "tool_choice": {"type": "tool", "name": "x"}},
        {},
    ),
    ("tool_choice.type", {"tool_choice": "auto"}, {}),
    (
        "may not be enabled when tool_choice forces",
        {
            "model": "claude-opus-4-5",
            "max_tokens": 3000,
            "tools": [WEATHER_ANTHROPIC],
            "tool_choice": {"type": "any"},
            "thinking": ENABLED,
        },
        {},
    ),
    ("`tool_use` ids were found without `tool_result`", {"messages": turns("a", [USE], "b")}, {}),
    ("unexpected `tool_use_id`", {"messages": turns("a", "b", [RESULT])}, {}),
    ("unexpected `tool_use_id`", {"messages": turns([RESULT])}, {}),
    ("ids must be unique", {"messages": turns("a", [USE, USE], [RESULT])}, {}),
    ("cannot be used with stream", {"max_tokens": 0, "stream": True}, {}),
    (
        "cannot be used with output_config.format",
        {"max_tokens": 0, "output_config": {"format": {"type": "json_schema", "schema": {}}}},
        {},
    ),
    ("inference_geo", {"model": "claude-haiku-4-5", "inference_geo": "us"}, {}),
]


@pytest.mark.parametrize(("text", "fields", "headers"), REFUSED, ids=[f"{n}" for n in range(len(REFUSED))])
def test_what_messages_do_not_take_is_a_400_that_says_why(
    provider: Provider, text: str, fields: dict[str, Any], headers: dict[str, str]
) -> None:
    response = send(provider, "/v1/messages", messages(**fields), headers=headers)
    assert response.status == 400
    assert kind(response) == "invalid_request_error"
    assert text in message(response)
    assert provider.billed() == []


ACCEPTED: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({"model": "claude-haiku-4-5", "temperature": 0.5}, {}),
    ({"model": "claude-haiku-4-5", "messages": PREFILL}, {}),
    ({"model": "claude-opus-4-5", "max_tokens": 2000, "thinking": ENABLED}, {}),
    ({"model": "claude-opus-5-5", "thinking": {"type": "adaptive"}}, {}),
    ({"model": "claude-opus-5-5", "messages": [*turns("a"), {"role": "system", "content": "new rule"}]}, {}),
    ({"messages": turns("a", [USE], [RESULT])}, {}),
    ({"messages": turns("a", [{"type": "text", "text": "b"}, USE], [RESULT, {"type": "text", "text": "c"}])}, {}),
    ({"inference_geo": "us"}, STRICT),
    ({"model": "claude-sonnet-5-5-20260928"}, {}),
]


@pytest.mark.parametrize(("fields", "headers"), ACCEPTED)
def test_what_messages_take_is_answered(provider: Provider, fields: dict[str, Any], headers: dict[str, str]) -> None:
    response = send(provider, "/v1/messages", messages(**fields), headers=headers)
    assert response.status == 200, message(response)


def test_the_version_header_is_needed_and_must_be_known(provider: Provider) -> None:
    assert "header is required" in message(
        provider.handle("POST", "/v1/messages", {"x-api-key": "k"}, b"{}", 1_795_305_600.0)
    )
    odd = send(provider, "/v1/messages", messages(), headers={"anthropic-version": "1999-01-01"})
    assert "not a valid version" in message(odd)


def test_counting_needs_no_cap_but_keeps_the_other_rules(provider: Provider) -> None:
    counted = send(provider, "/v1/messages/count_tokens", messages(max_tokens=None))
    assert read(counted)["input_tokens"] > 0
    assert send(provider, "/v1/messages/count_tokens", messages(messages=[])).status == 400

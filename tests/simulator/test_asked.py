from __future__ import annotations

from typing import Any

import msgspec
import pytest

from penstock.simulator.asked import Asked, asked_of, forces_tool, stop_sequences, text_of
from penstock.wire.dialect import Dialect
from penstock.wire.view import View, read_request
from tests.simulator.asking import (
    WEATHER_ANTHROPIC,
    WEATHER_CHAT,
    WEATHER_RESPONSES,
    chat,
    messages,
    responses,
)

SCHEMA = {"type": "object", "properties": {"fit": {"type": "boolean"}}, "required": ["fit"]}


def view_of(dialect: Dialect, body: dict[str, Any]) -> View:
    return read_request(dialect, msgspec.json.encode(body))


def asked(dialect: Dialect, body: dict[str, Any]) -> Asked:
    return asked_of(view_of(dialect, body))


@pytest.mark.parametrize(
    ("dialect", "body"),
    [
        (Dialect.ANTHROPIC_MESSAGES, messages(tools=[WEATHER_ANTHROPIC], tool_choice={"type": "any"})),
        (
            Dialect.ANTHROPIC_MESSAGES,
            messages(tools=[WEATHER_ANTHROPIC], tool_choice={"type": "tool", "name": "weather"}),
        ),
        (Dialect.OPENAI_CHAT, chat(tools=[WEATHER_CHAT], tool_choice="required")),
        (
            Dialect.OPENAI_CHAT,
            chat(tools=[WEATHER_CHAT], tool_choice={"type": "function", "function": {"name": "weather"}}),
        ),
        (Dialect.OPENAI_RESPONSES, responses(tools=[WEATHER_RESPONSES], tool_choice="required")),
        (
            Dialect.OPENAI_RESPONSES,
            responses(tools=[WEATHER_RESPONSES], tool_choice={"type": "function", "name": "weather"}),
        ),
    ],
)
def test_a_forced_tool_is_found_in_every_dialect(dialect: Dialect, body: dict[str, Any]) -> None:
    found = asked(dialect, body)
    assert found.must_call
    assert found.tool is not None
    assert found.tool.name == "weather"
    assert found.tool.schema["required"] == ["city"]
    assert forces_tool(view_of(dialect, body))


def test_the_model_is_free_to_call_until_a_tool_has_answered() -> None:
    open_turn = chat(tools=[WEATHER_CHAT])
    assert asked(Dialect.OPENAI_CHAT, open_turn).may_call
    answered = {
        **open_turn,
        "messages": [
            {"role": "user", "content": "Rain?"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}],
            },
            {"role": "tool", "tool_call_id": "c1", "content": "no"},
        ],
    }
    assert not asked(Dialect.OPENAI_CHAT, answered).may_call
    assert not asked(Dialect.OPENAI_CHAT, {**open_turn, "tool_choice": "none"}).may_call


@pytest.mark.parametrize(
    ("dialect", "body"),
    [
        (Dialect.ANTHROPIC_MESSAGES, messages(output_config={"format": {"type": "json_schema", "schema": SCHEMA}})),
        (
            Dialect.OPENAI_CHAT,
            chat(response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}),
        ),
        (
            Dialect.OPENAI_RESPONSES,
            responses(text={"format": {"type": "json_schema", "name": "x", "schema": SCHEMA}}),
        ),
    ],
)
def test_a_schema_is_found_in_every_dialect(dialect: Dialect, body: dict[str, Any]) -> None:
    assert asked(dialect, body).schema == SCHEMA


def test_a_json_object_without_a_schema_is_known() -> None:
    assert asked(Dialect.OPENAI_CHAT, chat(response_format={"type": "json_object"})).json_object


def test_the_instruction_is_the_system_text_and_the_newest_user_text() -> None:
    body = messages("newest", system="be short")
    assert asked(Dialect.ANTHROPIC_MESSAGES, body).instruction == "be short\nnewest"


def test_stop_sequences_come_as_a_string_or_a_list() -> None:
    assert stop_sequences(view_of(Dialect.OPENAI_CHAT, chat(stop="END"))) == ("END",)
    assert stop_sequences(view_of(Dialect.ANTHROPIC_MESSAGES, messages(stop_sequences=["a", "", 5]))) == ("a",)
    assert stop_sequences(view_of(Dialect.OPENAI_CHAT, chat())) == ()


def test_the_text_of_a_part_is_the_same_as_that_of_a_string() -> None:
    plain = view_of(Dialect.OPENAI_CHAT, chat("hi"))
    parts = view_of(Dialect.OPENAI_CHAT, chat(messages=[{"role": "user", "content": [{"type": "text", "text": "hi"}]}]))
    assert text_of(plain, plain.segments[0]) == text_of(parts, parts.segments[0]) == "hi"


@pytest.mark.parametrize("odd", [{"tools": "x"}, {"tools": [5, {"name": 5}]}, {"tool_choice": [1]}, {"stop": 5}])
def test_fields_of_an_unknown_shape_count_as_absent(odd: dict[str, Any]) -> None:
    assert asked(Dialect.OPENAI_CHAT, chat(**odd)).tool is None

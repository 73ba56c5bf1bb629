from __future__ import annotations

from typing import Any

import pytest

from penstock.levers.cap.kinds import guarded, structured, thinking_budget, thinks
from penstock.models.catalog import profile_of
from penstock.wire.dialect import Dialect
from tests.levers.build import view_of
from tests.playbook import chat, messages

TOOL = {"name": "look", "input_schema": {"type": "object"}}


@pytest.mark.parametrize(
    ("body", "dialect", "expected"),
    [
        (messages("x", model="claude-haiku-4-5"), Dialect.ANTHROPIC_MESSAGES, False),
        (messages("x", model="claude-haiku-4-5", thinking={"type": "enabled", "budget_tokens": 2000}),
         Dialect.ANTHROPIC_MESSAGES, True),
        (messages("x", model="claude-opus-5-5"), Dialect.ANTHROPIC_MESSAGES, True),
        (chat("x", model="gpt-4o"), Dialect.OPENAI_CHAT, False),
        (chat("x", model="gpt-5"), Dialect.OPENAI_CHAT, True),
        (chat("x", model="gpt-5.4"), Dialect.OPENAI_CHAT, False),
        (chat("x", model="gpt-5.4", reasoning_effort="low"), Dialect.OPENAI_CHAT, True),
        (chat("x", model="who-knows"), Dialect.OPENAI_CHAT, False),
    ],
)  # fmt: skip
def test_t26_reasoning_is_told_from_the_request_and_the_models_data(
    body: dict[str, Any], dialect: Dialect, expected: bool
) -> None:
    view = view_of(body, dialect)
    assert thinks(view, profile_of(view.model)) is expected


@pytest.mark.parametrize(
    ("body", "dialect"),
    [
        (chat("x", response_format={"type": "json_object"}), Dialect.OPENAI_CHAT),
        (chat("x", response_format={"type": "json_schema", "json_schema": {"schema": {}}}), Dialect.OPENAI_CHAT),
        ({"model": "m", "input": "x", "text": {"format": {"type": "json_object"}}}, Dialect.OPENAI_RESPONSES),
        (messages("x", output_config={"format": {"type": "json_schema", "schema": {"type": "object"}}}),
         Dialect.ANTHROPIC_MESSAGES),
    ],
)  # fmt: skip
def test_t26_structured_answers_are_told(body: dict[str, Any], dialect: Dialect) -> None:
    assert structured(view_of(body, dialect))


def test_t26_a_plain_answer_needs_no_guard_and_a_tool_call_does() -> None:
    plain = view_of(messages("x", model="claude-haiku-4-5"))
    tools = view_of(messages("x", model="claude-haiku-4-5", tools=[TOOL]))
    assert guarded(plain, profile_of(plain.model)) is None
    assert guarded(tools, profile_of(tools.model)) == "a cut tool call cannot be read"


def test_the_thinking_budget_is_read_where_there_is_one() -> None:
    assert thinking_budget(view_of(messages("x", thinking={"type": "enabled", "budget_tokens": 2000}))) == 2000
    assert thinking_budget(view_of(messages("x", thinking={"type": "enabled", "budget_tokens": "x"}))) == 0

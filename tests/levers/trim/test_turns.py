from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.levers.trim.turns import Message, messages_of
from penstock.wire.dialect import Dialect
from tests.levers.build import view_of
from tests.levers.trim.conversations import Turn, body_of, turns

MESSAGES, CHAT, RESPONSES = Dialect.ANTHROPIC_MESSAGES, Dialect.OPENAI_CHAT, Dialect.OPENAI_RESPONSES


def _messages(messages: list[Any], dialect: Dialect = MESSAGES) -> list[Message] | None:
    field = "input" if dialect is RESPONSES else "messages"
    return messages_of(view_of({"model": "m", field: messages}, dialect))


@settings(max_examples=40, deadline=None)
@given(turns, st.sampled_from(list(Dialect)))
def test_every_call_is_opened_once_and_closed_once_and_each_turn_is_spoken_once(
    script: list[Turn], dialect: Dialect
) -> None:
    found = messages_of(view_of(body_of(dialect, script), dialect))
    assert found is not None
    assert sorted(i for one in found for i in one.opens) == sorted(i for one in found for i in one.closes)
    assert sum(one.speaks for one in found) == len(script)
    assert not any(one.fixed for one in found)


def test_tool_results_are_not_a_users_words() -> None:
    told = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t"}, {"type": "text", "text": "and"}]}
    assert _messages([told]) == [Message(closes=("t",))]


@pytest.mark.parametrize("kind", ["compaction", "container_upload", "brand_new"])
def test_t21_what_we_do_not_know_is_not_taken_away(kind: str) -> None:
    assert _messages([{"role": "assistant", "content": [{"type": kind}]}]) == [Message(fixed=True)]


def test_t21_server_tools_stand_with_their_own_results() -> None:
    blocks = [{"type": "server_tool_use", "id": "s"}, {"type": "web_search_tool_result", "tool_use_id": "s"}]
    assert _messages([{"role": "assistant", "content": blocks}]) == [Message()]


def test_instructions_inside_a_conversation_stay() -> None:
    assert _messages([{"role": "developer", "content": "x"}], CHAT) == [Message(stays=True)]
    assert _messages([{"role": "system", "content": "x"}]) == [Message(fixed=True)]
    assert _messages([{"role": "developer", "content": "x"}], RESPONSES) == [Message(stays=True)]


def test_items_of_the_responses_dialect_are_told_apart() -> None:
    items = [
        {"type": "reasoning", "id": "r"},
        {"type": "web_search_call", "id": "w"},
        {"type": "custom_tool_call", "call_id": "c"},
        {"type": "custom_tool_call_output", "call_id": "c"},
        {"type": "item_reference", "id": "i"},
        {"type": "compaction"},
    ]
    assert _messages(items, RESPONSES) == [
        Message(), Message(), Message(opens=("c",)), Message(closes=("c",)), Message(fixed=True), Message(fixed=True),
    ]  # fmt: skip
    assert messages_of(view_of({"model": "m", "input": "hello"}, RESPONSES)) == [Message(speaks=True)]


def test_old_function_calls_are_left_whole() -> None:
    assert _messages([{"role": "assistant", "function_call": {"name": "x"}}], CHAT) == [Message(fixed=True)]
    assert _messages([{"role": "function", "name": "x", "content": "y"}], CHAT) == [Message(fixed=True)]


@pytest.mark.parametrize("messages", [[{"role": 3}], [{"role": "user", "content": 3}], [{"content": "x"}]])
def test_a_shape_that_we_do_not_know_is_no_conversation(messages: list[Any]) -> None:
    assert _messages(messages) is None

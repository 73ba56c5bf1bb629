from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.levers.route.variant import with_system_text
from penstock.wire.body import apply
from penstock.wire.dialect import Dialect
from penstock.wire.view import read_request
from tests.levers.build import view_of
from tests.playbook import chat, messages

CHAT, MESSAGES, RESPONSES = Dialect.OPENAI_CHAT, Dialect.ANTHROPIC_MESSAGES, Dialect.OPENAI_RESPONSES
USER = {"role": "user", "content": "x"}


def _with(body: dict[str, Any], dialect: Dialect, text: str = "New.") -> dict[str, Any]:
    view = view_of(body, dialect)
    found: dict[str, Any] = json.loads(apply(view.raw, with_system_text(view, text)))
    return found


def test_anthropics_system_text_is_replaced_and_a_marker_kept() -> None:
    assert _with(messages("x"), MESSAGES)["system"] == "New."
    assert _with(messages("x", system="Old."), MESSAGES)["system"] == "New."
    control = {"type": "ephemeral", "ttl": "1h"}
    blocks = [{"type": "text", "text": "a"}, {"type": "text", "text": "b", "cache_control": control}]
    expected = [{"type": "text", "text": "New.", "cache_control": control}]
    assert _with(messages("x", system=blocks), MESSAGES)["system"] == expected


def test_the_initial_run_of_system_messages_becomes_one() -> None:
    run = [{"role": "developer", "content": "a"}, {"role": "system", "content": [{"type": "text", "text": "b"}]}]
    later = {"role": "system", "content": "later"}
    body = {"model": "m", "messages": [*run, USER, later]}
    assert _with(body, CHAT)["messages"] == [{"role": "developer", "content": "New."}, USER, later]
    assert _with(chat("x"), CHAT)["messages"] == [{"role": "system", "content": "New."}, USER]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"instructions": "Old.", "input": "x"}, {"instructions": "New.", "input": "x"}),
        ({"input": "x"}, {"input": "x", "instructions": "New."}),
        ({"input": [{"role": "developer", "content": "a"}, USER]},
         {"input": [{"role": "developer", "content": "New."}, USER]}),
        ({"instructions": "Old.", "input": [{"role": "developer", "content": "a"}, USER]},
         {"instructions": "New.", "input": [USER]}),
    ],
)  # fmt: skip
def test_responses_take_the_text_where_the_client_put_its_own(body: dict[str, Any], expected: dict[str, Any]) -> None:
    assert _with({"model": "m", **body}, RESPONSES) == {"model": "m", **expected}


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=60), st.sampled_from([(messages("x"), MESSAGES), (chat("x"), CHAT)]))
def test_any_text_arrives_as_it_was_written(text: str, request_: tuple[dict[str, Any], Dialect]) -> None:
    body, dialect = request_
    view = view_of(body, dialect)
    again = read_request(dialect, apply(view.raw, with_system_text(view, text)))
    assert again.system_text() == text

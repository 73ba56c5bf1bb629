from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.engine.judging import HEAD, TAIL, conversation, judge_request, shown, verdict_of
from penstock.models.catalog import known_models, profile_of
from penstock.simulator.provider import Provider
from penstock.unknown import Unknown
from penstock.wire.answer import Answer, ToolCall
from penstock.wire.dialect import Dialect
from penstock.wire.view import View, read_request
from tests.playbook import chat, messages
from tests.simulator.asking import kind, send

A, B = Answer(text="yes"), Answer(text="", tool_calls=(ToolCall("1", "look", '{"at":2}'),))
_NOT_ON_SALE = ("not_found_error", "model_not_found")
RESPONSES = {"model": "gpt-5", "input": "Is it?", "instructions": "Answer."}


def _view(body: dict[str, Any], dialect: Dialect) -> View:
    return read_request(dialect, json.dumps(body).encode())


@pytest.mark.parametrize("model", known_models())
def test_a_judge_s_question_is_one_that_its_model_takes(model: str) -> None:
    profile = profile_of(model)
    assert not isinstance(profile, Unknown)
    bodies = {
        "anthropic": [(messages("Is it?"), Dialect.ANTHROPIC_MESSAGES, "/v1/messages")],
        "openai": [
            (chat("Is it?"), Dialect.OPENAI_CHAT, "/v1/chat/completions"),
            (RESPONSES, Dialect.OPENAI_RESPONSES, "/v1/responses"),
        ],
    }[profile.provider]
    for body, dialect, path in bodies:
        asked = judge_request(_view(body, dialect), model, A, B)
        assert asked is not None
        assert all(segment.marker is None for segment in asked.segments)
        response = send(Provider(), path, asked.raw)
        assert response.status == 200 or kind(response) in _NOT_ON_SALE, response.body


def test_a_judge_sees_the_conversation_with_roles_and_attachments_by_kind() -> None:
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGVsbG8="}}
    body = messages("x", system="Be brief.", tools=[{"name": "look", "input_schema": {"type": "object"}}])
    body["messages"] = [
        {"role": "user", "content": [{"type": "text", "text": "What is it?"}, image]},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "look", "input": {"at": "sky"}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "blue"}]},
    ]
    text = conversation(_view(body, Dialect.ANTHROPIC_MESSAGES))
    assert text.split("\n")[:4] == ["[tools] look", "[system] Be brief.", "[user] What is it?", "[user] (image)"]
    assert "sky" in text
    assert "blue" in text
    assert "aGVsbG8=" not in text
    assert shown(B) == '[tool call] look({"at":2})'


def test_a_long_request_is_shown_by_its_two_ends() -> None:
    view = _view(messages("<" + "x" * 300_000 + ">"), Dialect.ANTHROPIC_MESSAGES)
    asked = judge_request(view, "claude-sonnet-5-5", A, B)
    assert asked is not None
    assert len(asked.raw) < HEAD + TAIL + 3000
    assert b"[user] <x" in asked.raw
    assert b"x>" in asked.raw


@pytest.mark.parametrize("model", ["gpt-5", "my-own-model"])
def test_a_model_that_cannot_be_asked_in_the_dialect_is_none(model: str) -> None:
    assert judge_request(_view(messages("hi"), Dialect.ANTHROPIC_MESSAGES), model, A, B) is None


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("A", "reference"),
        (" b.\n", "candidate"),
        ("**A**", "reference"),
        ("Tie", "tie"),
        ("A or B", None),
        ("Answer A", None),
        ("AB", None),
        ("", None),
    ],
)
def test_only_one_of_three_words_is_a_verdict(text: str, verdict: str | None) -> None:
    assert verdict_of(Answer(text=text), reference_first=True) == verdict
    swapped = {"reference": "candidate", "candidate": "reference"}
    assert verdict_of(Answer(text=text), reference_first=False) == swapped.get(verdict or "", verdict)


def test_no_answer_or_a_cut_or_refused_one_is_no_verdict() -> None:
    for one in (None, Answer(text="A", truncated=True), Answer(text="A", refused=True)):
        assert verdict_of(one, reference_first=True) is None


@given(st.text())
def test_any_text_is_a_verdict_or_none(text: str) -> None:
    assert verdict_of(Answer(text=text), reference_first=True) in ("reference", "candidate", "tie", None)

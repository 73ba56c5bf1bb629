from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.wire.diagnostics import Diagnosis, asking, asks_already, diagnosis_of, undiagnosed
from penstock.wire.dialect import Dialect
from penstock.wire.view import View, read_request

MESSAGES, RESPONSES, CHAT = Dialect.ANTHROPIC_MESSAGES, Dialect.OPENAI_RESPONSES, Dialect.OPENAI_CHAT
BODY: dict[str, Any] = {"model": "claude-opus-5-5", "max_tokens": 9, "messages": [{"role": "user", "content": "é"}]}


def view(dialect: Dialect = MESSAGES, **more: Any) -> View:
    body = {"model": "gpt-6.1-sol", "input": "hi", **more} if dialect is RESPONSES else {**BODY, **more}
    return read_request(dialect, json.dumps(body).encode())


def said(dialect: Dialect, request: bytes, answer: Any) -> Diagnosis | None:
    return diagnosis_of(dialect, request, json.dumps(answer).encode())


def test_a_messages_request_asks_from_the_first_turn_on_and_keeps_its_bytes() -> None:
    asked = asking(view(), None)
    assert asked == view().raw[:-1] + b',"diagnostics":{"previous_message_id":null}}'
    second = asking(view(), "msg_1")
    assert second is not None
    assert json.loads(second)["diagnostics"] == {"previous_message_id": "msg_1"}


def test_a_responses_request_asks_once_there_is_something_to_compare_with() -> None:
    assert asking(view(RESPONSES), None) is None
    plain, with_options = view(RESPONSES), view(RESPONSES, prompt_cache_options={"mode": "explicit"})
    asked = [json.loads(asking(one, "resp_1") or b"") for one in (plain, with_options)]
    assert [one["prompt_cache_options"] for one in asked] == [
        {"comparison_response_id": "resp_1"},
        {"mode": "explicit", "comparison_response_id": "resp_1"},
    ]


def test_chat_completions_have_no_diagnostics() -> None:
    assert asking(read_request(CHAT, json.dumps({"model": "gpt-6.1-sol", "messages": []}).encode()), "x") is None
    assert said(CHAT, b"{}", {"diagnostics": {"cache_miss_reason": None}}) is None


def test_a_caller_who_asks_by_itself_is_seen_even_where_it_has_nothing_to_compare_with() -> None:
    assert asks_already(view(diagnostics=None))
    assert asks_already(view(RESPONSES, prompt_cache_options={"comparison_response_id": None}))
    assert not asks_already(view())
    assert not asks_already(view(RESPONSES, prompt_cache_options={"mode": "implicit"}))


ASKED = json.dumps({**BODY, "diagnostics": {"previous_message_id": "msg_1"}}).encode()
FIRST = json.dumps({**BODY, "diagnostics": {"previous_message_id": None}}).encode()


@pytest.mark.parametrize(
    ("request_", "diagnostics", "expected"),
    [
        (ASKED, None, Diagnosis(outcome="reusable")),
        (FIRST, None, None),
        (ASKED, {"cache_miss_reason": None}, Diagnosis(outcome="pending")),
        (
            ASKED,
            {"cache_miss_reason": {"type": "system_changed", "cache_missed_input_tokens": 5210}},
            Diagnosis(outcome="diverged", reason="system_changed", missed=5210),
        ),
        (ASKED, {"cache_miss_reason": {"type": "previous_message_not_found"}}, Diagnosis(outcome="not_found")),
        (ASKED, {"cache_miss_reason": {"type": "unavailable"}}, Diagnosis(outcome="unavailable")),
        (
            ASKED,
            {"cache_miss_reason": {"type": "moon_phase_changed", "cache_missed_input_tokens": -1}},
            Diagnosis(outcome="diverged", reason="moon_phase_changed"),
        ),
        (ASKED, {"cache_miss_reason": {"type": "Your text: ..."}}, Diagnosis(outcome="diverged", reason="other")),
        (ASKED, "odd", None),
    ],
)
def test_what_anthropic_says_is_read(request_: bytes, diagnostics: Any, expected: Diagnosis | None) -> None:
    assert said(MESSAGES, request_, {"id": "msg_2", "diagnostics": diagnostics}) == expected


@pytest.mark.parametrize(
    ("diagnostics", "expected"),
    [
        (None, None),
        ({"type": "cache_hit"}, Diagnosis(outcome="reusable")),
        (
            {
                "type": "cache_miss",
                "reason": "tools_changed",
                "cache_missed_tokens": 900,
                "comparison_reusable_tokens": 64,
            },
            Diagnosis(outcome="diverged", reason="tools_changed", missed=900, reusable=64),
        ),
        ({"type": "comparison_response_not_found"}, Diagnosis(outcome="not_found")),
        ({"type": "unavailable"}, Diagnosis(outcome="unavailable")),
    ],
)
def test_what_openai_says_is_read(diagnostics: Any, expected: Diagnosis | None) -> None:
    assert said(RESPONSES, b"{}", {"id": "resp_2", "prompt_cache_diagnostics": diagnostics}) == expected


@given(st.binary(max_size=80), st.binary(max_size=80), st.sampled_from(Dialect))
def test_bytes_that_are_no_answer_say_nothing_and_pass_as_they_are(
    request_: bytes, answer: bytes, one: Dialect
) -> None:
    assert diagnosis_of(one, request_, answer) is None or b"diagnostics" in answer
    assert undiagnosed(one, answer) is answer or b"diagnostics" in answer


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(["diagnostics", "prompt_cache_diagnostics", "prompt_cache_options", "content", "comparison"])


@given(st.dictionaries(NAMES, JSON, max_size=5), st.sampled_from([MESSAGES, RESPONSES]))
def test_an_answer_loses_only_what_was_asked_for(answer: dict[str, Any], dialect: Dialect) -> None:
    name = "diagnostics" if dialect is MESSAGES else "prompt_cache_diagnostics"
    options = answer.get("prompt_cache_options")
    expected = {**answer, **({name: None} if name in answer else {})}
    if dialect is RESPONSES and isinstance(options, dict) and "comparison_response_id" in options:
        expected["prompt_cache_options"] = {**options, "comparison_response_id": None}
    assert json.loads(undiagnosed(dialect, json.dumps(answer).encode())) == expected


def test_the_rest_of_an_answer_keeps_its_bytes() -> None:
    answer = (
        b'{"id":"resp_1", "x":1e400,"prompt_cache_options":{"mode":"implicit","comparison_response_id":"resp_0"},'
        b'"prompt_cache_diagnostics": {"type":"cache_hit"}, "output":["\\u00e9 \\"prompt_cache_diagnostics\\""]}'
    )
    assert undiagnosed(RESPONSES, answer) == answer.replace(b'"resp_0"', b"null").replace(
        b'{"type":"cache_hit"}', b"null"
    )

from __future__ import annotations

import json
from typing import Any

import pytest

from penstock.levers.route.verify import Verdict, verify
from penstock.policy.schema import RoutePolicy
from penstock.wire.answer import Answer, ToolCall
from penstock.wire.dialect import Dialect
from penstock.wire.view import View
from tests.levers.build import view_of
from tests.playbook import chat, messages

SCHEMA = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}
LOOK = {"name": "look", "input_schema": {"type": "object", "required": ["at"]}}
ALL = RoutePolicy(verify=("json", "schema", "tool", "evidence"))


def _view(**more: Any) -> View:
    return view_of(messages("The sky is\n blue today.", **more))


def _asking_for_json() -> View:
    return _view(output_config={"format": {"type": "json_schema", "schema": SCHEMA}})


def _check(view: View, answer: Answer, *checks: Any) -> str | None:
    verdict = verify(view, answer, RoutePolicy(verify=checks))
    return None if verdict is None else f"{verdict.check}: {verdict.why}"


@pytest.mark.parametrize(
    ("answer", "check"),
    [
        (Answer(text="half an ans", truncated=True), "truncated"),
        (Answer(text="I cannot", refused=True), "refused"),
        (Answer(text=" \n"), "empty"),
    ],
)
def test_cut_refused_and_empty_answers_always_fail(answer: Answer, check: str) -> None:
    verdict = verify(_view(), answer, RoutePolicy())
    assert isinstance(verdict, Verdict)
    assert verdict.check == check


def test_an_ordinary_answer_passes_and_unnamed_checks_are_not_made() -> None:
    assert verify(_asking_for_json(), Answer(text="not json"), RoutePolicy()) is None


def test_text_has_to_be_json_where_the_policy_says_so() -> None:
    assert _check(_view(), Answer(text='{"ok": true}'), "json") is None
    assert _check(_view(), Answer(text='Sure! {"ok": true}'), "json") == "json: the text is not JSON"
    assert _check(_view(), Answer(text="", tool_calls=(ToolCall("1", "look", "{}"),)), "json") is None


def test_an_answer_has_to_keep_to_the_schema_that_the_request_asks_for() -> None:
    view = _asking_for_json()
    assert _check(view, Answer(text='{"ok": true}'), "schema") is None
    assert _check(view, Answer(text='{"ok": "yes"}'), "schema") == "schema: ok: not boolean"
    assert _check(view, Answer(text="{"), "schema") == "schema: the text is not JSON"
    assert _check(_view(), Answer(text="anything"), "schema") is None


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (ToolCall("1", "look", '{"at": 1}'), None),
        (ToolCall("1", "leap", "{}"), "tool: it calls a tool that the request does not have"),
        (ToolCall("1", "look", "[]"), "tool: the arguments of look are not a JSON object"),
        (ToolCall("1", "look", '{"at"'), "tool: the arguments of look are not a JSON object"),
        (ToolCall("1", "look", "{}"), "tool: arguments of look: at: missing"),
    ],
)
def test_a_called_tool_has_to_exist_and_its_arguments_to_fit(call: ToolCall, why: str | None) -> None:
    assert _check(_view(tools=[LOOK]), Answer(text="", tool_calls=(call,)), "tool") == why


def test_tools_of_the_openai_dialects_are_checked_by_their_own_schemas() -> None:
    tool = {"type": "function", "function": {"name": "look", "parameters": LOOK["input_schema"]}}
    view = view_of(chat("x", tools=[tool]), Dialect.OPENAI_CHAT)
    answer = Answer(text="", tool_calls=(ToolCall("1", "look", "{}"),))
    assert _check(view, answer, "tool") == "tool: arguments of look: at: missing"


def test_quotes_have_to_stand_in_the_prompt_whatever_their_spacing_and_case() -> None:
    view = _view(system="Answer with a quote.")
    good = json.dumps({"claims": [{"quote": "the sky  is blue"}, {"evidence": ["Answer with"]}], "note": "made up"})
    assert _check(view, Answer(text=good), "evidence") is None
    bad = json.dumps([{"quote": "the sky is green"}, {"quote": "blue today."}])
    assert _check(view, Answer(text=bad), "evidence") == "evidence: 1 of 2 quotes do not stand in the prompt"
    assert _check(view, Answer(text="{}"), "evidence") is None
    assert "is not JSON" in (_check(view, Answer(text="no"), "evidence") or "")


def test_the_first_failing_check_is_the_reason() -> None:
    verdict = verify(_asking_for_json(), Answer(text="no json"), ALL)
    assert verdict is not None
    assert verdict.check == "json"


def test_an_answer_never_breaks_a_check() -> None:
    odd = Answer(text="[" * 10_000, tool_calls=(ToolCall("", "", "\ud800"),))
    assert verify(_view(), odd, ALL) is not None

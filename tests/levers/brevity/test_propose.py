from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.engine.edit import Risk
from penstock.engine.pipeline import ORDERED, Lever, optimise
from penstock.engine.plan import Plan
from penstock.levers.brevity.propose import propose
from penstock.unknown import Unknown
from penstock.wire.dialect import Dialect
from penstock.wire.view import read_request
from tests.levers.build import facts_of, view_of
from tests.playbook import chat, messages

CHAT, MESSAGES, RESPONSES = Dialect.OPENAI_CHAT, Dialect.ANTHROPIC_MESSAGES, Dialect.OPENAI_RESPONSES
POLICY = '[tasks.t.brevity]\ninstruction = "Be brief."\n'
USER = {"role": "user", "content": "x"}


def _plan(body: Any, dialect: Dialect = MESSAGES, policy: str = POLICY, levers: Any = None, **more: Any) -> Plan:
    view = view_of(body, dialect)
    plan = optimise(view, facts_of(view, policy, **more), levers or [Lever("brevity", propose)])
    assert not plan.failures
    return plan


def _sent(body: Any, dialect: Dialect = MESSAGES) -> Any:
    return json.loads(_plan(body, dialect).body)


def test_the_instruction_is_lossy_and_its_saving_is_not_known() -> None:
    (edit,) = _plan(messages("x", system="Old.")).edits
    assert (edit.lever, edit.risk) == ("brevity", Risk.LOSSY)
    assert isinstance(edit.saving, Unknown)


def test_nothing_is_said_without_a_section_or_with_one_that_is_off() -> None:
    assert not _plan(messages("x"), policy="").edits
    assert not _plan(messages("x"), policy=POLICY + "enabled = false\n").edits
    assert not _plan(messages("x"), policy="levers.brevity = false\n" + POLICY).edits


def test_it_stands_behind_anthropic_s_system_text_and_moves_no_marker() -> None:
    assert _sent(messages("x"))["system"] == "Be brief."
    assert _sent(messages("x", system="Old."))["system"] == "Old.\n\nBe brief."
    blocks = [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}]
    assert _sent(messages("x", system=blocks))["system"] == [*blocks, {"type": "text", "text": "Be brief."}]


def test_it_stands_behind_the_last_of_the_initial_system_messages() -> None:
    run = [{"role": "developer", "content": "a"}, {"role": "system", "content": [{"type": "text", "text": "b"}]}]
    later = {"role": "system", "content": "later"}
    sent = _sent({"model": "m", "messages": [*run, USER, later]}, CHAT)["messages"]
    assert sent[1]["content"] == [{"type": "text", "text": "b"}, {"type": "text", "text": "Be brief."}]
    assert [sent[0], *sent[2:]] == [run[0], USER, later]
    assert _sent(chat("x"), CHAT)["messages"] == [{"role": "system", "content": "Be brief."}, USER]


@pytest.mark.parametrize(("before", "after"), [({}, "Be brief."), ({"instructions": "Old."}, "Old.\n\nBe brief.")])
def test_responses_take_it_in_their_instructions(before: dict[str, Any], after: str) -> None:
    assert _sent({"model": "m", "input": "x", **before}, RESPONSES)["instructions"] == after


def test_a_system_text_of_an_unknown_shape_is_left_alone() -> None:
    plan = _plan({"model": "m", "messages": [{"role": "system", "content": 5}, USER]}, CHAT)
    assert not plan.edits
    assert [note.lever for note in plan.notes] == ["brevity"]


def test_a_prompt_variant_keeps_the_instruction() -> None:
    policy = (
        f'{POLICY}[tasks.t.route]\nmodel = "claude-haiku-4-5"\nvariants.claude-haiku-4-5 = "v"\n[prompts]\nv = "New."'
    )
    assert json.loads(_plan(messages("x", system="Old."), policy=policy, levers=ORDERED).body)["system"] == (
        "New.\n\nBe brief."
    )


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=40), st.sampled_from([True, False]))
def test_the_client_s_bytes_stay_before_it(text: str, ascii_only: bool) -> None:
    raw = json.dumps(messages("x", system=text or "s"), ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    own = json.dumps(text or "s", ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    view = read_request(MESSAGES, raw)
    planned = optimise(view, facts_of(view, POLICY), [Lever("brevity", propose)]).body
    assert own[:-1] + b'\\n\\nBe brief."' in planned

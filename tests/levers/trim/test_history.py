from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.engine.edit import Note
from penstock.engine.pipeline import Lever, optimise
from penstock.engine.plan import Plan
from penstock.levers.trim.history import propose
from penstock.unknown import Unknown
from penstock.wire.dialect import Dialect
from penstock.wire.view import read_request
from tests.levers.build import facts_of, view_of
from tests.levers.trim.conversations import Turn, body_of, faults, text_of, turns

MESSAGES, CHAT, RESPONSES = Dialect.ANTHROPIC_MESSAGES, Dialect.OPENAI_CHAT, Dialect.OPENAI_RESPONSES
SCRIPT: list[Turn] = [(200, [[40, 40]], True)] * 8


def _policy(window: int, when: str = "always", more: str = "") -> str:
    return f'[tasks.t.trim]\nwindow_tokens = {window}\nwhen = "{when}"\n{more}'


def _plan(body: Any, dialect: Dialect, policy: str) -> Plan:
    view = view_of(body, dialect)
    plan = optimise(view, facts_of(view, policy), [Lever("trim", propose)])
    assert not plan.failures
    return plan


def _listed(dialect: Dialect, body: bytes) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(body)["input" if dialect is RESPONSES else "messages"]
    return found


@settings(max_examples=150, deadline=None)
@given(turns, st.sampled_from(list(Dialect)), st.integers(20, 3000), st.booleans(), st.sampled_from(["always", "pays"]))
def test_t21_a_trimmed_conversation_is_always_one_that_the_provider_accepts(
    script: list[Turn], dialect: Dialect, window: int, greeting: bool, when: str
) -> None:
    body = body_of(dialect, script, greeting=greeting)
    assert faults(dialect, body) == []
    plan = _plan(body, dialect, _policy(window, when))
    trimmed = json.loads(plan.body)
    assert faults(dialect, trimmed) == []
    before, after = _listed(dialect, plan.view.raw), _listed(dialect, plan.body)
    spoken = [one for one in before if one.get("role") == "user" and "turn " in text_of(one)]
    assert spoken[0] in after
    assert before[before.index(spoken[-1]) :] == after[after.index(spoken[-1]) :]
    assert {**trimmed, "messages": 0, "input": 0} == {**body, "messages": 0, "input": 0}
    if not plan.edits:
        assert plan.body is plan.view.raw


@settings(max_examples=60, deadline=None)
@given(turns, st.sampled_from(list(Dialect)), st.integers(20, 2000))
def test_t1_within_a_turn_the_kept_history_never_moves(script: list[Turn], dialect: Dialect, window: int) -> None:
    """Each request of the last turn, one tool result later than the one before, begins with the same bytes."""
    *earlier, (size, rounds, thinks) = script
    sent = []
    for step in range(len(rounds) + 1):
        body = body_of(dialect, [*earlier, (size, rounds[:step], thinks)])
        sent.append(_listed(dialect, _plan(body, dialect, _policy(window)).body))
    for before, after in pairwise(sent):
        assert after[: len(before)] == before


def test_what_is_kept_keeps_its_very_bytes() -> None:
    raw = json.dumps(body_of(MESSAGES, SCRIPT), indent=1).replace("turn 7", "turn\\u00207").encode()
    view = read_request(MESSAGES, raw)
    plan = optimise(view, facts_of(view, _policy(500)), [Lever("trim", propose)])
    newest = raw.index(b'"turn\\u00207')
    assert plan.edits
    assert plan.body.endswith(raw[newest:])
    assert plan.body.startswith(raw[: raw.index(b"  {", raw.index(b'"turn 0'))].rstrip(b",\n "))


def test_t24_a_mark_says_how_many_messages_went() -> None:
    plan = _plan(body_of(CHAT, SCRIPT), CHAT, _policy(500))
    before, after = _listed(CHAT, plan.view.raw), _listed(CHAT, plan.body)
    (mark,) = [one for one in after if "left out" in text_of(one)]
    assert mark["role"] == "assistant"
    assert mark["content"] == f"[{len(before) - len(after) + 1} earlier messages left out]"


def test_t22_a_fixed_prefix_beyond_the_window_leaves_the_newest_turn_and_does_not_raise() -> None:
    plan = _plan(body_of(MESSAGES, SCRIPT, system=20_000), MESSAGES, _policy(500))
    words = [text_of(one) for one in _listed(MESSAGES, plan.body) if "turn " in text_of(one)]
    assert ("turn 0" in words[0], "turn 7" in words[-1]) == (True, True)
    assert len(words) < 8


@pytest.mark.parametrize("system", [10, 1200, 1900, 2400, 20_000])
def test_t1_a_large_fixed_part_does_not_make_every_turn_write_its_prefix_anew(system: int) -> None:
    script: list[Turn] = [(30, [], False)]  # about 45 tokens a turn, and 270 lie between the marks
    sent: list[list[dict[str, Any]]] = []
    for _ in range(40):
        sent.append(_listed(MESSAGES, _plan(body_of(MESSAGES, script, system=system), MESSAGES, _policy(500)).body))
        script = [*script, (30, [], False)]
    moved = [turn for turn, (one, other) in enumerate(pairwise(sent)) if other[: len(one)] != one]
    assert 4 <= len(moved) <= 10


def test_a_conversation_inside_its_window_is_left_whole() -> None:
    assert propose(*_both(body_of(MESSAGES, SCRIPT), MESSAGES, _policy(100_000))) == []
    assert propose(*_both(body_of(MESSAGES, SCRIPT), MESSAGES, "")) == []
    assert propose(*_both(body_of(MESSAGES, SCRIPT), MESSAGES, "[tasks.t.trim]")) == []


def _both(body: Any, dialect: Dialect, policy: str) -> Any:
    view = view_of(body, dialect)
    return view, facts_of(view, policy)


def test_a_conversation_that_cannot_be_cut_says_why() -> None:
    kept = {**body_of(RESPONSES, SCRIPT), "previous_response_id": "resp_1"}
    assert propose(*_both(kept, RESPONSES, _policy(50))) == [Note("trim", "the earlier turns are kept at the provider")]
    one = body_of(MESSAGES, [(500, [[400]], False)])
    (note,) = propose(*_both(one, MESSAGES, _policy(50)))
    assert isinstance(note, Note)
    assert note.why.endswith("and no cut is valid and pays yet")
    (large,) = propose(*_both({**one, "system": "x" * 4000}, MESSAGES, _policy(50)))
    assert isinstance(large, Note)
    assert "of them before the messages, and no cut" in large.why
    odd = body_of(MESSAGES, SCRIPT)
    odd["messages"][1]["content"] = 3
    assert propose(*_both(odd, MESSAGES, _policy(50))) == [
        Note("trim", "the conversation has a shape that we do not know")
    ]


def test_instructions_between_the_turns_stay_where_they_can() -> None:
    body = body_of(CHAT, SCRIPT)
    rule = {"role": "developer", "content": "From now on, be brief."}
    body["messages"].insert(6, rule)
    after = _listed(CHAT, _plan(body, CHAT, _policy(500)).body)
    assert rule in after
    assert faults(CHAT, {"messages": after}) == []


def test_a_fresh_cut_bears_its_share_of_the_rewritten_prefix() -> None:
    """The same window one turn later reads the shorter prefix and saves more."""
    savings = []
    for count in range(4, 12):
        plan = _plan(body_of(MESSAGES, [(200, [], False)] * count), MESSAGES, _policy(1000, "pays"))
        for edit in plan.edits:
            assert isinstance(edit.saving, int)
            assert edit.saving >= 0
            savings.append((count, edit.saving))
    assert savings


def test_a_cut_on_the_policys_word_alone_claims_no_saving() -> None:
    body = body_of(MESSAGES, [(200, [], False)] * 6)
    policy = _policy(1000, "always", "horizon_turns = 0.1")
    found = {type(edit.saving) for edit in _plan(body, MESSAGES, policy).edits}
    assert found <= {Unknown, int}
    assert _plan(body, MESSAGES, policy.replace("always", "pays")).edits == ()
    assert _plan(body, MESSAGES, policy).edits


def test_without_any_cache_every_token_left_out_is_saved_at_its_plain_price() -> None:
    body = body_of(MESSAGES, SCRIPT)
    plan = _plan(body, MESSAGES, _policy(500, "pays", "[tasks.t.cache]\nenabled = false"))
    (edit,) = plan.edits
    removed = int(edit.why.split("left out, ")[1].split(" of")[0].replace(",", ""))
    assert edit.saving == removed * 1_000_000

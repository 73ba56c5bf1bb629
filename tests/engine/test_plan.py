from __future__ import annotations

import json
from typing import Any

from penstock.engine.edit import Action, Edit, Risk
from penstock.engine.pipeline import Lever, optimise
from penstock.engine.plan import Plan, edit_json, pico, shown
from penstock.money import Picodollars
from penstock.unknown import Unknown
from penstock.wire.view import View
from tests.levers.build import facts_of, proposing, view_of
from tests.playbook import messages

LOSSY = "[tasks.t.cap]\n[tasks.t.trim]"


def _edit(path: Any, value: bytes, lever: str = "cache", saving: Any = 5, risk: Risk = Risk.EXACT) -> Edit:
    saved = saving if isinstance(saving, Unknown) else Picodollars(saving)
    return Edit(lever=lever, path=path, action=Action.SET, value=value, why="a reason", saving=saved, risk=risk)


def _plan(*edits: Edit, mode: Any = "apply") -> Plan:
    view = view_of(messages("my secret prompt"))
    levers = [proposing(edit.lever, edit) for edit in edits]
    return optimise(view, facts_of(view, LOSSY), levers, mode=mode)


CAP = _edit(("max_tokens",), b"7", "cap", risk=Risk.LOSSY)
TAG = _edit(("metadata",), b'{"user_id":"secret"}')


def test_observe_lets_the_clients_bytes_out_and_shows_the_plan() -> None:
    plan = _plan(TAG, mode="observe")
    assert plan.sent_body is plan.view.raw
    assert plan.body is not plan.view.raw
    assert plan.as_json()["applied"] is False


def test_apply_lets_the_planned_bytes_out() -> None:
    plan = _plan(TAG)
    assert plan.sent_body is plan.body
    assert plan.sent_model == plan.view.model
    assert plan.as_json()["applied"] is True


def test_a_plan_without_one_levers_edits_keeps_the_others() -> None:
    plan = _plan(CAP, TAG)
    body = json.loads(plan.body_without("cap"))
    assert (body["max_tokens"], body["metadata"]) == (4096, {"user_id": "secret"})
    assert plan.body_without("route") == plan.body


def test_a_plan_that_needs_the_missing_edits_falls_back_to_the_clients_bytes() -> None:
    plan = _plan(_edit(("metadata",), b"{}", "trim", risk=Risk.LOSSY), _edit(("metadata", "a"), b"1"))
    assert json.loads(plan.body)["metadata"] == {"a": 1}
    assert plan.body_without("trim") is plan.view.raw


def test_the_saving_is_the_sum_of_what_is_known() -> None:
    assert _plan(CAP, TAG).saving == 10
    assert _plan(_edit(("metadata",), b"{}", saving=Unknown("?")), CAP).saving == 5
    assert isinstance(_plan(_edit(("metadata",), b"{}", saving=Unknown("?"))).saving, Unknown)
    assert _plan().saving == 0


def test_the_header_is_one_short_line() -> None:
    def broken(view: View, facts: Any) -> list[Edit]:
        raise KeyError

    assert _plan(CAP, TAG).header() == "apply cap=1 cache=1 saving=0.00000000001"
    assert _plan(mode="observe").header() == "observe none saving=0"
    view = view_of(messages("x"))
    failed = optimise(view, facts_of(view), [Lever("trim", broken)])
    assert failed.header() == "observe none saving=0 failed=trim"
    assert _plan(_edit(("metadata",), b"{}", saving=Unknown("?"))).header().endswith("saving=unknown")


def test_no_prompt_text_and_no_value_leaves_a_plan() -> None:
    plan = _plan(CAP, TAG)
    for text in (plan.explain(), plan.header(), json.dumps(plan.as_json())):
        assert "secret" not in text


def test_an_edit_is_shown_with_its_reason_and_place() -> None:
    assert edit_json(CAP) == {
        "lever": "cap",
        "action": "set",
        "path": ["max_tokens"],
        "risk": "lossy",
        "why": "a reason",
        "saving": 5,
    }


def test_unknown_money_is_shown_as_unknown() -> None:
    assert pico(Unknown("?")) is None
    assert shown(Unknown("no price")) == "unknown (no price)"
    assert shown(Picodollars(4_100_000_000)) == "$0.0041"

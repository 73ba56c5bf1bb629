from __future__ import annotations

from typing import Any

from penstock.engine.edit import Action, Edit, Note, Risk
from penstock.engine.explain import explain
from penstock.engine.pipeline import Lever, optimise
from penstock.engine.plan import Plan
from penstock.money import Picodollars
from tests.levers.build import facts_of, proposing, view_of
from tests.playbook import messages


def _edit(lever: str, key: str, value: bytes, saving: int, why: str) -> Edit:
    saved = Picodollars(saving)
    return Edit(lever=lever, path=(key,), action=Action.SET, value=value, why=why, saving=saved, risk=Risk.LOSSY)


def _broken(view: Any, facts: Any) -> list[Edit]:
    raise KeyError


def _plan(mode: Any) -> Plan:
    view = view_of(messages("word " * 1000))
    levers = [
        Lever("trim", _broken),
        proposing("route", _edit("route", "model", b'"claude-haiku-4-5"', 3 * 10**9, "a -> b")),
        proposing("cap", _edit("cap", "max_tokens", b"1", -(10**9), "too tight")),
        proposing("cache", Note("cache", "it never comes again")),
    ]
    return optimise(view, facts_of(view, "[tasks.t.route]\n[tasks.t.cap]"), levers, mode=mode)


def test_every_part_of_a_plan_has_its_line() -> None:
    lines = explain(_plan("apply")).splitlines()
    assert lines[0] == "task t, anthropic.messages, claude-opus-5-5, mode apply"
    assert lines[1].startswith("  prompt  1,7")
    assert "estimated, -50% to +100%" in lines[1]
    assert lines[2].startswith("  before  1,7")
    assert "plain x $4/M" in lines[2]
    assert "plain x $1/M" in lines[3]
    assert lines[4] == "  basis   estimated before, estimated after; prompt only"
    assert lines[5] == "  model   claude-opus-5-5 -> claude-haiku-4-5"
    assert lines[6] == "  saving  $0.0030 expected, later reads included"
    assert lines[7:] == [
        "  route lossy      set model: a -> b ($0.0030)",
        "  not cap   lossy      set max_tokens: too tight (-$0.0010): it is expected to cost more than it saves",
        "  cache stands down: it never comes again",
        "  trim raised KeyError; its edits were left out",
    ]


def test_observe_says_that_nothing_was_changed() -> None:
    assert explain(_plan("observe")).splitlines()[-1].startswith("  mode is observe: the client's bytes are sent")


def test_a_plan_without_edits_says_so() -> None:
    view = view_of(messages("x"))
    plan = optimise(view, facts_of(view), [])
    assert explain(plan).endswith("nothing to change: the client's bytes are sent")


def test_what_the_cache_lever_does_not_note_is_worked_out_when_somebody_asks() -> None:
    view = view_of(messages("short"))
    plan = optimise(view, facts_of(view))
    assert plan.notes == ()
    assert "  cache stands down: the prompt is shorter than the shortest cached prefix" in explain(plan).splitlines()
    (note,) = plan.as_json()["notes"]
    assert (note["lever"], note["did"]) == ("cache", "stands down")
    for policy in ("levers.cache = false\n", "[tasks.t.cache]\nenabled = false\n"):
        off = optimise(view, facts_of(view, policy))
        assert off.as_json()["notes"] == []

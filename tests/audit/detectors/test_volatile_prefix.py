from __future__ import annotations

import json

import pytest

from penstock.audit.detectors.volatile_prefix import find
from penstock.audit.finding import Measure
from penstock.wire.recorded import RecordedCall
from tests.audit.traffic import START, Provider, audit_input, one_shot, static_prompts, words

RULES = words(3000, "rule")


def clocked(calls: int = 40, *, system: str = "Now: 2026-10-01T09:{k:02d}:11Z. {rules}") -> list[RecordedCall]:
    provider = Provider()
    return [
        provider.call(one_shot(system.format(k=k, rules=RULES), words(100, f"q{k}x")), START + k * 60)
        for k in range(calls)
    ]


def test_t6_a_clock_in_front_of_static_text_is_located_named_and_priced() -> None:
    (found,) = find(audit_input(clocked()))
    assert (found.kind, found.measure) == ("volatile_prefix", Measure.SAVING)
    assert found.title == "A clock in the system prompt changes in front of text that does not"
    (span,) = found.evidence["spans"]
    assert (span["kind"], span["bytes"], span["shape"]) == ("clock", [5, 25], "9999-99-99A99:99:99A")
    # One write at 1.25 and 39 reads at 0.1 of about 3,000 tokens at 5 USD per million.
    assert found.dollars == pytest.approx(3000 * 5_000_000 * (40 - 1.25 - 3.9), rel=0.03)
    assert found.fix == {"cache": {"enabled": True, "stabilise": True}}
    assert found.opt_in == {"cache": {"move_static_up": True}}
    assert "your decision" in found.advice


def test_no_prompt_text_is_shown_unless_asked_for() -> None:
    (found,) = find(audit_input(clocked()))
    shown = json.dumps(found.evidence) + found.title + found.detail
    assert "rule0" not in shown
    assert "2026-10-01" not in shown
    (found,) = find(audit_input(clocked(), show_text=True))
    assert found.evidence["spans"][0]["excerpt"].startswith("Now: 2026-10-01T09:")


def test_the_kind_is_that_of_the_first_span() -> None:
    (found,) = find(audit_input(clocked(system="Session req_{k}7fj2k1x, path /srv/u{k}/x. {rules}")))
    assert found.title == "An id and 1 more spans in the system prompt changes in front of text that does not"
    assert [span["kind"] for span in found.evidence["spans"]] == ["id", "path"]


def test_a_clock_behind_the_static_text_is_no_finding() -> None:
    assert find(audit_input(clocked(system="{rules} Now: 2026-10-01T09:{k:02d}:11Z."))) == []


def test_prompts_that_differ_at_their_end_are_no_finding() -> None:
    assert find(audit_input(static_prompts(30))) == []


def test_a_date_that_changes_once_a_day_costs_too_little() -> None:
    provider = Provider()
    calls = []
    for k in range(200):
        text = f"Today: 2026-10-{1 + k // 100:02d}. {RULES}"
        system = [{"type": "text", "text": text, "cache_control": {"type": "ephemeral"}}]
        body = one_shot("", words(100, f"q{k}x"))
        calls.append(provider.call({**body, "system": system}, START + k * 60))
    assert find(audit_input(calls)) == []


def test_t7_tools_in_changing_order_are_a_finding_without_a_decision() -> None:
    provider = Provider()
    tools = [
        {"name": f"tool{k}", "description": words(300, f"t{k}x"), "input_schema": {"type": "object"}} for k in range(8)
    ]
    calls = [
        provider.call(one_shot(RULES, words(100, f"q{k}x"), tools=tools[k % 8 :] + tools[: k % 8]), START + k * 400)
        for k in range(40)
    ]
    (found,) = find(audit_input(calls))
    assert found.evidence["kind"] == "tool order"
    assert found.opt_in == {}
    assert found.advice == "Send the tools in one fixed order."

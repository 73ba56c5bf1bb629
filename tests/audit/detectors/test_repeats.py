from __future__ import annotations

import msgspec

from penstock.audit.detectors.repeats import find
from penstock.audit.finding import Finding, Measure
from penstock.wire.recorded import RecordedCall
from tests.audit.traffic import START, Provider, audit_input, one_shot, static_prompts


def by_kind(calls: list[RecordedCall]) -> dict[str, Finding]:
    return {found.kind: found for found in find(audit_input(calls))}


def test_t27_a_cut_answer_that_was_asked_for_again_was_paid_for_nothing() -> None:
    provider = Provider()
    cut = provider.call(one_shot("s", "q", max_tokens=64), START, output=64, finish="max_tokens")
    again = provider.call(one_shot("s", "q", max_tokens=512), START + 5, output=200)
    data = audit_input([cut, again])
    found = {one.kind: one for one in find(data)}
    assert found["retried"].measure is Measure.LOSS
    assert found["retried"].dollars == data.rows[0].cost
    assert found["truncated"].measure is Measure.SPEND


def test_the_same_request_answered_twice_is_a_question() -> None:
    provider = Provider()
    calls = [provider.call(one_shot("s", f"q{k % 5}"), START + k * 10) for k in range(20)]
    found = by_kind(calls)["repeated"]
    assert (found.measure, found.calls) == (Measure.QUESTION, 15)


def test_requests_a_day_apart_or_with_another_cap_are_no_repeat() -> None:
    provider = Provider()
    apart = [provider.call(one_shot("s", "q"), START + k * 90_000) for k in range(5)]
    assert by_kind(apart) == {}
    caps = [provider.call(one_shot("s", "q2", max_tokens=10 + k), START + k) for k in range(5)]
    assert by_kind(caps) == {}


def test_failures_are_counted_by_status_and_cost_nothing() -> None:
    calls = static_prompts(20)
    for k in range(3):
        calls[k] = msgspec.structs.replace(calls[k], usage=None, response=None, status=529 if k else 429)
    found = by_kind(calls)["errors"]
    assert found.evidence["by_status"] == {"529": 2, "429": 1}
    assert found.dollars == 0
    assert "3 of 20 calls failed (529: 2, 429: 1)" in found.title


def test_a_clean_log_has_none_of_these() -> None:
    assert by_kind(static_prompts(30)) == {}

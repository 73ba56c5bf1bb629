from __future__ import annotations

import json

import msgspec

from penstock.audit.detectors.common import explained, few, whole
from penstock.audit.detectors.volatile_prefix import find
from penstock.audit.gather import Group
from tests.audit.detectors.test_volatile_prefix import clocked
from tests.audit.traffic import audit_input, static_prompts


def test_a_figure_over_some_calls_is_scaled_to_all_answered_ones_and_says_so() -> None:
    rows = audit_input(static_prompts(10)).rows
    rows[0] = msgspec.structs.replace(rows[0], failed=True)
    group = Group("t", "m", rows)
    assert whole(300, rows[1:4], group) == 900
    assert few(rows[1:4], group) == "3 of 9 calls, scaled"
    assert few(rows[1:], group) == "9 calls"
    assert whole(300, [], group) == 0


def test_a_finding_names_what_the_provider_itself_says_of_the_calls() -> None:
    calls = clocked()
    reason = {"type": "system_changed", "cache_missed_input_tokens": 3000}
    said = [{"cache_miss_reason": reason}] * 3 + [None, {"cache_miss_reason": None}]
    for number, one in enumerate(said, 1):
        answer = json.loads(calls[number].response or b"{}")
        calls[number] = msgspec.structs.replace(
            calls[number], response=json.dumps({**answer, "diagnostics": one}).encode()
        )
    (found,) = find(audit_input(calls))
    assert found.evidence["provider_says"] == {"system_changed": 3}
    assert found.detail.endswith(
        "The provider's own diagnostics say system_changed in 3 calls (9,000 tokens not read)."
    )
    (silent,) = find(audit_input(clocked()))
    assert explained(silent, []) is silent
    assert "provider_says" not in silent.evidence

from __future__ import annotations

import msgspec

from penstock.audit.detectors.common import few, whole
from penstock.audit.gather import Group
from tests.audit.traffic import audit_input, static_prompts


def test_a_figure_over_some_calls_is_scaled_to_all_answered_ones_and_says_so() -> None:
    rows = audit_input(static_prompts(10)).rows
    rows[0] = msgspec.structs.replace(rows[0], failed=True)
    group = Group("t", "m", rows)
    assert whole(300, rows[1:4], group) == 900
    assert few(rows[1:4], group) == "3 of 9 calls, scaled"
    assert few(rows[1:], group) == "9 calls"
    assert whole(300, [], group) == 0

from __future__ import annotations

from typing import get_args

import pytest

from penstock.dashboard.calls import PAGE, calls, one_call
from penstock.engine.holdback import Arm
from penstock.ledger.sqlite import open_ledger
from penstock.wire.usage import Usage
from tests.dashboard.ledgers import mixed
from tests.ledger.calls import call


def test_pages_lead_from_the_newest_call_to_the_oldest() -> None:
    with open_ledger(":memory:") as ledger:
        ledger.append([call(number) for number in range(2 * PAGE + 1)])
        seen: list[str] = []
        before = None
        for _ in range(3):
            found = calls(ledger, before=before)
            seen += [one.id for one in found.calls]
            before = found.older
        assert before is None
        assert seen == [f"call_{number:04d}" for number in reversed(range(2 * PAGE + 1))]


def test_a_filter_keeps_the_names_that_could_be_chosen_instead() -> None:
    with open_ledger(":memory:") as ledger:
        ledger.append([call(1), call(2, task="extract"), call(3, model_sent="m")])
        found = calls(ledger, task="triage", model="m")
        assert [one.id for one in found.calls] == ["call_0003"]
        assert (found.tasks, found.models) == (("extract", "triage"), ("claude-haiku-4-5", "m"))


def test_a_call_says_its_sum_and_where_foreseen_and_reported_differ() -> None:
    known = mixed()[0]
    known.predicted = Usage(input_uncached=12_412)
    found = one_call(known)
    assert found.arithmetic is not None
    assert found.arithmetic.startswith("12,000 read x $0.1/M + 67 written for 5m x $1.25/M + 345 plain x $1/M")
    assert [(one.kind, one.reported, one.foreseen) for one in found.buckets] == [
        ("plain", 345, 12_412),
        ("read from a cache", 12_000, 0),
        ("written for 5 minutes", 67, 0),
        ("answer", 89, None),
    ]


def test_what_is_not_known_of_a_call_is_not_made_up() -> None:
    nothing = one_call(call(1, usage=None, cost=None))
    assert (nothing.arithmetic, nothing.buckets) == (None, ())
    unpriced = one_call(call(1, model_sent="nobody-knows-it"))
    assert unpriced.arithmetic is not None
    assert unpriced.arithmetic.startswith("unknown (")
    assert one_call(call(1, tier="moon")).arithmetic == "unknown (the tier moon is not known)"


def test_a_sum_at_another_price_table_says_so() -> None:
    assert one_call(call(1, price_table="an old one")).other_table
    assert one_call(call(1)).other_table is None


@pytest.mark.parametrize("arm", get_args(Arm))
def test_every_arm_says_what_became_of_the_edits(arm: Arm) -> None:
    assert one_call(call(1, arm=arm)).fate

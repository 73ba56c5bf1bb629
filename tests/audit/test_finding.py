from __future__ import annotations

from typing import Any

from penstock.audit.finding import Finding, Measure, Pool, by_size, possible_saving
from penstock.money import Picodollars
from penstock.unknown import Unknown


def finding(dollars: int | None, **more: Any) -> Finding:
    amount = Unknown("no price") if dollars is None else Picodollars(dollars)
    fields: dict[str, Any] = {
        "kind": "never_cached",
        "task": "t",
        "model": "m",
        "title": "A finding",
        "detail": "Why.",
        "measure": Measure.SAVING,
        "pool": Pool.PROMPT,
        "dollars": amount,
        "dollars_month": amount,
        "basis": "derived",
        "calls": 3,
    }
    return Finding(**{**fields, **more})


def test_t18_findings_that_compete_for_the_same_tokens_count_once() -> None:
    found = [
        finding(50),
        finding(80, kind="volatile_prefix"),
        finding(30, measure=Measure.LOSS, kind="written_never_read"),
        finding(7, pool=Pool.OUTPUT),
        finding(1000, measure=Measure.QUESTION, pool=Pool.MODEL),
        finding(900, measure=Measure.SPEND),
        finding(None),
        finding(5, task="other"),
        finding(-5, task="third"),
    ]
    assert possible_saving(found) == 80 + 7 + 5
    assert possible_saving(found, "t") == 87
    assert possible_saving([]) == 0


def test_savings_and_losses_come_first_the_largest_on_top_and_unknown_ones_last() -> None:
    found = [
        finding(900, measure=Measure.SPEND),
        finding(5, measure=Measure.QUESTION),
        finding(None),
        finding(50, measure=Measure.LOSS),
        finding(80),
        finding(0, measure=Measure.ADVICE),
    ]
    ranked = [(one.measure.value, one.dollars) for one in sorted(found, key=by_size)]
    assert ranked == [
        ("saving", 80),
        ("loss", 50),
        ("saving", Unknown("no price")),
        ("question", 5),
        ("spend", 900),
        ("advice", 0),
    ]

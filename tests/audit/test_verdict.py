from __future__ import annotations

import pytest

from penstock.audit.finding import Measure, Pool, Verdict
from penstock.audit.period import Period
from penstock.audit.row import CallRow
from penstock.audit.verdict import Floor, judge
from penstock.money import PICO_PER_USD, Picodollars
from penstock.unknown import Unknown
from tests.audit.test_finding import finding

DAY = Period(86_400.0)


def rows(count: int, unpriced: int = 0) -> list[CallRow]:
    costs: list[Picodollars | Unknown] = [Unknown("no price")] * unpriced
    costs += [Picodollars(1)] * (count - unpriced)
    return [CallRow(ts=0.0, task="t", labelled=True, model="m", dialect=None, cost=cost) for cost in costs]


@pytest.mark.parametrize(
    ("usd_day", "calls", "unpriced", "verdict"),
    [
        (1.0, 10, 0, Verdict.WORTH),  # thirty dollars a month, however few calls
        (0.5, 5000, 0, Verdict.NOT_WORTH),
        (0.0, 10, 0, Verdict.NOT_WORTH),
        (0.0, 10, 10, Verdict.NOT_WORTH),  # nothing is priced, but hardly anything is called
        (0.0, 5000, 5000, Verdict.UNKNOWN),
        (0.5, 5000, 2, Verdict.NOT_WORTH),  # a handful without a price changes nothing
    ],
)
def test_the_floor_is_of_dollars_and_of_calls_where_dollars_are_not_known(
    usd_day: float, calls: int, unpriced: int, verdict: Verdict
) -> None:
    judged = judge("t", rows(calls, unpriced), [finding(int(usd_day * PICO_PER_USD))], DAY, Floor())
    assert judged.verdict is verdict
    assert judged.calls_day == calls


def test_the_floor_can_be_moved_and_is_named() -> None:
    judged = judge("t", rows(10), [finding(PICO_PER_USD)], DAY, Floor(usd_month=100))
    assert judged.verdict is Verdict.NOT_WORTH
    assert judged.why == "$30.00 a month possible, under the floor of $100 a month; 10 calls a day"


def test_a_log_that_cannot_be_scaled_gives_no_verdict() -> None:
    judged = judge("t", rows(10), [finding(PICO_PER_USD)], Period(40.0), Floor())
    assert judged.verdict is Verdict.UNKNOWN
    assert "too short" in judged.why


def test_an_open_question_above_the_floor_is_asked_and_not_called_worthless() -> None:
    question = finding(2 * PICO_PER_USD, measure=Measure.QUESTION, pool=Pool.MODEL)
    judged = judge("t", rows(10), [finding(PICO_PER_USD // 10), question], DAY, Floor())
    assert judged.verdict is Verdict.ASK
    assert judged.why == "$3.00 a month possible, $60.00 more if the gate agrees; 10 calls a day"
    small = finding(PICO_PER_USD // 10, measure=Measure.QUESTION)
    assert judge("t", rows(10), [small], DAY, Floor()).verdict is Verdict.NOT_WORTH


def test_findings_of_other_tasks_do_not_count() -> None:
    judged = judge("t", rows(10), [finding(90 * PICO_PER_USD, task="other")], DAY, Floor())
    assert judged.verdict is Verdict.NOT_WORTH

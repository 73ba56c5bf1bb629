from __future__ import annotations

from penstock.engine.call import Outcome
from penstock.engine.edit import Note
from penstock.engine.steps import Sent
from penstock.replay.result import Bill
from tests.ledger.calls import call


def test_a_call_is_in_every_sum_or_in_none() -> None:
    bill = Bill()
    bill.add("a", "m", 1.0, recorded=10, predicted=11, projected={"all": 4})
    bill.add("a", "m", 2.0, recorded=10, predicted=None, projected={"all": 4})
    bill.add("b", "m", 3.0, recorded=7, predicted=7, projected={"all": None})
    result = bill.result()
    assert (result.total.calls, result.total.recorded, result.total.saving) == (1, 10, 6)
    assert list(result.by_task) == ["a"]
    assert sum(result.left_out.values()) == 2
    assert (result.first_ts, result.last_ts) == (1.0, 3.0)


def test_shares_of_nothing_are_unknown_and_not_zero() -> None:
    result = Bill().result()
    assert result.saving_share is None
    assert result.prediction_error is None


def test_each_lever_is_credited_with_what_it_adds_to_those_before_it() -> None:
    bill = Bill()
    lanes = {"": 100, "trim": 90, "route": 60, "cap": 60, "all": 20}
    bill.add("a", "m", 1.0, recorded=100, predicted=100, projected=lanes)
    assert bill.result().by_lever == {"trim": 10, "route": 30, "cap": 0, "cache": 40}


def test_why_levers_stood_down_is_counted_by_task() -> None:
    bill = Bill()
    for number in range(3):
        kept = call(number, notes=(Note("cache", f"{number} writes were not read"),))
        bill.note(
            Outcome(sent=Sent(status=200, started_at=0.0, ended_at=1.0), call=kept, plan=None), "claude-haiku-4-5"
        )
    (one,) = bill.result().stood_down
    assert (one.task, one.lever, one.did, one.calls) == ("triage", "cache", "stands down", 3)
    assert one.why == "2 writes were not read"

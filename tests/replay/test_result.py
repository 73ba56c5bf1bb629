from __future__ import annotations

from penstock.replay.result import Bill


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

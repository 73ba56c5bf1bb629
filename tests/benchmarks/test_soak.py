from __future__ import annotations

import pytest

from benchmarks.raw_caller import Answer
from benchmarks.soak import Asked, Traffic, accounts, memory, slope
from penstock.money import Picodollars
from tests.ledger.calls import call


def asked(number: int, kind: str = "planned", **headers: str) -> Asked:
    answer = Answer()
    answer.status, answer.whole, answer.headers = 200, True, headers
    return Asked(number, kind, answer)


def line(number: int, cost: int) -> dict[str, object]:
    return {"task": str(number), "cost": cost, "complete": True}


def test_calls_are_missed_met_twice_and_met_unasked() -> None:
    rows = [call(1, tags={"n": "1"}), call(2, tags={"n": "1"}), call(3, tags={"n": "4"})]
    found = accounts([asked(1), asked(2), asked(3, "other"), asked(5, "metered")], rows, [])
    assert (found["missing"], found["twice"], found["unexpected"]) == ([2, 5], [1], [4])
    assert found["expected_in_ledger"] == 3


def test_a_call_that_we_refused_is_not_expected() -> None:
    refused = asked(1, **{"x-penstock-error": "overloaded"})
    assert accounts([refused], [], [])["missing"] == []


def test_costs_are_compared_with_the_bill_of_whole_calls() -> None:
    rows = [call(number, tags={"n": str(number)}, cost=Picodollars(7)) for number in (1, 2, 3)]
    bill = [line(1, 7), line(2, 8), {**line(3, 7), "complete": False}]
    found = accounts([asked(1), asked(2), asked(3)], rows, bill)
    assert (found["costs_compared"], found["costs_exact"], len(found["costs_wrong"])) == (2, 1, 1)


def test_memory_is_judged_by_its_slope_after_the_warm_up_and_before_the_end() -> None:
    samples = [{"at_s": 60.0 * minute, "pss_mb": 40.0 + max(0, 3 - minute) + 0.5 * minute} for minute in range(11)]
    found = memory([*samples, {"at_s": 700.0, "pss_mb": 10.0}])
    assert found["pss_mb_slope_per_minute"] == pytest.approx(0.5, abs=0.01)
    assert found["pss_mb_end"] == 10.0


def test_a_slope_of_one_sample_is_none() -> None:
    assert slope([1.0], [5.0]) == 0.0


def test_traffic_is_the_same_under_one_seed() -> None:
    first, second, other = (Traffic("http://x", seed) for seed in (7, 7, 8))
    made = [[traffic._request() for _ in range(50)] for traffic in (first, second, other)]
    assert made[0] == made[1] != made[2]

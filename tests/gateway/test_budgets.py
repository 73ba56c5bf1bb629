from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.gateway.budgets import KEY_TAG, TEAM_TAG, Budgets, Spender, most_it_costs, period_of
from penstock.money import Picodollars
from penstock.policy.serving import Budget
from tests.ledger.calls import call

USD = 10**12
NOON = 1_790_000_000.0
DAY = 86_400.0


def test_room_is_reserved_so_that_parallel_calls_cannot_overshoot() -> None:
    budgets = Budgets({"total": Budget(usd=1.0)})
    first, one = budgets.reserve(Spender(), USD * 6 // 10, NOON)
    second, two = budgets.reserve(Spender(), USD * 6 // 10, NOON)
    assert (first.action, second.action, second.budget) == ("go", "stop", "total")
    assert one is not None
    assert two is None
    one.settle(Picodollars(USD // 10), NOON)
    third, _ = budgets.reserve(Spender(), USD * 6 // 10, NOON)
    assert third.action == "go"


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(1, USD), st.integers(0, 100), st.booleans()), max_size=30))
def test_spending_never_passes_the_limit_when_no_call_costs_more_than_reserved(
    steps: list[tuple[int, int, bool]],
) -> None:
    budgets = Budgets({"total": Budget(usd=2.0)})
    running = []
    for amount, share, finish in steps:
        _, reservation = budgets.reserve(Spender(), amount, NOON)
        if reservation is not None:
            running.append((reservation, Picodollars(amount * share // 100)))
        if finish and running:
            held, cost = running.pop(0)
            held.settle(cost, NOON)
        ((_, limit, spent, reserved),) = budgets.standing()
        assert 0 <= spent + reserved <= limit


def test_an_unknown_outcome_is_charged_as_reserved_and_once() -> None:
    budgets = Budgets({"total": Budget(usd=1.0)})
    _, reservation = budgets.reserve(Spender(), 7, NOON)
    assert reservation is not None
    reservation.settle(None, NOON)
    reservation.settle(None, NOON)
    assert budgets.standing() == [("total", USD, 7, 0)]


@pytest.mark.parametrize("action", ["warn", "throttle", "stop"])
def test_the_action_of_a_spent_budget_is_the_policy_s(action: str) -> None:
    budgets = Budgets({"total": Budget(usd=1.0, warn=0.5, action=action)})  # type: ignore[arg-type]
    verdict, reservation = budgets.reserve(Spender(), 6 * USD // 10, NOON)
    assert verdict.action == "warn"
    assert reservation is not None
    verdict, reservation = budgets.reserve(Spender(), USD, NOON)
    assert verdict.action == action
    assert (reservation is None) is (action == "stop")


def test_budgets_are_for_keys_teams_and_tasks() -> None:
    budgets = Budgets(
        {
            "team": Budget(usd=1.0, team="web"),
            "task": Budget(usd=2.0, task="triage", key="a"),
            "total": Budget(usd=100.0),
        }
    )
    budgets.reserve(Spender("a", "web", "triage"), USD, NOON)
    assert [reserved for _, _, _, reserved in budgets.standing()] == [USD, USD, USD]
    assert budgets.reserve(Spender("b", "web", "x"), 1, NOON)[0].budget == "team"
    assert budgets.reserve(Spender("a", None, "triage"), 2 * USD, NOON)[0].budget == "task"
    assert budgets.reserve(Spender("b", None, "triage"), 2 * USD, NOON)[0].action == "go"


def test_a_new_period_begins_empty_and_keeps_what_runs() -> None:
    budgets = Budgets({"day": Budget(usd=1.0, period="day"), "month": Budget(usd=10.0)})
    _, reservation = budgets.reserve(Spender(), USD, NOON)
    assert reservation is not None
    assert budgets.reserve(Spender(), USD, NOON)[0].action == "stop"
    reservation.settle(Picodollars(USD), NOON + DAY)
    assert budgets.reserve(Spender(), 1, NOON + DAY)[0].budget == "day"  # charged to the day it ended in
    assert budgets.reserve(Spender(), USD // 2, NOON + 2 * DAY)[0].action == "go"
    assert period_of("month", 0.0) < period_of("month", NOON)


def test_a_restart_remembers_what_was_spent() -> None:
    budgets = Budgets({"day": Budget(usd=1.0, period="day", key="a")})
    tags = {KEY_TAG: "a", TEAM_TAG: "web"}
    calls = [
        call(1, started_at=NOON - 2 * DAY, cost=Picodollars(USD), tags=tags),
        call(2, started_at=NOON, cost=Picodollars(USD), tags=tags),
        call(3, started_at=NOON, cost=Picodollars(USD)),
        call(4, started_at=NOON, cost=None, tags=tags),
    ]
    budgets.recall(calls)
    assert budgets.standing() == [("day", USD, USD, 0)]


def test_a_call_that_cannot_be_read_has_no_upper_price() -> None:
    assert most_it_costs(None) == 0

from __future__ import annotations

import pytest

from penstock.evidence.returns import UNREAD, Account
from penstock.levers.cache.guard import FLOAT_TOKENS, SHARE, affordable, standing
from penstock.levers.cache.planner import Mark, Terms, Write

TERMS = Terms(read=0.1, writes=(Write("1h", 3600.0, 2.0), Write("5m", 300.0, 1.25)), minimum=1024)
NOW = 1_000_000.0


def mark(tokens: int, ttl: str = "5m") -> Mark:
    return Mark(position=0, ttl=ttl, tokens=tokens, chance=0.5, saving=1.0)


def test_a_new_task_may_begin_with_a_small_float() -> None:
    assert standing(Account(), TERMS, NOW).allowed == FLOAT_TOKENS


def test_what_writes_cost_above_plain_is_taken_off_and_what_reads_saved_is_added() -> None:
    account = Account(prompt=1_000_000, read=200_000, written={"5m": 100_000, "1h": 10_000})
    paid, earned = 0.25 * 100_000 + 1.0 * 10_000, 0.9 * 200_000
    assert standing(account, TERMS, NOW).allowed == pytest.approx(FLOAT_TOKENS + SHARE * 1_000_000 + earned - paid)


def test_a_task_whose_writes_lost_too_much_may_not_write() -> None:
    account = Account(prompt=1_000_000, written={"1h": 1_000_000})
    assert standing(account, TERMS, NOW).allowed == 0.0


def test_expected_reads_that_never_came_stand_a_task_down() -> None:
    account = Account(unread=UNREAD, unread_writes=7, last_write=NOW - 599.0)
    found = standing(account, TERMS, NOW)
    assert found.allowed == 0.0
    assert "7 writes were not read" in found.why


def test_one_write_is_let_through_after_ten_minutes_and_then_more_seldom() -> None:
    account = Account(unread=UNREAD, last_write=NOW - 600.0)
    assert standing(account, TERMS, NOW).allowed > 0
    account.probes = 1
    assert standing(account, TERMS, NOW).allowed == 0.0
    assert standing(account, TERMS, NOW + 600.0).allowed > 0


def test_a_task_that_stands_down_tries_again_after_six_hours_at_most() -> None:
    account = Account(unread=UNREAD, last_write=NOW, probes=60)
    assert standing(account, TERMS, NOW + 21_599.0).allowed == 0.0
    assert standing(account, TERMS, NOW + 21_600.0).allowed > 0


def test_markers_are_kept_from_the_front_while_their_writes_are_affordable() -> None:
    marks = [mark(1000, "1h"), mark(2000), mark(100)]
    assert affordable(marks, TERMS, 1500.0) == marks[:2]
    assert affordable(marks, TERMS, 1499.0) == marks[:1]
    assert affordable(marks, TERMS, 0.0) == []
    assert affordable(marks, TERMS, 1525.0) == marks

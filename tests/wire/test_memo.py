from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from penstock.wire.memo import Memo


def test_what_was_put_is_found_and_anything_else_is_none() -> None:
    memo: Memo[str, int] = Memo(10)
    memo.put("a", 1)
    assert memo.get("a") == 1
    assert memo.get("b") is None


def test_what_is_used_outlives_what_is_not() -> None:
    memo: Memo[int, int] = Memo(4)
    memo.put(-1, -1)
    memo.put(-2, -2)
    for number in range(20):
        memo.put(number, number)
        assert memo.get(-1) == -1
    assert memo.get(-2) is None


def test_a_value_heavier_than_a_generation_is_not_kept() -> None:
    memo: Memo[str, str] = Memo(4)
    memo.put("big", "value", weight=5)
    assert memo.get("big") is None


def test_values_in_use_are_not_kept_beyond_the_limit() -> None:
    memo: Memo[int, int] = Memo(10)
    for number in range(1_000):
        memo.put(number, number)
        for other in range(number):
            memo.get(other)
    assert len(memo) <= 2 * 10


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 6)), max_size=200))
def test_at_most_two_generations_are_held_and_values_are_never_mixed_up(puts: list[tuple[int, int]]) -> None:
    memo: Memo[int, tuple[int, int]] = Memo(10)
    latest: dict[int, tuple[int, int]] = {}
    for key, weight in puts:
        latest[key] = (key, weight)
        memo.put(key, latest[key], weight)
        assert memo.get(key) == latest[key]
        assert len(memo) <= 2 * 10
        assert all(memo.get(other) in (None, latest[other]) for other in latest)

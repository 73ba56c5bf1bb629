from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.cachemodel.bound import ANTHROPIC, OPENAI_BREAKPOINTS, OPENAI_GRID, Multipliers, Write, clairvoyant


def _exhaustive(times: list[float], tokens: int, multipliers: Multipliers) -> float:
    """The same bound by trying every sequence of actions, with the entry's whole state carried along."""
    actions = ["plain", "read", *range(len(multipliers.writes))]
    best = float("inf")
    for plan in itertools.product(actions, repeat=len(times)):
        cost, entry = 0.0, None
        for t, action in zip(times, plan, strict=True):
            if action == "plain":
                cost += multipliers.plain * tokens
            elif action == "read":
                if entry is None or t - entry[1] > multipliers.writes[entry[0]].lifetime_s:
                    break
                cost += multipliers.read * tokens
                entry = (entry[0], t)
            else:
                cost += multipliers.writes[action].rate * tokens
                entry = (action, t)
        else:
            best = min(best, cost)
    return best


def test_a_node_seen_once_is_plain() -> None:
    assert clairvoyant([(0.0, [("a", 100)])]) == 100


def test_one_read_inside_five_minutes_repays_the_write() -> None:
    assert clairvoyant([(0.0, [("a", 100)]), (300.0, [("a", 100)])]) == pytest.approx(135)


def test_a_read_right_after_the_lifetime_is_no_longer_possible() -> None:
    assert clairvoyant([(0.0, [("a", 100)]), (3600.1, [("a", 100)])]) == 200


def test_two_reads_within_the_hour_repay_an_hour_write_but_one_does_not() -> None:
    assert clairvoyant([(0.0, [("a", 100)]), (1000.0, [("a", 100)])]) == 200
    assert clairvoyant([(0.0, [("a", 100)]), (1000.0, [("a", 100)]), (2000.0, [("a", 100)])]) == pytest.approx(220)


def test_a_read_starts_the_lifetime_again() -> None:
    trace = [(200.0 * turn, [("a", 100)]) for turn in range(10)]
    assert clairvoyant(trace) == pytest.approx(125 + 9 * 10)


def test_nodes_are_priced_apart_and_each_arrival_by_its_own_tokens() -> None:
    trace = [(0.0, [("a", 512), ("b", 100)]), (10.0, [("a", 512), ("c", 40)])]
    assert clairvoyant(trace) == pytest.approx(512 * 1.35 + 100 + 40)


def test_a_thirty_minute_write_is_the_only_one_of_openai() -> None:
    assert clairvoyant([(0.0, [("a", 100)]), (1700.0, [("a", 100)])], OPENAI_BREAKPOINTS) == pytest.approx(135)
    assert clairvoyant([(0.0, [("a", 100)]), (1801.0, [("a", 100)])], OPENAI_BREAKPOINTS) == 200


def test_without_a_write_fee_every_repeat_inside_the_lifetime_is_read() -> None:
    assert clairvoyant([(0.0, [("a", 100)]), (80_000.0, [("a", 100)])], OPENAI_GRID) == pytest.approx(110)


def test_integer_rates_give_an_exact_integer() -> None:
    rates = Multipliers(read=200_000, writes=(Write(300.0, 5_000_000), Write(3600.0, 8_000_000)), plain=4_000_000)
    cost = clairvoyant([(0.0, [("a", 7)]), (60.0, [("a", 7)])], rates)
    assert cost == 7 * 5_200_000
    assert isinstance(cost, int)


@settings(max_examples=60, deadline=None)
@given(
    gaps=st.lists(st.sampled_from([0.0, 1.0, 300.0, 301.0, 1799.0, 3600.0, 3601.0]), max_size=5),
    multipliers=st.sampled_from([ANTHROPIC, OPENAI_BREAKPOINTS, OPENAI_GRID]),
)
def test_it_equals_the_exhaustive_search(gaps: list[float], multipliers: Multipliers) -> None:
    times = list(itertools.accumulate(gaps, initial=0.0))
    got = clairvoyant([(t, [("a", 10)]) for t in times], multipliers)
    assert got == pytest.approx(_exhaustive(times, 10, multipliers))

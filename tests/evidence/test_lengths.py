from __future__ import annotations

import random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.evidence.lengths import Bound, LengthKey, Lengths, LengthTable, kaplan_meier, rounded_up
from penstock.unknown import Unknown


def _lengths(whole: list[int], cut: list[int] | None = None) -> Lengths:
    lengths = Lengths()
    for tokens in whole:
        lengths.add(tokens)
    for tokens in cut or []:
        lengths.add(tokens, cut=True)
    return lengths


@given(st.integers(0, 2_000_000))
def test_a_length_is_kept_to_within_one_percent_and_never_shortened(tokens: int) -> None:
    kept = rounded_up(tokens)
    assert tokens <= kept <= max(tokens * 1.011 + 1, 256)


def test_a_histogram_stays_small_whatever_the_traffic() -> None:
    assert len({rounded_up(tokens) for tokens in range(0, 1_000_000, 7)}) < 1300


def test_without_cut_answers_the_bound_is_the_order_statistic() -> None:
    lengths = _lengths(list(range(1, 60)))
    assert lengths.upper_bound(0.05) == Bound(tokens=59, answers=59, cut=0, rank=59, share=0.05)
    many = _lengths([1] * 990 + list(range(101, 111)))
    bound = many.upper_bound(0.05)
    assert isinstance(bound, Bound)
    assert bound.tokens == 1


def test_too_few_answers_give_no_bound() -> None:
    bound = _lengths([5] * 58).upper_bound(0.05)
    assert bound == Unknown("58 whole answers are too few to bound all but 5% of lengths")


def test_t27_answers_cut_at_a_cap_are_lower_bounds_and_not_lengths() -> None:
    """Sixty of a hundred ended by themselves, up to 120 tokens; forty were cut at 50."""
    lengths = _lengths([30] * 40 + [120] * 60, [50] * 40)
    bound = lengths.upper_bound(0.05)
    assert isinstance(bound, Bound)
    assert bound.tokens == 120
    naive = _lengths([30] * 40 + [50] * 40 + [120] * 60)
    assert lengths.mean == naive.mean


def test_t27_when_the_longest_are_cut_there_is_no_bound() -> None:
    bound = _lengths([30] * 100, [50] * 20).upper_bound(0.05)
    assert isinstance(bound, Unknown)
    assert "20 of 120 answers were cut" in bound.why


def test_kaplan_meier_moves_the_weight_of_cut_answers_to_the_longer_ones() -> None:
    steps = kaplan_meier({10: 2, 30: 1}, {20: 1})
    assert steps == [(10, pytest.approx(0.5)), (30, pytest.approx(0.5))]
    assert sum(weight for _, weight in kaplan_meier({10: 3}, {20: 1})) == pytest.approx(0.75)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 5000), min_size=1, max_size=60))
def test_without_cut_answers_kaplan_meier_is_the_plain_distribution(values: list[int]) -> None:
    steps = dict(kaplan_meier(_lengths(values).whole, {}))
    assert sum(steps.values()) == pytest.approx(1.0)
    for length, weight in steps.items():
        assert weight == pytest.approx(sum(rounded_up(value) == length for value in values) / len(values))


def test_the_bound_keeps_its_promise_on_fresh_draws() -> None:
    chance = random.Random(5)
    broken = 0
    for _ in range(200):
        bound = _lengths([int(chance.lognormvariate(4, 0.6)) for _ in range(59)]).upper_bound(0.05)
        assert isinstance(bound, Bound)
        longer = sum(chance.lognormvariate(4, 0.6) > bound.tokens for _ in range(400)) / 400
        broken += longer > 0.08
    assert broken <= 16


def test_caps_of_ours_that_cut_too_often_are_noticed() -> None:
    lengths = Lengths()
    for number in range(20):
        lengths.add(40, ours=True, cut=number < 3)
    assert lengths.too_often_cut(0.01)
    assert not _lengths([40] * 20).too_often_cut(0.01)


Seen = list[tuple[int, bool, bool]]
observations = st.lists(st.tuples(st.integers(0, 3000), st.booleans(), st.booleans()), max_size=30)


@settings(max_examples=60, deadline=None)
@given(observations, observations)
def test_merging_two_tables_is_counting_everything_in_one(first: Seen, second: Seen) -> None:
    key = LengthKey("task", "model")

    def table(seen: Seen) -> LengthTable:
        made = LengthTable()
        for tokens, cut, ours in seen:
            made.add(key, tokens, cut=cut, ours=ours)
        return made

    merged, swapped = table(first), table(second)
    merged.merge(table(second))
    swapped.merge(table(first))
    assert merged.to_builtins() == table(first + second).to_builtins() == swapped.to_builtins()
    assert LengthTable.from_builtins(msgspec.json.decode(msgspec.json.encode(merged.to_builtins()))) == merged


def test_past_its_limit_a_table_counts_and_does_not_grow() -> None:
    table = LengthTable(limit=2)
    for number in range(5):
        table.add(LengthKey(str(number), "m"), 1)
    assert (len(table.by_key), table.untracked) == (2, 3)
    assert table.of(LengthKey("4", "m")) is None
    assert isinstance(Lengths().mean, Unknown)

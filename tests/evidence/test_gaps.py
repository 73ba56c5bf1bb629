from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.evidence.gaps import AGES, EDGES, STAGES, Gaps

SIGHTINGS = st.lists(
    st.tuples(st.integers(0, 3 * STAGES - 1), st.integers(0, len(EDGES) - 1), st.booleans()), max_size=40
)


def told(sightings: list[tuple[int, int, bool]]) -> Gaps:
    gaps = Gaps()
    for kind, interval, came in sightings:
        gaps.add(kind, interval, came=came)
    return gaps


def test_before_any_sighting_tools_go_on_later_and_unknown_prompts_hardly() -> None:
    unknown, dialogue, tools = (Gaps().stays(kind * STAGES)[EDGES[-1]] for kind in range(3))
    assert unknown > dialogue > tools
    assert unknown > 0.8
    assert tools < 0.4


def test_what_always_comes_again_is_expected_more_than_what_seldom_does() -> None:
    gaps = told([(0, 0, True)] * 100 + [(1, 0, False)] * 100)
    assert gaps.returns(0)[300.0] > 0.85
    assert gaps.returns(1)[300.0] < 0.15


def test_a_class_with_few_sightings_is_held_to_what_its_kind_of_traffic_does() -> None:
    gaps = told([(0, 0, True)] * 100 + [(1, 0, False)])
    assert gaps.hazards(1)[0] > 0.8
    assert gaps.hazards(7)[0] == pytest.approx(101 / 103)
    assert gaps.hazards(STAGES) == Gaps().hazards(STAGES)


def test_intervals_are_measured_apart() -> None:
    gaps = told([(0, 0, False)] * 100 + [(0, 2, True)] * 30)
    assert gaps.hazards(0)[0] < 0.01
    assert gaps.hazards(0)[2] > 0.7
    assert gaps.returns(0)[EDGES[0]] < gaps.returns(0)[EDGES[2]]


def test_what_comes_late_is_expected_to_come_later_still_until_that_is_seen() -> None:
    late = told([(0, 1, True)] * 50)
    assert late.hazards(0)[2] > 5 * Gaps().hazards(0)[2]
    seen = told([(0, 1, True)] * 50 + [(0, 2, False)] * 50)
    assert seen.hazards(0)[2] < 0.05


def test_what_never_comes_after_ten_minutes_is_not_expected_later_before_that_is_seen() -> None:
    loop = 2 * STAGES
    quick = told([(loop, 0, False)] * 40 + [(loop, 1, False)] * 40)
    assert quick.stays(loop)[EDGES[-1]] > 0.9 > Gaps().stays(loop)[EDGES[-1]]


@settings(max_examples=50)
@given(sightings=SIGHTINGS, kind=st.integers(0, 3 * STAGES - 1))
def test_the_first_sightings_count_at_once(sightings: list[tuple[int, int, bool]], kind: int) -> None:
    asked = Gaps()
    for other, interval, came in sightings:
        asked.stays(kind)
        asked.add(other, interval, came=came)
    assert asked.stays(kind) == told(sightings).stays(kind)


def test_of_many_sightings_what_was_worked_out_is_never_older_than_a_32nd_of_them() -> None:
    asked = Gaps()
    for number in range(4000):
        asked.add(number % 3, 0, came=number > 2000)
        behind = abs(asked.returns(0)[300.0] - told_again(asked).returns(0)[300.0])
        assert behind <= 1.0 / 32.0


def told_again(gaps: Gaps) -> Gaps:
    return Gaps.from_builtins(gaps.to_builtins())


def test_a_copy_goes_its_own_way() -> None:
    gaps = told([(0, 0, True)] * 40)
    before = gaps.returns(0)[300.0]
    other = deepcopy(gaps)
    for _ in range(400):
        other.add(0, 0, came=False)
    assert gaps.returns(0)[300.0] == before > other.returns(0)[300.0]


def test_what_others_learnt_counts_at_once() -> None:
    gaps = told([(0, 0, False)] * 500)
    assert gaps.returns(0)[300.0] < 0.1
    gaps.merge(told([(0, 0, True)] * 9))
    merged = gaps.returns(0)[300.0]
    assert merged == told_again(gaps).returns(0)[300.0] > told([(0, 0, False)] * 500).returns(0)[300.0]
    gaps.advance(Gaps(), told([(0, 0, True)] * 9))
    assert gaps.returns(0)[300.0] == told_again(gaps).returns(0)[300.0] > merged


def test_of_late_returns_only_what_was_seen_of_the_class_is_expected() -> None:
    loop = 2 * STAGES
    assert Gaps().seen_between(loop, 270.0, 3870.0) == 0.0
    seen = told([(loop, 2, n % 4 == 0) for n in range(400)])
    assert seen.seen_between(loop, 270.0, 3870.0) == pytest.approx(0.25, abs=0.01)
    assert seen.seen_between(loop + 1, 270.0, 3870.0) == 0.0


def test_an_interval_that_has_begun_or_does_not_end_in_time_is_left_out() -> None:
    seen = told([(0, interval, True) for interval in range(5) for _ in range(100)])
    for waited, until in ((0.0, 299.0), (601.0, 1199.0), (1801.0, 5401.0)):
        assert seen.seen_between(0, waited, until) == 0.0
    assert seen.seen_between(0, 300.0, 600.0) > 0.9


def test_returns_within_the_first_interval_are_told_by_their_age() -> None:
    gaps = Gaps()
    before = gaps.by_age()
    assert len(before) == len(AGES)
    for _ in range(100):
        gaps.came_after(5.0)
    assert all(0.9 < soon < 1.0 for soon in gaps.by_age())
    assert all(0.1 < known < 0.9 for known in before)


@settings(max_examples=50)
@given(sightings=SIGHTINGS, kind=st.integers(0, 3 * STAGES - 1))
def test_chances_are_chances_and_never_fall_with_time(sightings: list[tuple[int, int, bool]], kind: int) -> None:
    gaps = told(sightings)
    returns, stays = gaps.returns(kind), gaps.stays(kind)
    assert list(returns) == list(stays) == list(EDGES)
    assert list(returns.values()) == sorted(returns.values())
    assert all(0.0 <= chance <= 1.0 for chance in (*returns.values(), *stays.values()))
    assert stays[EDGES[0]] == 1.0
    first = 1.0 - returns[EDGES[0]]
    assert all(1.0 - returns[edge] == pytest.approx(first * stays[edge]) for edge in EDGES)


@settings(max_examples=50)
@given(first=SIGHTINGS, second=SIGHTINGS)
def test_two_workers_together_know_what_one_would(
    first: list[tuple[int, int, bool]], second: list[tuple[int, int, bool]]
) -> None:
    merged, other = told(first), told(second)
    merged.came_after(10.0)
    merged.merge(other)
    whole = told(first + second)
    whole.came_after(10.0)
    assert merged.to_builtins()["all"] == whole.to_builtins()["all"]
    assert merged.by_age() == whole.by_age()
    assert all(merged.hazards(kind) == pytest.approx(whole.hazards(kind)) for kind in range(3 * STAGES))


@pytest.mark.parametrize("change", [{"all": [[0.0]]}, {"soon": [1.0]}, {"all": []}, {"classes": [[1, 2.0]]}])
def test_it_travels_as_json_and_refuses_counts_of_other_intervals(change: dict[str, Any]) -> None:
    gaps = told([(2, 1, True), (2, 0, False)])
    gaps.came_after(100.0)
    written = json.loads(json.dumps(gaps.to_builtins()))
    assert Gaps.from_builtins(written).to_builtins() == gaps.to_builtins()
    with pytest.raises(ValueError, match="counts of"):
        Gaps.from_builtins({**written, **change})

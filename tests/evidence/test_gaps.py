from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.evidence.gaps import EDGES, Gaps

SIGHTINGS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, len(EDGES) - 1), st.booleans()), max_size=40)


def told(sightings: list[tuple[int, int, bool]]) -> Gaps:
    gaps = Gaps()
    for kind, interval, came in sightings:
        gaps.add(kind, interval, came=came)
    return gaps


def test_nothing_is_expected_of_what_was_never_seen() -> None:
    assert Gaps().hazard(0, 0) == 0.0
    assert Gaps().within(0, 3600.0) == 0.0


def test_what_always_comes_again_is_expected_more_than_what_seldom_does() -> None:
    gaps = told([(0, 0, True)] * 50 + [(1, 0, False)] * 50)
    assert gaps.hazard(0, 0) > 0.85
    assert gaps.hazard(1, 0) < 0.15


def test_a_class_with_few_sightings_is_held_to_what_all_classes_do() -> None:
    gaps = told([(0, 0, True)] * 100 + [(1, 0, False)])
    assert gaps.hazard(1, 0) > 0.8
    assert gaps.hazard(7, 0) == pytest.approx(100 / 103)


def test_intervals_are_measured_apart() -> None:
    gaps = told([(0, 0, False)] * 30 + [(0, 2, True)] * 30)
    assert gaps.hazard(0, 0) == pytest.approx(0.0)
    assert gaps.hazard(0, 2) > 0.7
    assert gaps.within(0, EDGES[0]) < gaps.within(0, EDGES[2])


def test_a_promise_is_made_only_for_whole_intervals() -> None:
    gaps = told([(0, 1, True)] * 30)
    assert gaps.within(0, EDGES[1] - 1.0) == gaps.within(0, EDGES[0])
    assert gaps.within(0, EDGES[1]) > gaps.within(0, EDGES[0])


def test_a_better_estimate_of_the_first_interval_takes_its_place() -> None:
    gaps = told([(0, 0, False)] * 30)
    assert gaps.within(0, EDGES[0], first=0.9) == pytest.approx(0.9)


@settings(max_examples=50)
@given(sightings=SIGHTINGS, kind=st.integers(0, 4), shorter=st.sampled_from(EDGES), longer=st.sampled_from(EDGES))
def test_chances_are_chances_and_never_fall_with_time(
    sightings: list[tuple[int, int, bool]], kind: int, shorter: float, longer: float
) -> None:
    gaps = told(sightings)
    short, long = sorted((gaps.within(kind, shorter), gaps.within(kind, longer)))
    assert 0.0 <= short <= long <= 1.0
    assert gaps.within(kind, min(shorter, longer)) <= gaps.within(kind, max(shorter, longer))


@settings(max_examples=50)
@given(first=SIGHTINGS, second=SIGHTINGS)
def test_two_workers_together_know_what_one_would(
    first: list[tuple[int, int, bool]], second: list[tuple[int, int, bool]]
) -> None:
    merged, other = told(first), told(second)
    merged.merge(other)
    whole = told(first + second)
    assert merged.to_builtins()["all"] == whole.to_builtins()["all"]
    assert all(merged.hazard(kind, 1) == pytest.approx(whole.hazard(kind, 1)) for kind in range(4))


def test_it_travels_as_json_and_refuses_counts_of_other_intervals() -> None:
    gaps = told([(2, 1, True), (2, 0, False)])
    assert Gaps.from_builtins(gaps.to_builtins()).to_builtins() == gaps.to_builtins()
    with pytest.raises(ValueError, match="another set of intervals"):
        Gaps.from_builtins({"all": [0.0], "classes": []})

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.evidence.odds import Odds, score_of

examples = st.lists(st.tuples(st.integers(1, 3), st.integers(1, 6), st.booleans()), max_size=25)
"""Task seed, feature, and whether it came."""
EVEN = 0.0


def _chance(odds: Odds, seed: int, features: Sequence[int]) -> float:
    return odds.chance(odds.places(seed, tuple(features)), EVEN)


def _taught(seen: list[tuple[int, int, bool]]) -> Odds:
    odds = Odds()
    for seed, feature, came in seen:
        odds.learn(odds.places(seed, (feature,)), EVEN, came=came)
    return odds


@pytest.mark.parametrize("chance", [0.03, 0.5, 0.9])
def test_before_the_first_example_the_prior_is_the_chance(chance: float) -> None:
    assert Odds().chance(Odds.places(1, (1, 2, 3)), score_of(chance)) == pytest.approx(chance)


def test_the_score_of_a_chance_is_bounded() -> None:
    assert score_of(0.5) == 0.0
    assert score_of(1.0) == -score_of(0.0) == 30.0


def test_an_example_that_counts_for_three_teaches_about_as_much_as_three() -> None:
    heavy, thrice = Odds(), _taught([(1, 1, True)] * 3)
    heavy.learn(Odds.places(1, (1,)), EVEN, came=True, weight=3.0)
    assert _chance(heavy, 1, [1]) == pytest.approx(_chance(thrice, 1, [1]), abs=0.05)


@given(st.floats(0.01, 0.99), st.floats(0.0, 1.0))
def test_a_doubt_that_is_taken_back_leaves_nothing(prior: float, seen: float) -> None:
    odds = Odds()
    places = Odds.places(1, (1, 2))
    loan = odds.doubt(places, score_of(prior), seen)
    assert odds.chance(places, score_of(prior)) <= prior + 1e-9
    odds.take_back(places, loan)
    assert odds.chance(places, score_of(prior)) == pytest.approx(prior)


def test_a_doubt_weighs_more_the_more_returns_would_have_come_by_now() -> None:
    def after(seen: float) -> float:
        odds = Odds()
        odds.doubt(Odds.places(1, (1,)), EVEN, seen)
        return _chance(odds, 1, [1])

    assert after(0.0) == pytest.approx(0.5)
    assert after(1.0) == pytest.approx(_chance(_taught([(1, 1, False)]), 1, [1]))
    assert after(0.0) > after(0.3) > after(0.7) > after(1.0)


def test_what_keeps_coming_is_expected_and_what_never_does_is_not() -> None:
    kept = _taught([(1, 1, True)] * 100)
    never = _taught([(1, 1, False)] * 100)
    assert _chance(kept, 1, [1]) > 0.8
    assert _chance(never, 1, [1]) < 0.2


def test_chances_settle_near_the_share_that_came() -> None:
    odds = _taught([(1, 1, n % 2 == 0) for n in range(400)])
    assert _chance(odds, 1, [1]) == pytest.approx(0.5, abs=0.15)


def test_a_new_task_starts_from_what_all_tasks_taught() -> None:
    odds = _taught([(1, 1, True)] * 40)
    assert _chance(odds, 1, [1]) > _chance(odds, 2, [1]) > _chance(Odds(), 2, [1])


def test_a_task_outweighs_what_everyone_else_does() -> None:
    odds = _taught([(1, 1, True), (2, 1, False)] * 150)
    assert _chance(odds, 1, [1]) > 0.7
    assert _chance(odds, 2, [1]) < 0.3


def test_features_that_were_not_in_an_example_are_not_moved_by_it() -> None:
    odds = _taught([(1, 1, True)] * 40)
    assert _chance(odds, 1, [2]) == pytest.approx(_chance(Odds(), 1, [2]))


def test_a_chance_is_never_beyond_its_bounds_however_sure_the_weights() -> None:
    odds = Odds()
    places = odds.places(1, tuple(range(1, 40)))
    for _ in range(300):
        odds.learn(places, EVEN, came=False)
    assert 0.0 <= odds.chance(places, EVEN) < 0.01
    assert 0.0 <= odds.chance(places, -1e6) < odds.chance(places, 1e6) <= 1.0


@given(examples, examples)
@settings(max_examples=15, deadline=None)
def test_merging_adds_up_in_either_order(
    ours: list[tuple[int, int, bool]], theirs: list[tuple[int, int, bool]]
) -> None:
    left, right = _taught(ours), _taught(theirs)
    left.merge(_taught(theirs))
    right.merge(_taught(ours))
    assert left.examples == right.examples == _taught(ours + theirs).examples
    for seed in range(1, 4):
        for feature in range(1, 7):
            assert _chance(left, seed, [feature]) == pytest.approx(_chance(right, seed, [feature]))


def test_examples_of_two_workers_make_a_surer_learner_than_those_of_one() -> None:
    one, other = _taught([(1, 1, True)] * 4), _taught([(1, 1, True)] * 4)
    alone = _chance(one, 1, [1])
    one.merge(other)
    assert _chance(one, 1, [1]) > alone


@given(examples)
@settings(max_examples=15, deadline=None)
def test_merging_with_nothing_changes_nothing_and_json_keeps_everything(seen: list[tuple[int, int, bool]]) -> None:
    odds = _taught(seen)
    known = odds.to_builtins()
    odds.merge(Odds())
    again = Odds.from_builtins(json.loads(json.dumps(odds.to_builtins())))
    assert odds.to_builtins() == known == again.to_builtins()
    assert _chance(again, 1, [1]) == _chance(odds, 1, [1])


def test_the_weights_take_the_same_room_whatever_was_seen() -> None:
    odds = Odds()
    for feature in range(1, 3000):
        odds.learn(odds.places(feature, (feature,)), EVEN, came=True)
    assert len(json.dumps(odds.to_builtins())) < 16_384 * (4 + 8 + 8) * 4 / 3 + 200


@pytest.mark.parametrize(
    "change",
    [
        {"precision": ""},
        {"trust": "x"},
        {"places": "AAA"},
        {"examples": "x"},
        {"places": "/////w==", "eta": "AAAAAAAAAAA="},
    ],
)
def test_what_is_not_a_learner_is_refused(change: dict[str, str]) -> None:
    good = _taught([(1, 1, True)]).to_builtins()
    with pytest.raises((ValueError, KeyError, IndexError)):
        Odds.from_builtins({**good, **change})
    with pytest.raises(KeyError):
        Odds.from_builtins({"examples": 1})

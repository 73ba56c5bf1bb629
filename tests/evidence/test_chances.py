from __future__ import annotations

import json

import pytest

from penstock.evidence.chances import Chances
from penstock.evidence.odds import Odds, score_of
from penstock.evidence.spots import TAIL, Question


def question(stake: int = 1000, features: tuple[int, ...] = (1, 2)) -> Question:
    return Question(position=0, kind=TAIL, features=features, group=(9,), prior=-0.5, stake=stake)


def test_before_any_example_the_prior_is_the_chance() -> None:
    assert score_of(Chances().of(1, question())) == pytest.approx(-0.5)


def test_the_second_stage_shifts_what_the_first_says_of_all_prompts_of_a_group() -> None:
    chances = Chances()
    for _ in range(60):
        chances.weigh(1, (9,), -0.5, came=False, weight=1.0)
    assert chances.of(1, question()) < 0.15
    assert chances.of(1, question(features=(3, 4))) < 0.15
    assert chances.of(1, question()._replace(group=(70,))) > 0.3


def test_large_prompts_count_for_more_in_the_second_stage_but_not_for_everything() -> None:
    chances = Chances()
    usual = [chances.weight(question()) for _ in range(50)][-1]
    assert usual == pytest.approx(1.0)
    assert chances.weight(question(stake=2000)) == pytest.approx(2.0, rel=0.05)
    assert chances.weight(question(stake=10**9)) <= 6.0
    assert 0.0 <= chances.weight(question(stake=0)) < 0.01


def test_both_stages_merge_and_travel_as_json() -> None:
    one, other = Chances(), Chances()
    one.first.learn(Odds.places(1, (1, 2)), -0.5, came=True)
    other.weigh(1, (9,), -0.5, came=True, weight=2.0)
    alone = one.of(1, question())
    one.merge(other)
    assert one.of(1, question()) > alone > Chances().of(1, question())
    again = Chances.from_builtins(json.loads(json.dumps(one.to_builtins())))
    assert again.of(1, question()) == one.of(1, question())
    with pytest.raises(KeyError):
        Chances.from_builtins({"first": Odds().to_builtins()})

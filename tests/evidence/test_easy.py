from __future__ import annotations

import math
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.evidence.easy import FIRST_LOOK, WIDEST, EasyPart, Label, Look, find_easy, latest_look
from penstock.evidence.features import prompt_features
from penstock.evidence.gate import Terms

TERMS = Terms(margin=0.05)
WORDS = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa"]


def prompt(draw: random.Random, *, hard: bool) -> str:
    task = "prove that the integral of" if hard else "say hello to"
    return f"{task} {' '.join(draw.choice(WORDS) for _ in range(draw.randint(5, 40)))}"


def labels(count: int, *, seed: int = 1, hard_share: float = 0.3, lost: float = 0.6) -> list[Label]:
    """Pairs whose hard prompts the candidate often loses, and whose easy ones it never does."""
    draw = random.Random(seed)
    found = []
    for _ in range(count):
        hard = draw.random() < hard_share
        difference = -1.0 if hard and draw.random() < lost else 0.0
        found.append(Label(prompt_features(prompt(draw, hard=hard)), difference, difference == 0.0))
    return found


BAR = math.log(2.0 / TERMS.alpha)
"""Of the one easy part of one task, beside its gate."""


def part() -> EasyPart:
    found = find_easy("t", labels(400), Look(2, 400), TERMS)
    found.claim(BAR)
    return found


def test_prompts_that_the_candidate_never_loses_are_found_easy_and_the_others_are_not() -> None:
    found = part()
    assert 0.5 < found.share < 0.9
    draw = random.Random(7)
    easy = [found.serves(prompt_features(prompt(draw, hard=False))) for _ in range(50)]
    hard = [found.serves(prompt_features(prompt(draw, hard=True))) for _ in range(50)]
    assert sum(easy) > 45
    assert sum(hard) < 10


def test_where_no_prompt_is_told_from_another_no_more_is_certified_than_blind_luck_may_lose() -> None:
    draw = random.Random(3)
    noise = [
        Label(prompt_features(prompt(draw, hard=False)), -1.0 if draw.random() < 0.4 else 0.0, accepted=True)
        for _ in range(FIRST_LOOK)
    ]
    found = find_easy("t", noise, Look(1, FIRST_LOOK), TERMS)
    assert found.claim(BAR) * 0.4 < TERMS.margin


def test_nothing_is_easy_before_it_is_claimed_and_a_higher_bar_claims_no_more() -> None:
    found = find_easy("t", labels(400), Look(2, 400), TERMS)
    easy = prompt_features(prompt(random.Random(7), hard=False))
    assert not found.serves(easy)
    shares = [found.claim(bar) for bar in (1.0, BAR, 8.0, found.log_e, found.log_e + 0.01)]
    assert shares == sorted(shares, reverse=True)
    assert shares[-2] > 0.0
    assert shares[-1] == 0.0
    assert not found.serves(easy)


def test_a_later_look_at_the_same_pairs_weighs_less() -> None:
    first, second = (find_easy("t", labels(200), Look(number, 200), TERMS) for number in (1, 2))
    assert second.log_e < first.log_e


@given(st.integers(0, 30_000))
def test_looks_come_at_doubled_numbers_and_then_at_equal_steps(pairs: int) -> None:
    look = latest_look(pairs)
    if pairs < FIRST_LOOK:
        assert look is None
        return
    assert look is not None
    assert look.pairs <= pairs < look.pairs + min(look.pairs, WIDEST)
    assert latest_look(look.pairs) == look
    before = latest_look(look.pairs - 1)
    assert look.number == (1 if before is None else before.number + 1)


@settings(max_examples=20)
@given(st.integers(0, 200))
def test_pairs_that_are_not_easy_raise_no_alarm_whatever_their_scores(seed: int) -> None:
    found = _PART
    found.alarm = None
    hard = prompt_features(prompt(random.Random(seed), hard=True))
    if not found.serves(hard):
        found.pair(hard, -1.0)
        assert found.alarm is None


def test_easy_prompts_that_are_lost_or_fail_their_checks_raise_an_alarm() -> None:
    draw = random.Random(5)
    watched, checked = part(), part()
    for _ in range(200):
        watched.pair(prompt_features(prompt(draw, hard=False)), -1.0)
        checked.served(accepted=False)
    assert watched.alarm == "paired scores of easy prompts fell"
    assert checked.alarm == "more answers to easy prompts fail their checks"


_PART = part()

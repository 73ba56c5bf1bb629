from __future__ import annotations

import math
import random

import msgspec
import pytest

from penstock.evidence.gate import EasyState, Gate, Identity, State, Terms
from penstock.evidence.gatebook import GateBook, payback_calls

TERMS = Terms(margin=0.05, canary_calls=5)
DAY = 86_400.0


def who(candidate: str = "small") -> Identity:
    return Identity(reference="large", candidate=candidate)


def feed(
    book: GateBook, task: str, differences: list[float], *, candidate: str = "small", reference: float = 1.0
) -> Gate:
    gate = book.gate(task, who(candidate), at=0.0)
    for index, difference in enumerate(differences):
        at = index * 1.1 * DAY / max(1, len(differences) - 1)
        gate.observe_pair(difference, at=at, terms=book.terms_of(task), reference=reference)
    return gate


def test_a_good_candidate_goes_to_canary_then_is_promoted() -> None:
    book = GateBook(TERMS)
    gate = feed(book, "triage", [0.0] * 70)
    assert book.review(2 * DAY) == (gate,)
    assert gate.state is State.CANARY
    assert book.review(2 * DAY) == ()
    for _ in range(5):
        gate.observe_served(accepted=True, at=2 * DAY, terms=TERMS)
    assert book.review(3 * DAY) == (gate,)
    assert gate.state is State.PROMOTED
    assert [entry.by for entry in gate.history] == ["evidence", "evidence"]


def test_a_worse_candidate_stays_in_shadow() -> None:
    book = GateBook(TERMS)
    gate = feed(book, "triage", [-1.0, 0.0, 0.0, 0.0] * 40)
    assert book.review(2 * DAY) == ()
    assert gate.state is State.SHADOW


def test_many_tasks_raise_the_bar_for_each() -> None:
    alone, crowded = GateBook(TERMS), GateBook(TERMS)
    feed(alone, "good", [0.0] * 66)
    feed(crowded, "good", [0.0] * 66)
    for index in range(9):
        feed(crowded, f"bad {index}", [-1.0, 0.0] * 30)
    assert alone.review(2 * DAY)
    assert not crowded.review(2 * DAY)
    (good,) = [status for status in crowded.statuses() if status.task == "good"]
    assert good.threshold == pytest.approx(200.0)


def test_two_candidates_of_one_task_each_pay_for_being_looked_at() -> None:
    book = GateBook(TERMS)
    feed(book, "triage", [0.0] * 66, candidate="small")
    feed(book, "triage", [-1.0, 0.0] * 33, candidate="tiny")
    assert [round(status.threshold) for status in book.statuses()] == [40, 20]


def test_a_broken_reference_is_flagged_and_nothing_is_promoted_over_it() -> None:
    book = GateBook(TERMS)
    gate = feed(book, "simple", [1.0, 1.0, 1.0, 0.0] * 30, reference=0.15)
    assert book.review(2 * DAY) == (gate,)
    assert (gate.state, gate.history[-1].by) == (State.HELD, "floor")
    assert "reference" in book.statuses()[0].why


def test_a_single_day_of_traffic_is_required() -> None:
    book = GateBook(TERMS)
    gate = book.gate("triage", who(), at=0.0)
    for index in range(200):
        gate.observe_pair(0.0, at=float(index), terms=TERMS, reference=1.0)
    assert book.review(300.0) == ()
    (status,) = book.statuses()
    assert status.needed is not None
    assert status.needed.samples == 0
    assert status.needed.seconds == pytest.approx(DAY - 199)


def test_status_says_what_is_still_needed_at_the_present_disagreement() -> None:
    book = GateBook(TERMS)
    feed(book, "triage", [0.0] * 30)
    (status,) = book.statuses()
    assert status.needed is not None
    assert status.needed.samples is not None
    assert 30 <= status.needed.samples <= 60
    assert "30 of at least 60 samples" in status.why
    feed(book, "worse", [-1.0, 0.0] * 40)
    assert [s.needed.samples for s in book.statuses() if s.needed and s.task == "worse"] == [None]


def test_a_person_holds_releases_and_promotes_and_it_is_on_record() -> None:
    book = GateBook(TERMS)
    gate = feed(book, "triage", [0.0] * 70)
    book.hold("triage", "small", at=1.0, by="ana", why="audit next week")
    assert book.review(2 * DAY) == ()
    assert gate.state is State.HELD
    book.release("triage", "small", at=2.0, by="ana", why="audit over")
    assert (gate.state, gate.test.n) == (State.SHADOW, 0)
    book.promote("triage", "small", at=3.0, by="ben", why="known good")
    assert gate.state is State.PROMOTED
    assert {entry.by for entry in gate.history} == {"person:ana", "person:ben"}


def test_a_promotion_by_hand_is_watched_but_is_no_evidence_for_others() -> None:
    book = GateBook(TERMS)
    gate = feed(book, "triage", [0.0] * 10)
    book.promote("triage", "small", at=3.0, by="ben", why="known good")
    feed(book, "other", [0.0] * 70)
    assert [status.threshold for status in book.statuses() if status.task == "other"] == [pytest.approx(20.0)]
    while gate.serving:
        gate.observe_pair(-1.0, at=4.0, terms=TERMS, reference=1.0)
    assert gate.state is State.DEMOTED


def test_a_pin_outlasts_the_detectors_until_it_is_released() -> None:
    book = GateBook(TERMS)
    gate = feed(book, "triage", [0.0] * 10)
    book.pin("triage", "small", at=3.0, by="ben", why="contract")
    for _ in range(60):
        gate.observe_pair(-1.0, at=4.0, terms=TERMS, reference=1.0)
    assert [(status.state, status.pinned) for status in book.statuses()] == [(State.PROMOTED, True)]
    book.release("triage", "small", at=5.0, by="ben", why="over")
    assert [(status.state, status.pinned) for status in book.statuses()] == [(State.SHADOW, False)]


def test_deciding_about_an_unknown_candidate_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        GateBook().hold("triage", "small", at=0.0, by="ana", why="why not")


def test_a_demoted_candidate_needs_twice_the_evidence() -> None:
    book = GateBook(TERMS)
    gate = feed(book, "triage", [0.0] * 70)
    book.review(2 * DAY)
    while gate.serving:
        gate.observe_pair(-1.0, at=2 * DAY, terms=TERMS, reference=1.0)
    assert gate.state is State.DEMOTED
    feed(book, "triage", [0.0] * 66)
    assert book.review(4 * DAY) == ()
    feed(book, "triage", [0.0] * 20)
    assert book.review(4 * DAY) == (gate,)


def test_a_book_survives_its_json_and_merges_by_addition() -> None:
    one, two = GateBook(TERMS), GateBook(TERMS)
    feed(one, "triage", [0.0] * 40)
    feed(two, "triage", [0.0, -1.0, 1.0] * 10)
    feed(two, "labels", [0.0] * 5)
    again = GateBook.from_builtins(msgspec.json.decode(msgspec.json.encode(one.to_builtins())))
    assert again.gates == one.gates
    again.merge(two)
    two.merge(one)
    assert again.gates == two.gates
    assert {status.task: status.n for status in again.statuses()} == {"labels": 5, "triage": 70}


def test_task_terms_override_the_margin() -> None:
    book = GateBook(TERMS, {"strict": msgspec.structs.replace(TERMS, margin=0.01)})
    assert feed(book, "strict", [0.0]).test.margin == 0.01


@pytest.mark.parametrize(
    ("n", "ratio", "judge", "share", "calls"),
    [(500, 0.2, 0.0, 0.02, 129), (500, 1 / 3, 0.0, 0.02, 258)],
)
def test_payback_is_that_of_the_worked_examples(n: int, ratio: float, judge: float, share: float, calls: int) -> None:
    assert payback_calls(n, price_ratio=ratio, judge_ratio=judge, paired_share=share) == calls


def test_a_candidate_that_costs_as_much_never_pays_back() -> None:
    with pytest.raises(ValueError, match="saves nothing"):
        payback_calls(100, price_ratio=1.0)


def _looked(book: GateBook, task: str, log_e: float) -> bool:
    """A look at a task's easy part; whether the smallest part may be claimed."""
    gate = book.gate(task, who(), at=0.0)
    bar = book.easy_bar(task, "small", log_e)
    gate.easy = EasyState(200, float(log_e >= bar), log_e=log_e)
    return log_e >= bar


def test_an_easy_part_is_one_test_among_all_and_so_raises_the_bar_of_the_gates() -> None:
    book = GateBook(TERMS)
    feed(book, "triage", [0.0] * 10)
    assert book.statuses()[0].threshold == pytest.approx(20.0)
    assert math.exp(book.easy_bar("triage", "small", 0.0)) == pytest.approx(40.0)
    _looked(book, "triage", 0.0)
    assert book.statuses()[0].threshold == pytest.approx(40.0)
    assert math.exp(book.easy_bar("triage", "small", 0.0)) == pytest.approx(40.0)  # a later look takes its place
    _looked(book, "triage", 9.0)
    assert book.statuses()[0].threshold == pytest.approx(20.0)
    book.gates["triage"]["small"].easy = EasyState(200, 0.0, "an alarm")
    assert math.exp(book.easy_bar("triage", "small", 0.0)) == pytest.approx(40.0)


def test_a_candidate_that_was_demoted_before_needs_twice_the_evidence_for_an_easy_part_too() -> None:
    book = GateBook(TERMS)
    feed(book, "triage", [0.0] * 10).attempt = 1
    assert math.exp(book.easy_bar("triage", "small", 0.0)) == pytest.approx(80.0)


def test_of_the_easy_parts_that_are_claimed_few_are_false() -> None:
    draw, shares = random.Random(2), []
    for _ in range(300):
        book, false, claimed = GateBook(Terms(alpha=0.2)), 0, 0
        for task in range(12):
            good = task % 3 == 0
            log_e = 6.0 if good else draw.gauss(-2.0, 2.0)  # of mean 1 where the claim is false
            if _looked(book, str(task), log_e):
                claimed += 1
                false += not good
        shares.append(false / max(1, claimed))
    assert 0.0 < sum(shares) / len(shares) <= 0.2

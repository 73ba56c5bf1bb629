"""Pairs that differ: the user's grader, a judge model, and what stands in when neither answers."""

from __future__ import annotations

import json

import pytest

from penstock.engine.context import EngineContext
from penstock.engine.record import Call
from penstock.engine.steps import Grade, Graded, Record, Send, Sent, Shadow
from penstock.evidence.gate import Gate, State
from penstock.policy.load import load_policy
from tests.engine.test_beside import CHEAP, POLICY, STRONG
from tests.playbook import NOW, Playbook, answer, incoming, messages, sent

GRADER = POLICY + 'grader = "python:mine:score"\ngrader_timeout_s = 5\n'
JUDGE = "claude-sonnet-5-5"
JUDGED = POLICY + f'judge = "{JUDGE}"\n'


class Pairs:
    """Calls whose two answers are given, one after another."""

    def __init__(self, policy: str) -> None:
        self.context = EngineContext(load_policy(policy))
        self.play = Playbook(self.context)
        self.asked = 0

    @property
    def gate(self) -> Gate:
        return self.context.gates.book.gates["label"][CHEAP]

    def begin(self, reference: str, candidate: str, call_id: str = "") -> None:
        """Up to what is asked about the pair."""
        self.asked += 1
        body = messages(f"mail {self.asked}", system="Label the mail.")
        call_id = call_id or f"c{self.asked}"
        self.play >> incoming(body, task="label", call_id=call_id, started_at=NOW + 60 * self.asked)
        served = json.loads((self.play << Send).body)["model"]
        first, second = (reference, candidate) if served == STRONG else (candidate, reference)
        self.play >> answer(first, model=served)
        shadow = self.play << Shadow
        self.play >> answer(second, model=shadow.model)

    def end(self) -> Call:
        return (self.play << Record).call

    def judged(self, reference: str, candidate: str, verdict: Sent | None, call_id: str = "") -> tuple[Shadow, Call]:
        self.begin(reference, candidate, call_id)
        step = self.play << Shadow
        self.play >> verdict
        return step, self.end()


def test_answers_that_are_equal_need_no_grader() -> None:
    for policy in (GRADER, JUDGED):
        pairs = Pairs(policy)
        pairs.begin("spam", "spam")
        assert pairs.end().extra_sends[0].reason == "agreed (equal)"
        assert pairs.gate.test.losses == 0


def test_a_grader_gets_both_answers_by_their_roles_and_its_scores_count() -> None:
    pairs = Pairs(GRADER)
    pairs.begin("spam, surely", "spam!")
    step = pairs.play << Grade
    assert (step.reference.text, step.candidate.text) == ("spam, surely", "spam!")
    assert (step.grader, step.timeout_s, step.task) == ("python:mine:score", 5.0, "label")
    assert b"mail 1" in step.request
    pairs.play >> Graded((0.8, 0.5))
    assert pairs.end().extra_sends[0].reason == "disagreed by 0.30 (grader)"
    assert pairs.gate.test.losses == pytest.approx(0.3)
    assert pairs.gate.reference.mean == pytest.approx(0.8)


def test_a_grader_is_asked_about_structured_answers_too_and_may_find_the_candidate_better() -> None:
    pairs = Pairs(GRADER)
    pairs.begin('{"a": 1}', '{"a": 2}')
    pairs.play << Grade
    pairs.play >> Graded((0.0, 1.0))
    assert pairs.end().extra_sends[0].reason == "agreed (grader)"
    assert (pairs.gate.test.wins, pairs.gate.reference.mean) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("result", "failure"),
    [
        (None, "grader: given_up"),
        (Graded(None, "timeout"), "grader: timeout"),
        (Graded((0.5, 1.5)), "grader: not_in_0_1"),
        (Graded((float("nan"), 1.0)), "grader: not_in_0_1"),
    ],
)
def test_a_grader_that_fails_is_counted_and_never_promotes(result: Graded | None, failure: str) -> None:
    pairs = Pairs(GRADER)
    pairs.begin("spam", "ham")
    pairs.play << Grade
    pairs.play >> result
    assert pairs.end().extra_sends[0].reason == "not scored: no grade came"
    assert pairs.context.failures == {failure: 1}
    assert (pairs.gate.test.n, pairs.gate.test.losses, pairs.gate.reference.n) == (1, 1.0, 0)


def test_a_grader_that_fails_does_not_demote_what_has_earned_its_place() -> None:
    pairs = Pairs(GRADER)
    pairs.begin("spam", "spam")
    pairs.end()
    pairs.context.gates.book.promote("label", CHEAP, at=NOW, by="ann", why="known good")
    for _ in range(100):
        pairs.begin("spam", "ham")
        pairs.play << Grade
        pairs.play >> Graded(None, "timeout")
        pairs.end()
    assert pairs.gate.state is State.PROMOTED
    assert pairs.gate.paired is not None
    assert pairs.gate.paired.n == 0


def test_t20_a_judge_is_asked_with_one_unmarked_question_and_its_cost_is_booked() -> None:
    pairs = Pairs(JUDGED)
    step, call = pairs.judged("It is spam.", "Spam, I think.", answer("TIE", model=JUDGE))
    assert (step.purpose, step.model) == ("judge", JUDGE)
    assert b"cache_control" not in step.body
    shadow, judge = call.extra_sends
    assert shadow.reason == "agreed (judge)"
    assert (judge.purpose, judge.model, judge.reason) == ("judge", JUDGE, "a tie")
    assert judge.cost
    assert call.saved == -(shadow.cost or 0) - judge.cost


def test_the_order_of_the_answers_is_the_call_s_own_draw_and_the_verdict_follows_it() -> None:
    orders = set()
    for number in range(20):
        pairs = Pairs(JUDGED)
        step, call = pairs.judged("REFERENCE", "CANDIDATE", answer("A", model=JUDGE), call_id=f"call {number}")
        reference_first = step.body.index(b"REFERENCE") < step.body.index(b"CANDIDATE")
        orders.add(reference_first)
        better = "reference" if reference_first else "candidate"
        assert call.extra_sends[1].reason == f"the {better} is better"
        assert (pairs.gate.test.losses, pairs.gate.test.wins) == ((1.0, 0.0) if reference_first else (0.0, 1.0))
        again, _ = Pairs(JUDGED).judged("REFERENCE", "CANDIDATE", None, call_id=f"call {number}")
        assert again.body == step.body
    assert orders == {True, False}


@pytest.mark.parametrize(
    ("verdict", "failure", "sends"),
    [
        (None, "judge: given_up", 1),
        (sent({"type": "error"}, status=529), "judge: no_verdict", 2),
        (answer("Both are fine", model=JUDGE), "judge: no_verdict", 2),
        (answer("A", stop="max_tokens", model=JUDGE), "judge: no_verdict", 2),
    ],
)
def test_a_judge_without_a_verdict_is_counted_and_never_promotes(
    verdict: Sent | None, failure: str, sends: int
) -> None:
    pairs = Pairs(JUDGED)
    _, call = pairs.judged("It is spam.", "It is ham.", verdict)
    assert pairs.context.failures == {failure: 1}
    assert len(call.extra_sends) == sends
    assert (pairs.gate.test.losses, pairs.gate.reference.n) == (1.0, 0)


def test_structured_answers_are_compared_by_their_fields_and_not_by_a_judge() -> None:
    pairs = Pairs(JUDGED)
    pairs.begin('{"a": 1, "b": 2}', '{"a": 1, "b": 3}')
    assert pairs.end().extra_sends[0].reason == "disagreed by 0.50 (fields)"


def test_a_judge_of_another_provider_cannot_be_asked() -> None:
    pairs = Pairs(POLICY + 'judge = "gpt-5"\n')
    pairs.begin("It is spam.", "It is ham.")
    assert len(pairs.end().extra_sends) == 1
    assert pairs.context.failures == {"judge: cannot_be_asked": 1}


def test_what_a_judge_costs_counts_against_the_day_s_bound() -> None:
    _, call = Pairs(JUDGED).judged("It is spam.", "It is ham.", answer("A", model=JUDGE))
    cost = sum(extra.cost or 0 for extra in call.extra_sends)
    pairs = Pairs(JUDGED + f"shadow_usd_day = {cost / 1e12}\n")
    pairs.judged("It is spam.", "It is ham.", answer("A", model=JUDGE))
    pairs.play >> incoming(messages("mail", system="Label the mail."), task="label", call_id="z", started_at=NOW + 90)
    pairs.play << Send
    pairs.play >> answer("It is spam.", model=STRONG)
    assert pairs.end().extra_sends == ()

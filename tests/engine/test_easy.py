"""A task of which a part is easy: the candidate serves that part before it has earned the whole."""

from __future__ import annotations

import json
import random

from penstock.engine.context import EngineContext
from penstock.engine.easy import key_of
from penstock.engine.record import Call
from penstock.engine.steps import Record, Send, Sent, Shadow
from penstock.evidence.gate import State
from penstock.learning.learner import Learner
from penstock.policy.load import load_policy
from tests.engine.test_beside import CHEAP, POLICY, STRONG
from tests.evidence.test_easy import prompt
from tests.playbook import NOW, Playbook, answer, incoming, messages


class Mixed:
    """Calls of which the candidate loses the hard ones."""

    def __init__(self, more: str = "difficulty = true\n") -> None:
        self.context = EngineContext(load_policy(POLICY.replace("min_days = 0.01", "min_days = 9") + more))
        self.learner = Learner(self.context.gates, None, failed=lambda _: None, every_s=3600.0)
        self.play = Playbook(self.context)
        self.draw = random.Random(2)
        self.asked = 0

    def answer_of(self, body: bytes) -> Sent:
        model = json.loads(body)["model"]
        return answer("wrong" if model == CHEAP and b"prove" in body else "right", model=model)

    def call(self, *, hard: bool | None = None) -> Call:
        self.asked += 1
        text = prompt(self.draw, hard=self.draw.random() < 0.3 if hard is None else hard)
        request = incoming(
            messages(text, system="Do it."), task="label", call_id=f"c{self.asked}", started_at=NOW + 200.0 * self.asked
        )
        self.play >> request
        while not isinstance(self.play._next, Record):
            step, self.play._next = self.play._next, None
            assert isinstance(step, Send | Shadow)
            self.play >> self.answer_of(step.body)
        return (self.play << Record).call


def test_easy_prompts_go_to_a_candidate_that_has_not_earned_the_task_and_hard_ones_do_not() -> None:
    mixed = Mixed()
    for _ in range(200):
        assert mixed.call().model_sent == STRONG
    mixed.learner.round()
    mixed.call()
    gate = mixed.context.gates.book.gates["label"][CHEAP]
    assert gate.state is State.SHADOW
    assert gate.easy is not None
    assert gate.easy.share > 0.5
    easy = [mixed.call(hard=False) for _ in range(10)]
    assert [call.model_sent for call in easy] == [CHEAP] * 10
    assert {edit.lever for call in easy for edit in call.edits} == {"route"}
    assert [extra.model for extra in easy[0].extra_sends] == [STRONG]
    assert sum(mixed.call(hard=True).model_sent == STRONG for _ in range(10)) >= 8
    mixed.learner.close()


def test_a_candidate_that_a_person_holds_serves_no_easy_prompts_either() -> None:
    mixed = Mixed()
    for _ in range(200):
        mixed.call()
    mixed.learner.round()
    mixed.call()
    gate = mixed.context.gates.book.gates["label"][CHEAP]
    key = key_of(gate)
    mixed.context.gates.book.hold("label", CHEAP, at=NOW, by="ann", why="audit")
    assert mixed.call(hard=False).model_sent == STRONG
    assert key_of(gate) != key
    mixed.learner.close()


def test_a_task_that_does_not_ask_for_it_is_not_learnt() -> None:
    mixed = Mixed(more="")
    for _ in range(5):
        mixed.call()
    mixed.learner.round()
    assert mixed.learner._tasks == {}
    mixed.learner.close()

"""What the two arms of a trial are asked, by the requests that leave the engine."""

from __future__ import annotations

import json
from typing import Any

import pytest

from penstock.engine.context import EngineContext
from penstock.engine.record import Call
from penstock.engine.steps import Record, Send, Sent, Shadow
from penstock.evidence.gate import Gate, State
from penstock.policy.load import load_policy
from tests.playbook import NOW, Playbook, answer, incoming, messages

STRONG, CHEAP = "claude-opus-5-5", "claude-haiku-4-5"
TERMS = """
eps = 0.05
n_min = 20
min_days = 0.01
shadow_share = 1.0
watch_share = 1.0
canary_share = 1.0
canary_calls = 5
"""
APPLY = 'mode = "apply"\nholdback.share = 0.0\nlevers.cache = false\n'
TRIM = "[tasks.ask.trim]\ntop_k = 2\n"
EDIT = APPLY + TRIM + '[tasks.ask.gate]\nedits = ["trim"]\n' + TERMS
BOTH = EDIT.replace("edits", f'candidate = "{CHEAP}"\nedits')
PASSAGES = [f'<document id="{n}">' + f"word{n} " * 40 + "</document>" for n in range(4)]


class Traffic:
    """Calls of one task with passages, a minute apart; answers depend on the model and on the passages left."""

    def __init__(self, policy: str = EDIT) -> None:
        self.context = EngineContext(load_policy(policy))
        self.play = Playbook(self.context)
        self.asked = 0
        self.right_with = 2
        self.bodies: list[dict[str, Any]] = []

    @property
    def gate(self) -> Gate:
        (gate,) = self.context.gates.book.gates["ask"].values()
        return gate

    @property
    def at(self) -> float:
        return NOW + 60.0 * self.asked

    def call(self, passages: int = 4, **more: Any) -> Call:
        self.asked += 1
        question = "\n".join(["Read:", *PASSAGES[:passages], f"Question {self.asked}?"])
        request = incoming(messages(question, **more), task="ask", call_id=f"c{self.asked}", started_at=self.at)
        self.bodies = []
        self.play >> request
        while not self.play.ended:
            step, self.play._next = self.play._next, None
            if isinstance(step, Record):
                call = step.call
                self.play >> None
            else:
                assert isinstance(step, Send | Shadow)
                self.play >> self._answer(step.body)
        return call

    def _answer(self, raw: bytes) -> Sent:
        body = json.loads(raw)
        self.bodies.append(body)
        text = "right" if _passages(body) >= self.right_with else "wrong"
        return answer(text, model=body["model"], at=self.at, plain=len(raw))

    def until(self, state: State, most: int = 400) -> int:
        for count in range(1, most + 1):
            self.call()
            if self.gate.state is state:
                return count
        raise AssertionError(f"still {self.gate.state}")


def _passages(body: dict[str, Any]) -> int:
    return sum(f"word{n} word" in body["messages"][0]["content"] for n in range(4))


def _asked(traffic: Traffic) -> list[tuple[str, int]]:
    return [(body["model"], _passages(body)) for body in traffic.bodies]


def test_a_trim_that_the_gate_tests_is_sent_in_the_shadow_only_and_says_so() -> None:
    traffic = Traffic()
    call = traffic.call()
    assert _asked(traffic) == [(STRONG, 4), (STRONG, 2)]
    assert call.edits == ()
    assert [(extra.purpose, extra.reason) for extra in call.extra_sends] == [("shadow", "agreed (equal)")]
    assert (traffic.gate.candidate, traffic.gate.edits, traffic.gate.test.n) == ("trim", ("trim",), 1)


def test_a_trim_is_promoted_by_evidence_and_the_whole_prompt_is_then_asked_on_the_side() -> None:
    traffic = Traffic()
    assert traffic.until(State.PROMOTED) >= 59
    call = traffic.call()
    assert _asked(traffic) == [(STRONG, 2), (STRONG, 4)]
    assert {edit.lever for edit in call.edits} == {"trim"}


def test_a_trim_that_cuts_what_was_needed_is_never_promoted() -> None:
    traffic = Traffic()
    traffic.right_with = 3
    for _ in range(80):
        traffic.call()
    assert (traffic.gate.state, traffic.gate.test.losses) == (State.SHADOW, 80)


def test_a_promoted_trim_is_demoted_when_answers_begin_to_differ() -> None:
    traffic = Traffic()
    traffic.until(State.PROMOTED)
    traffic.right_with = 3
    traffic.until(State.DEMOTED, most=60)
    traffic.call()
    assert _asked(traffic)[0] == (STRONG, 4)


def test_calls_that_the_trim_leaves_alone_are_neither_shadowed_nor_counted() -> None:
    traffic = Traffic()
    traffic.call()
    traffic.call(passages=2)
    assert (_asked(traffic), traffic.gate.test.n) == ([(STRONG, 2)], 1)
    traffic.until(State.PROMOTED)
    served = traffic.gate.served
    traffic.call(passages=1)
    assert (_asked(traffic), traffic.gate.served) == ([(STRONG, 1)], served)


def test_a_model_and_a_trim_are_tested_together_as_one_candidate() -> None:
    traffic = Traffic(BOTH)
    traffic.call()
    assert _asked(traffic) == [(STRONG, 4), (CHEAP, 2)]
    assert traffic.gate.candidate == f"{CHEAP}+trim"
    traffic.until(State.PROMOTED)
    traffic.call()
    assert _asked(traffic) == [(CHEAP, 2), (STRONG, 4)]


def test_a_trim_by_the_policy_s_own_word_acts_in_both_arms() -> None:
    traffic = Traffic(BOTH.replace('edits = ["trim"]\n', ""))
    traffic.call()
    assert _asked(traffic) == [(STRONG, 2), (CHEAP, 2)]
    traffic.until(State.PROMOTED)
    traffic.call()
    assert _asked(traffic) == [(CHEAP, 2), (STRONG, 2)]


@pytest.mark.parametrize("policy", [EDIT, BOTH, BOTH.replace('edits = ["trim"]\n', "")])
def test_other_settings_of_the_trim_return_to_shadow(policy: str) -> None:
    traffic = Traffic(policy)
    traffic.until(State.PROMOTED)
    traffic.context.policy = load_policy(policy.replace("top_k = 2", "top_k = 1"))
    traffic.call()
    assert traffic.bodies[0]["model"] == STRONG
    assert (traffic.gate.state, traffic.gate.history[-1].why) == (State.SHADOW, "changed: variant")


def test_another_version_of_the_model_returns_a_trim_to_shadow() -> None:
    traffic = Traffic()
    traffic.until(State.PROMOTED)
    traffic.play >> incoming(messages("\n".join(PASSAGES)), task="ask", call_id="new", started_at=traffic.at)
    traffic.play << Send
    traffic.play >> answer("right", model=f"{STRONG}-20261101")
    assert traffic.gate.history[-1].after is State.PROMOTED  # the name in the policy gets its first version
    traffic.play << Shadow
    traffic.play >> answer("right", model=f"{STRONG}-20261201")
    traffic.play << Record
    assert (traffic.gate.state, traffic.gate.history[-1].by) == (State.SHADOW, "trigger")


def test_a_person_promotes_or_holds_a_trim_as_they_would_a_model() -> None:
    traffic = Traffic()
    traffic.call()
    traffic.context.gates.book.pin("ask", "trim", at=NOW, by="ann", why="read the passages")
    traffic.call()
    assert _asked(traffic)[0] == (STRONG, 2)
    traffic.context.gates.book.hold("ask", "trim", at=NOW, by="ann", why="audit")
    traffic.call()
    assert _asked(traffic) == [(STRONG, 4)]


def test_a_gate_that_is_off_serves_no_tested_edit() -> None:
    traffic = Traffic(EDIT + "enabled = false\n")
    assert traffic.call().edits == ()
    assert _asked(traffic) == [(STRONG, 4)]


def test_a_held_back_call_is_whole_and_has_no_part() -> None:
    traffic = Traffic(EDIT.replace("share = 0.0", "share = 1.0", 1))
    traffic.call()
    assert _asked(traffic) == [(STRONG, 4)]
    assert traffic.context.gates.book.gates == {}


def test_shadows_of_a_trim_keep_to_the_day_s_bound() -> None:
    cost = Traffic().call().extra_sends[0].cost
    assert cost is not None
    traffic = Traffic(EDIT + f"shadow_usd_day = {1.5 * cost / 1e12}\n")
    assert [len(traffic.call().extra_sends) for _ in range(4)] == [1, 1, 0, 0]


def test_a_brevity_instruction_earns_its_place_in_the_same_way() -> None:
    brief = '[tasks.ask.brevity]\ninstruction = "Be brief."\n'
    traffic = Traffic(APPLY + brief + '[tasks.ask.gate]\nedits = ["brevity"]\n' + TERMS)
    traffic.call()
    assert [body.get("system") for body in traffic.bodies] == [None, "Be brief."]
    traffic.until(State.PROMOTED)
    traffic.call()
    assert [body.get("system") for body in traffic.bodies] == ["Be brief.", None]
    assert traffic.gate.candidate == "brevity"


def test_edits_on_a_model_that_the_policy_routes_to_are_compared_on_that_model() -> None:
    traffic = Traffic(EDIT + f'[tasks.ask.route]\nmodel = "{CHEAP}"\ncascade = false\n')
    traffic.call()
    assert _asked(traffic) == [(CHEAP, 4), (CHEAP, 2)]
    traffic.until(State.PROMOTED)
    traffic.call()
    assert _asked(traffic) == [(CHEAP, 2), (CHEAP, 4)]


def test_a_prompt_variant_and_a_brevity_instruction_reach_the_candidate_together() -> None:
    more = '[tasks.ask.brevity]\ninstruction = "Be brief."\n[tasks.ask.route]\nvariants.claude-haiku-4-5 = "v"\n'
    policy = BOTH.replace('["trim"]', '["trim", "brevity"]') + more + '[prompts]\nv = "New."\n'
    traffic = Traffic(policy)
    traffic.call(system="Old.")
    assert [body["system"] for body in traffic.bodies] == ["Old.", "New.\n\nBe brief."]
    assert _asked(traffic) == [(STRONG, 4), (CHEAP, 2)]

"""Shadow, canary, promotion and demotion of a candidate, as conversations."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from penstock.engine.context import EngineContext
from penstock.engine.record import Call
from penstock.engine.steps import WRITTEN_OFF, Amend, Record, Send, Sent, Shadow
from penstock.evidence.gate import Gate, State
from penstock.money import Picodollars
from penstock.policy.load import load_policy
from penstock.wire.dialect import Dialect
from penstock.wire.view import read_request
from tests.playbook import NOW, Playbook, answer, incoming, messages, sent

STRONG, CHEAP = "claude-opus-5-5", "claude-haiku-4-5"
POLICY = """
mode = "apply"
holdback.share = 0.0
levers.cache = false
[tasks.label.gate]
candidate = "claude-haiku-4-5"
eps = 0.05
n_min = 20
min_days = 0.01
shadow_share = 1.0
watch_share = 1.0
canary_share = 1.0
canary_calls = 5
"""
SYSTEM = "Label the mail."


class Traffic:
    """Calls of one task, a minute apart, and two models that answer them."""

    def __init__(self, policy: str = POLICY) -> None:
        self.context = EngineContext(load_policy(policy))
        self.play = Playbook(self.context)
        self.asked = 0
        self.strong = self.cheap = "spam"
        self.models = {STRONG: STRONG, CHEAP: CHEAP}

    @property
    def gate(self) -> Gate:
        return self.context.gates.book.gates["label"][CHEAP]

    def answer_of(self, body: bytes) -> Sent:
        model = json.loads(body)["model"]
        return answer(self.cheap if model == CHEAP else self.strong, model=self.models[model], at=self.at)

    @property
    def at(self) -> float:
        return NOW + 60.0 * self.asked

    def call(self, *, shadowed: bool = True, system: str = SYSTEM, **more: Any) -> Call:
        """One call; the shadow is carried out unless the driver gives up."""
        self.asked += 1
        body = messages(f"mail {self.asked}", system=system)
        self.play >> incoming(body, task="label", call_id=f"c{self.asked}", started_at=self.at, **more)
        self.play >> self.answer_of((self.play << Send).body)
        if isinstance(self.play._next, Shadow):
            step = self.play << Shadow
            self.play >> (self.answer_of(step.body) if shadowed else None)
        return (self.play << Record).call

    def until(self, state: State, most: int = 400) -> int:
        """Calls until the gate is in a state."""
        for count in range(1, most + 1):
            self.call()
            if self.gate.state is state:
                return count
        raise AssertionError(f"still {self.gate.state}")


def test_a_shadow_comes_after_the_answer_and_is_in_the_books() -> None:
    traffic = Traffic()
    call = traffic.call()
    (extra,) = call.extra_sends
    assert (call.model_sent, extra.purpose, extra.model) == (STRONG, "shadow", CHEAP)
    assert extra.reason == "agreed (equal)"
    assert extra.cost is not None
    assert call.cost is not None
    assert call.cost_all == call.cost + extra.cost
    assert call.saved == -extra.cost
    assert (traffic.gate.state, traffic.gate.test.n) == (State.SHADOW, 1)


def test_the_shadow_step_carries_the_answer_to_show_and_asks_for_one_piece() -> None:
    traffic = Traffic()
    body = messages("mail", system=SYSTEM, stream=True)
    traffic.play >> incoming(body, task="label", streamed_to_caller=True)
    shown = traffic.answer_of((traffic.play << Send).body)
    traffic.play >> shown
    step = traffic.play << Shadow
    assert step.sent is shown
    assert step.call.extra_sends == ()
    assert json.loads(step.body) == {**{k: v for k, v in body.items() if k != "stream"}, "model": CHEAP}
    traffic.play >> None
    assert (traffic.play << Record).call.extra_sends == ()


def test_agreement_promotes_by_way_of_a_canary_and_then_the_candidate_serves() -> None:
    traffic = Traffic()
    samples = traffic.until(State.CANARY)
    assert samples >= 59  # the least number for 5 points at 5 percent, whatever the answers
    assert [traffic.call().model_sent for _ in range(4)] == [CHEAP] * 4
    traffic.call()
    assert traffic.gate.state is State.PROMOTED
    call = traffic.call()
    assert call.model_sent == CHEAP
    assert [(extra.purpose, extra.model) for extra in call.extra_sends] == [("shadow", STRONG)]
    assert {edit.lever for edit in call.edits} == {"route"}


def test_a_candidate_that_disagrees_is_never_promoted() -> None:
    traffic = Traffic()
    for number in range(150):
        traffic.cheap = "ham" if number % 8 == 0 else "spam"
        call = traffic.call()
        assert call.model_sent == STRONG
    assert traffic.gate.state is State.SHADOW
    assert traffic.gate.test.losses == 19


def test_a_fall_of_quality_demotes_and_the_reference_serves_at_once() -> None:
    traffic = Traffic()
    traffic.until(State.PROMOTED)
    traffic.cheap = "ham"
    traffic.until(State.DEMOTED, most=60)
    assert traffic.gate.history[-1].by == "detector"
    assert traffic.call().model_sent == STRONG


def test_free_signals_demote_without_any_shadow() -> None:
    traffic = Traffic(POLICY.replace("watch_share = 1.0", "watch_share = 0.0"))
    traffic.until(State.PROMOTED)
    traffic.cheap = ""
    traffic.until(State.DEMOTED, most=60)
    assert traffic.gate.history[-1].by == "detector"


@pytest.mark.parametrize("served", [False, True])
def test_another_version_of_a_model_returns_to_shadow(served: bool) -> None:
    traffic = Traffic()
    traffic.models = {STRONG: f"{STRONG}-20260922", CHEAP: f"{CHEAP}-20251001"}
    traffic.until(State.PROMOTED)
    model = CHEAP if served else STRONG
    traffic.models[model] = f"{model}-20261101"
    traffic.call()
    entry = traffic.gate.history[-1]
    assert (entry.after, entry.by) == (State.SHADOW, "trigger")
    assert traffic.call().model_sent == STRONG


def test_another_prompt_is_not_served_by_the_candidate() -> None:
    traffic = Traffic()
    traffic.until(State.PROMOTED)
    assert traffic.call(system="Label the mail. Think hard.").model_sent == STRONG
    assert (traffic.gate.state, traffic.gate.history[-1].why) == (State.SHADOW, "changed: prompt")


def test_shadows_stop_at_the_day_s_bound_and_go_on_the_next_day() -> None:
    cost = Traffic().call().extra_sends[0].cost
    assert cost is not None
    traffic = Traffic(POLICY + f"shadow_usd_day = {2.5 * cost / 1e12}\n")
    assert [len(traffic.call().extra_sends) for _ in range(5)] == [1, 1, 1, 0, 0]
    traffic.asked += 24 * 60
    assert len(traffic.call().extra_sends) == 1


@pytest.mark.parametrize("policy", [POLICY.replace('"apply"', '"observe"'), POLICY.replace("e = 0.0", "e = 1.0", 1)])
def test_calls_that_are_not_treated_have_no_shadow(policy: str) -> None:
    traffic = Traffic(policy)
    assert traffic.call().extra_sends == ()
    assert traffic.context.gates.book.gates == {}


def test_a_call_that_asks_for_the_candidate_or_another_reference_takes_no_part() -> None:
    traffic = Traffic(POLICY + 'reference = "claude-sonnet-4-5"\n')
    assert traffic.call().extra_sends == ()
    play = Playbook(EngineContext(load_policy(POLICY)))
    call = play.call(incoming(messages("mail", model=CHEAP), task="label"), answer()).call
    assert call.extra_sends == ()


def test_a_driver_that_gives_up_a_shadow_teaches_nothing() -> None:
    traffic = Traffic()
    assert traffic.call(shadowed=False).extra_sends == ()
    assert traffic.gate.test.n == 0


@pytest.mark.parametrize(("status", "samples"), [(400, 1), (529, 0), (None, 0)])
def test_a_request_that_the_candidate_rejects_is_a_loss_and_an_outage_is_nothing(
    status: int | None, samples: int
) -> None:
    traffic = Traffic()
    traffic.play >> incoming(messages("mail", system=SYSTEM), task="label")
    traffic.play << Send
    traffic.play >> answer("spam", model=STRONG)
    traffic.play << Shadow
    traffic.play >> sent({"type": "error"}, status=status)
    call = (traffic.play << Record).call
    assert (traffic.gate.test.n, traffic.gate.test.losses) == (samples, samples)
    assert call.extra_sends[0].status == status


def _conversations(traffic: Traffic, again_each: int, most: int) -> None:
    """Sessions of one question, every n-th of which is asked again half a minute later."""
    for number in range(most):
        if traffic.gate.state is State.DEMOTED:
            return
        for repeat in range(2 if number % again_each == 0 else 1):
            traffic.asked += 1
            body = messages(f"Please label mail number {number} of today", system=SYSTEM)
            at = traffic.at - 30.0 * repeat
            call = {"task": "label", "call_id": f"s{traffic.asked}", "started_at": at, "session": f"s{number}"}
            traffic.play >> incoming(body, **call)
            while not traffic.play.ended:
                step = traffic.play._next
                if isinstance(step, Record):
                    traffic.play << Record
                    continue
                traffic.play._next = None
                assert isinstance(step, Send | Shadow)
                traffic.play >> traffic.answer_of(step.body)


def test_users_who_ask_again_demote_without_any_shadow_or_failing_check() -> None:
    traffic = Traffic(POLICY.replace("watch_share = 1.0", "watch_share = 0.0"))
    traffic.call()
    _conversations(traffic, again_each=25, most=100)
    while traffic.gate.state is not State.PROMOTED:
        traffic.call()
    before = traffic.gate.settled.n
    assert before > 60
    _conversations(traffic, again_each=1, most=150)
    assert traffic.gate.history[-1].why == "more users asked the same again"


def test_users_who_ask_the_candidate_again_as_rarely_as_the_reference_change_nothing() -> None:
    traffic = Traffic(POLICY.replace("watch_share = 1.0", "watch_share = 0.0"))
    traffic.call()
    _conversations(traffic, again_each=25, most=200)
    while traffic.gate.state is not State.PROMOTED:
        traffic.call()
    _conversations(traffic, again_each=25, most=200)
    assert traffic.gate.state is State.PROMOTED


class Batched(Traffic):
    """Shadows that may go by batch: the record comes before them, and is amended after."""

    def __init__(self) -> None:
        super().__init__(POLICY + "shadow_batch = true\n")

    def batched(self, result: Sent | None, at: float | None = None) -> tuple[Call, Call | None]:
        """A call's record before its shadow, and the one that takes its place."""
        self.asked += 1
        body = messages(f"mail {self.asked}", system=SYSTEM)
        self.play >> incoming(body, task="label", call_id=f"c{self.asked}", started_at=at or self.at)
        self.play >> self.answer_of((self.play << Send).body)
        early = (self.play << Record).call
        if self.play.ended:
            return early, None
        assert (self.play << Shadow).batch
        self.play >> result
        if self.play.ended:
            return early, None
        late = (self.play << Amend).call
        self.play._resume(None)
        return early, late


def _shadow_answer(**more: Any) -> Sent:
    return msgspec.structs.replace(answer("spam", model=CHEAP), **more)


def test_a_batched_shadow_is_recorded_late_at_half_its_price() -> None:
    traffic = Batched()
    early, late = traffic.batched(_shadow_answer(batched=True))
    assert late is not None
    assert (early.id, early.extra_sends) == (late.id, ())
    _, dear = traffic.batched(_shadow_answer(batched=False))
    assert dear is not None
    assert (late.extra_sends[0].cost or 0) * 2 == dear.extra_sends[0].cost
    assert late.extra_sends[0].reason == "agreed (equal)"


def test_a_batched_shadow_that_is_given_up_changes_no_record_and_one_written_off_says_so() -> None:
    traffic = Batched()
    assert traffic.batched(None)[1] is None
    _, late = traffic.batched(Sent(status=None, started_at=1.0, ended_at=2.0, error_kind=WRITTEN_OFF, batched=True))
    assert late is not None
    (extra,) = late.extra_sends
    assert (extra.cost, late.cost_all) == (None, None)
    assert extra.reason.startswith("written off")
    assert traffic.gate.test.n == 0


def test_a_batched_shadow_of_yesterday_does_not_open_todays_bound_anew() -> None:
    traffic = Batched()
    gates, trial = traffic.context.gates, None
    traffic.batched(_shadow_answer(batched=True))
    view = read_request(Dialect.ANTHROPIC_MESSAGES, incoming(messages("x", system=SYSTEM)).raw)
    trial = gates.enter(view, "label", traffic.context.policy, incoming(messages("x")))
    assert trial is not None
    gates.spend(trial, Picodollars(6 * 10**12), traffic.at + 86_400.0)
    assert not gates.affords(trial, traffic.at + 86_400.0)
    gates.spend(trial, Picodollars(1), traffic.at)
    assert not gates.affords(trial, traffic.at + 86_400.0)


def test_another_tool_list_is_not_served_by_the_candidate() -> None:
    traffic = Traffic()
    traffic.until(State.PROMOTED)
    traffic.asked += 1
    body = messages("mail", system=SYSTEM, tools=[{"name": "file", "input_schema": {"type": "object"}}])
    traffic.play >> incoming(body, task="label", call_id="with tools", started_at=traffic.at)
    assert json.loads((traffic.play << Send).body)["model"] == STRONG
    assert (traffic.gate.state, traffic.gate.history[-1].why) == (State.SHADOW, "changed: schema")

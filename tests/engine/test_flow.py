from __future__ import annotations

from penstock.engine.call import Incoming
from penstock.engine.context import EngineContext
from penstock.engine.flow import Flow
from penstock.engine.record import Call
from penstock.engine.steps import Grade, Send, Sent, Shadow
from penstock.policy.load import load_policy
from penstock.policy.schema import Policy
from penstock.wire.dialect import Dialect
from tests.playbook import answer, incoming, messages

BODY = b'{"model":"claude-haiku-4-5","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}'
ANSWER = b'{"id":"msg_1","model":"claude-haiku-4-5","content":[],"usage":{"input_tokens":3,"output_tokens":2}}'


def test_a_driver_sees_only_what_needs_io_and_the_record_is_kept_once() -> None:
    kept: list[Call] = []
    request = Incoming(call_id="c1", dialect=Dialect.ANTHROPIC_MESSAGES, raw=BODY, started_at=1.0)
    flow = Flow(request, EngineContext(Policy()), kept.append)
    send = flow.advance()
    assert isinstance(send, Send)
    assert send.body is BODY
    assert send.plan is not None
    assert flow.outcome is None
    sent = Sent(status=200, body=ANSWER, started_at=1.0, ended_at=2.0)
    assert flow.advance(sent) is None
    assert flow.outcome is not None
    assert flow.outcome.sent is sent
    assert [call.id for call in kept] == ["c1"]
    assert kept[0].usage is not None


class Broken(EngineContext):
    """A context whose policy raises when it is read."""

    @property
    def policy(self) -> Policy:
        raise RuntimeError("broken")

    @policy.setter
    def policy(self, value: Policy) -> None:
        pass


class Forgetful(EngineContext):
    """A context that raises when an answer is in."""

    def pin(self, task: str, session: str | None, model: str, answered_by: str | None = None) -> None:
        raise RuntimeError("broken")


def test_a_plan_that_cannot_be_made_sends_the_client_s_bytes_and_is_recorded() -> None:
    kept: list[Call] = []
    context = Broken(Policy())
    request = Incoming(call_id="c1", dialect=Dialect.ANTHROPIC_MESSAGES, raw=BODY, started_at=1.0)
    flow = Flow(request, context, kept.append)
    send = flow.advance()
    assert isinstance(send, Send)
    assert send.body is BODY
    assert flow.advance(Sent(status=200, body=ANSWER, started_at=1.0, ended_at=2.0)) is None
    assert flow.outcome is not None
    assert context.failures["plan: RuntimeError"] == 1
    assert [(call.arm, call.model_asked) for call in kept] == [("bypass", "claude-haiku-4-5")]


def test_a_fault_of_ours_after_the_answer_is_counted_and_takes_nothing_away() -> None:
    kept: list[Call] = []
    context = Forgetful(Policy())
    request = Incoming(call_id="c1", dialect=Dialect.ANTHROPIC_MESSAGES, raw=BODY, started_at=1.0)
    flow = Flow(request, context, kept.append)
    send = flow.advance()
    assert isinstance(send, Send)
    assert send.body is BODY
    assert flow.advance(Sent(status=200, body=ANSWER, started_at=1.0, ended_at=2.0)) is None
    assert flow.outcome is None
    assert context.failures["engine: RuntimeError"] == 1
    assert kept == []


def test_a_record_that_cannot_be_kept_does_not_take_the_answer_away() -> None:
    def keep(call: Call) -> None:
        raise OSError

    context = EngineContext(Policy())
    request = Incoming(call_id="c1", dialect=Dialect.ANTHROPIC_MESSAGES, raw=BODY, started_at=1.0)
    flow = Flow(request, context, keep)
    flow.advance()
    assert flow.advance(Sent(status=200, body=ANSWER, started_at=1.0, ended_at=2.0)) is None
    assert context.failures["engine: OSError"] == 1


def test_a_call_whose_caller_has_the_answer_is_recorded_once_when_the_rest_is_given_up() -> None:
    kept: list[Call] = []
    policy = '[tasks.t.gate]\ncandidate = "claude-haiku-4-5"\nshadow_share = 1.0\ngrader = "python:a:b"\n'
    context = EngineContext(load_policy(f'mode = "apply"\nholdback.share = 0.0\n{policy}'))
    request = incoming(messages("hi"), task="t")
    flow = Flow(request, context, kept.append)
    assert isinstance(flow.advance(), Send)
    shown = answer("spam", model="claude-opus-5-5")
    assert isinstance(flow.advance(shown), Shadow)
    assert flow.outcome is not None
    assert flow.outcome.sent is shown
    assert isinstance(flow.later(answer("ham", model="claude-haiku-4-5")), Grade)
    assert kept == []
    flow.give_up()
    flow.give_up()
    (call,) = kept
    assert [extra.reason for extra in call.extra_sends] == ["not scored: no grade came"]

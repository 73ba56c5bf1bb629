"""One call from request to record, as a generator of steps: no I/O, no clock, no randomness.

A driver carries out each step and sends the result back in (``engine.steps``)::

    steps = run_call(incoming, context)
    step = next(steps)
    while True:
        result = carry_out(step)        # a Sent for a Send, else None
        step = steps.send(result)       # StopIteration.value is the Outcome

An answer is forwarded while it arrives only when the request is streamed, the status is 2xx and the Send's ``buffer``
is false. In every other case the answer to show is ``Outcome.sent``, when the generator has ended.
"""

from __future__ import annotations

from collections.abc import Generator

import msgspec

from penstock.engine.again import Again, cascades, next_try
from penstock.engine.attempt import Attempt, read_attempt
from penstock.engine.context import EngineContext
from penstock.engine.facts import facts_for
from penstock.engine.holdback import Arm, arm_of
from penstock.engine.incoming import Incoming
from penstock.engine.observe import learn
from penstock.engine.pipeline import optimise
from penstock.engine.plan import Plan
from penstock.engine.record import Call
from penstock.engine.settle import record_of
from penstock.engine.steps import Record, Result, Send, Sent, Step
from penstock.errors import MalformedRequest
from penstock.money import Picodollars
from penstock.wire.usage import Basis
from penstock.wire.view import View, read_request

UNLABELLED = "unlabelled"
"""The task of a call that has no label and no fingerprint."""

__all__ = ["UNLABELLED", "Incoming", "Outcome", "run_call"]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The end of a call.

    Attributes:
        sent: the answer to show.
        call: its record.
        plan: the plan, or None when the body could not be read (it was forwarded as it came).
    """

    sent: Sent
    call: Call
    plan: Plan | None


def run_call(request: Incoming, context: EngineContext) -> Generator[Step, Result, Outcome]:
    """The steps of one call; never raises for what bodies, levers or answers hold."""
    try:
        view = read_request(request.dialect, request.raw)
        plan = _plan(view, request, context)
    except MalformedRequest:
        return (yield from _forward(request))
    arm = _arm(request, context)
    attempt, spent = yield from _attempts(plan, arm, request, context)
    untouched = attempt.send.body is view.raw
    before = (attempt.cost, Basis.PROVIDER) if untouched else (None, Basis.DERIVED)
    call = record_of(request, plan, attempt, spent, task=plan.task, arm=arm, before=before)
    context.failures.update(call.failures)
    yield Record(call=call)
    return Outcome(sent=attempt.sent, call=call, plan=plan)


def _plan(view: View, request: Incoming, context: EngineContext) -> Plan:
    policy = context.policy
    task = request.task or UNLABELLED
    facts = facts_for(
        view,
        task=task,
        policy=policy.task(request.task),
        levers=policy.levers,
        prompts=policy.prompts,
        evidence=context.evidence,
        now=request.started_at,
        session=request.session,
        scope=context.scope,
        promoted=context.promoted(task),
        pinned=context.pinned(task, request.session),
        retries=not request.streamed_to_caller,
        memo=context.memo,
    )
    return optimise(view, facts, () if request.bypass else context.levers, mode=policy.mode)


def _arm(request: Incoming, context: EngineContext) -> Arm:
    if request.bypass:
        return "bypass"
    if context.policy.mode == "observe":
        return "observe"
    holdback = context.policy.holdback
    return arm_of(holdback.share, holdback.salt, session=request.session, call_id=request.call_id)


def _attempts(
    plan: Plan, arm: Arm, request: Incoming, context: EngineContext
) -> Generator[Step, Result, tuple[Attempt, list[tuple[Attempt, Again]]]]:
    """Send, and send again as long as the answer is not one to show; the last attempt and the ones before it."""
    treated = arm == "treated"
    view = plan.planned if treated else plan.view
    buffer = treated and cascades(plan)
    spent: list[tuple[Attempt, Again]] = []
    purpose = "call"
    while True:
        attempt = yield from _send(view, plan, request, buffer=buffer, purpose=purpose)
        shown = request.streamed_to_caller and not buffer
        again = next_try(plan, attempt, [one.fate for _, one in spent], shown=shown) if treated else None
        capped = treated and purpose == "call" and plan.has("cap")
        _learn(plan, attempt, context, capped=capped, asked_again=again is not None and again.fate == "truncated")
        if treated and cascades(plan) and attempt.accepted and attempt.send.model == plan.model:
            _count_try(plan, again, context)
        if again is None:
            context.pin(plan.task, request.session, view.model)
            return attempt, spent
        spent.append((attempt, again))
        view, purpose = again.view, again.purpose


def _send(view: View, plan: Plan, request: Incoming, *, buffer: bool, purpose: str) -> Generator[Step, Result, Attempt]:
    send = Send(body=view.raw, model=view.model, dialect=view.dialect, buffer=buffer, purpose=purpose, plan=plan)
    return read_attempt(send, view, _expect_sent((yield send), request))


def _learn(plan: Plan, attempt: Attempt, context: EngineContext, *, capped: bool, asked_again: bool) -> None:
    if attempt.accepted and attempt.view is not None:
        learn(
            context.evidence,
            attempt.view,
            plan.task,
            attempt.usage,
            attempt.answer,
            memo=context.memo,
            at=attempt.sent.started_at,
            scope=context.scope,
            capped=capped,
            asked_again=asked_again,
        )


def _count_try(plan: Plan, again: Again | None, context: EngineContext) -> None:
    """A routed model's first answer, shown or turned down, for the price of the next route."""
    if again is None or again.fate == "rejected":
        failure = None if again is None else again.reason.partition(":")[0]
        context.evidence.escalations.add(plan.task, plan.model, failure)


def _forward(request: Incoming) -> Generator[Step, Result, Outcome]:
    """A body that we cannot read goes through as it came; the provider says what is wrong with it."""
    send = Send(body=request.raw, model="", dialect=request.dialect)
    attempt = read_attempt(send, None, _expect_sent((yield send), request))
    cost: tuple[Picodollars | None, Basis] = (attempt.cost, Basis.PROVIDER)
    call = record_of(request, None, attempt, (), task=request.task or UNLABELLED, arm="bypass", before=cost)
    yield Record(call=call)
    return Outcome(sent=attempt.sent, call=call, plan=None)


def _expect_sent(result: Result, request: Incoming) -> Sent:
    """A driver that answers a Send with nothing (it gave up) is a call without an answer."""
    if isinstance(result, Sent):
        return result
    return Sent(status=None, started_at=request.started_at, ended_at=request.started_at, error_kind="not_sent")

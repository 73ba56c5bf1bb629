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
from penstock.engine.ahead import Ahead, look_ahead
from penstock.engine.attempt import Attempt, answered_by, read_attempt
from penstock.engine.baseline import Before, cost_before
from penstock.engine.beside import Beside
from penstock.engine.context import EngineContext
from penstock.engine.diagnosing import declined, said_of
from penstock.engine.incoming import Incoming
from penstock.engine.kept import use_of
from penstock.engine.naming import UNLABELLED
from penstock.engine.observe import learn
from penstock.engine.plan import Plan
from penstock.engine.reconcile import reconcile
from penstock.engine.record import Call
from penstock.engine.settle import record_of
from penstock.engine.single_flight import held
from penstock.engine.steps import Amend, Record, Result, Send, Sent, Step
from penstock.errors import MalformedRequest
from penstock.money import Picodollars
from penstock.wire.usage import Basis
from penstock.wire.view import View, read_request

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
    view: View | None = None
    try:
        view = read_request(request.dialect, request.raw)
        if request.streamed_to_caller is None:
            request = msgspec.structs.replace(request, streamed_to_caller=view.stream)
        ahead = look_ahead(view, request, context)
    except MalformedRequest:
        return (yield from _forward(request, view))
    except Exception as error:  # noqa: BLE001 - fail open: planning may never stop a call
        context.failures[f"plan: {type(error).__name__}"] += 1
        return (yield from _forward(request, view))
    try:
        at = yield from held(ahead, request, context)
        attempt, spent = yield from _attempts(ahead, request, context, at)
    finally:
        context.siblings.over(request.call_id)
    plan = ahead.plan
    before = _what_it_would_have_cost(ahead, attempt, context)
    context.forecast.ended(request.call_id, request.started_at)
    predicted = None if ahead.sent is None else ahead.sent.usage()
    call = record_of(request, plan, attempt, spent, task=plan.task, arm=ahead.arm, before=before, predicted=predicted)
    if call.failures:
        context.failures.update(call.failures)
    try:
        if plan.facts.policy.cache.diagnostics:
            call.diagnosis = said_of(attempt)
            context.comparisons.answered(attempt, plan.task, request.session)
        call.alarm = reconcile(attempt, predicted, plan.task, context.evidence.drift, call.diagnosis)
    except Exception as error:  # noqa: BLE001 - the answer is there; counting may not lose it
        context.failures[f"reconcile: {type(error).__name__}"] += 1
    try:
        _warm(ahead, attempt, request, context)
        if ahead.treated:
            call.extra_sends += context.warming.book(plan.task)
    except Exception as error:  # noqa: BLE001 - the answer is there; warming may not lose it
        context.failures[f"warming: {type(error).__name__}"] += 1
    if ahead.trial is None:
        yield Record(call=call)
    else:
        call = yield from _beside(Beside(ahead.trial, plan, context), attempt, spent, call, context)
    return Outcome(sent=attempt.sent, call=call, plan=plan)


def _beside(
    beside: Beside, attempt: Attempt, spent: list[tuple[Attempt, Again]], call: Call, context: EngineContext
) -> Generator[Step, Result, Call]:
    """What happens beside a call, and its record: before it where a batch may take hours, else with it."""
    early = call
    if beside.waits:
        yield Record(call=call)
    try:
        call = yield from beside.steps(attempt, spent, call)
    except Exception as error:  # noqa: BLE001 - the answer is there; a shadow may not lose it
        context.failures[f"gate: {type(error).__name__}"] += 1
    if not beside.waits:
        yield Record(call=call)
    elif call is not early:
        yield Amend(call=call)
    return call


def _attempts(
    ahead: Ahead, request: Incoming, context: EngineContext, at: float
) -> Generator[Step, Result, tuple[Attempt, list[tuple[Attempt, Again]]]]:
    """Send, and send again as long as the answer is not one to show; the last attempt and the ones before it."""
    plan, treated = ahead.plan, ahead.treated
    view = plan.planned if treated else plan.view
    buffer = treated and cascades(plan)
    spent: list[tuple[Attempt, Again]] = []
    purpose = "call"
    while True:
        ahead.sending(view, at, context, request.call_id)
        asked = _asked(view, ahead, request, context) if purpose == "call" else None
        attempt = yield from _send(view, plan, request, buffer=buffer, purpose=purpose, asked=asked)
        if attempt.accepted:
            first = attempt.sent.first_byte_at
            context.began(request.call_id, first if first is not None else attempt.sent.ended_at)
        shown = bool(request.streamed_to_caller) and not buffer
        again = next_try(plan, attempt, [one.fate for _, one in spent], shown=shown) if treated else None
        if again is None and asked is not None:
            again = declined(view, attempt)
        if treated and attempt.accepted and (purpose == "call" or spent[-1][1].fate == "refused"):
            _refused(plan, [one for one, _ in spent], context)
        capped = treated and purpose == "call" and plan.has("cap")
        try:
            _learn(plan, attempt, context, at=at, capped=capped, again=again)
        except Exception as error:  # noqa: BLE001 - the answer is there; learning may not lose it
            context.failures[f"learn: {type(error).__name__}"] += 1
        if again is None:
            model = plan.model if treated else plan.view.model
            context.pin(plan.task, request.session, model, answered_by(attempt))
            return attempt, spent
        spent.append((attempt, again))
        view, purpose, at = again.view, again.purpose, attempt.sent.ended_at


def _warm(ahead: Ahead, attempt: Attempt, request: Incoming, context: EngineContext) -> None:
    """Have what the call cached watched, where the task's policy has it filled ahead or kept alive."""
    plan, cache = ahead.plan, ahead.plan.facts.policy.cache
    if not ahead.treated or not cache.enabled or not (cache.keep_alive or cache.prewarm):
        return
    if not attempt.accepted or attempt.view is None or not plan.facts.levers.cache:
        return
    sent = attempt.sent
    if sent.first_byte_at is not None:
        context.warming.waited(plan.task, sent.first_byte_at - sent.started_at)
    if cache.keep_alive:
        context.warming.used(use_of(plan, attempt, attempt.view, request.call_id))


def _what_it_would_have_cost(ahead: Ahead, attempt: Attempt, context: EngineContext) -> Before:
    try:
        return cost_before(ahead.plan, attempt, ahead.before, ahead.sent)
    except Exception as error:  # noqa: BLE001 - the answer is there; pricing may not lose it
        context.failures[f"baseline: {type(error).__name__}"] += 1
        return None, Basis.DERIVED


def _asked(view: View, ahead: Ahead, request: Incoming, context: EngineContext) -> bytes | None:
    """The request with a question for cache diagnostics, where the policy has it asked."""
    if not ahead.treated or not request.hides_diagnosis or not ahead.plan.facts.policy.cache.diagnostics:
        return None
    try:
        return context.comparisons.ask(view, ahead.plan.task, request.session)
    except Exception as error:  # noqa: BLE001 - fail open: the request goes without the question
        context.failures[f"diagnostics: {type(error).__name__}"] += 1
        return None


def _refused(plan: Plan, spent: list[Attempt], context: EngineContext) -> None:
    """Count what an accepted answer says of the attempts before it: that the question, or the edits, were refused."""
    if spent and spent[-1].send.diagnosed:
        context.comparisons.declined.add(plan.model)  # edits that went with it are not blamed
    elif plan.edits:
        context.edits_were_answered(plan.task, refused=bool(spent))


def _send(
    view: View, plan: Plan, request: Incoming, *, buffer: bool, purpose: str, asked: bytes | None = None
) -> Generator[Step, Result, Attempt]:
    send = Send(
        body=view.raw if asked is None else asked,
        model=view.model,
        dialect=view.dialect,
        buffer=buffer,
        purpose=purpose,
        plan=plan,
        diagnosed=asked is not None,
    )
    return read_attempt(send, view, _expect_sent((yield send), request), plan.facts.tier)


def _learn(
    plan: Plan, attempt: Attempt, context: EngineContext, *, at: float, capped: bool, again: Again | None
) -> None:
    if not attempt.accepted or attempt.view is None:
        return
    learn(
        context.evidence,
        attempt.view,
        plan.task,
        attempt.usage,
        attempt.answer,
        at=at,
        scope=context.scope,
        capped=capped,
        asked_again=again is not None and again.fate == "truncated",
    )
    if cascades(plan) and attempt.view is plan.planned and (again is None or again.fate == "rejected"):
        failure = None if again is None else again.reason.partition(":")[0]
        context.evidence.escalations.add(plan.task, plan.model, failure)


def _forward(request: Incoming, view: View | None) -> Generator[Step, Result, Outcome]:
    """A body that we cannot read or plan goes through as it came; the provider says what is wrong with it."""
    send = Send(body=request.raw, model="" if view is None else view.model, dialect=request.dialect)
    attempt = read_attempt(send, view, _expect_sent((yield send), request))
    cost: tuple[Picodollars | None, Basis] = (attempt.cost, Basis.PROVIDER)
    call = record_of(
        request, None, attempt, (), task=request.task or UNLABELLED, arm="bypass", before=cost, predicted=None
    )
    yield Record(call=call)
    return Outcome(sent=attempt.sent, call=call, plan=None)


def _expect_sent(result: Result, request: Incoming) -> Sent:
    """A driver that answers a Send with nothing (it gave up) is a call without an answer."""
    if isinstance(result, Sent):
        return result
    return Sent(status=None, started_at=request.started_at, ended_at=request.started_at, error_kind="not_sent")

"""One policy's run over recorded calls: the engine plans, the cache model bills, the log answers."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from penstock.cachemodel.admission import DEFAULTS, Decisions, Rejected
from penstock.cachemodel.machine import admit, begin
from penstock.cachemodel.prompt import prompt_of
from penstock.cachemodel.store import CacheState
from penstock.engine.call import Incoming, Outcome
from penstock.engine.context import EngineContext
from penstock.engine.flow import Flow
from penstock.engine.record import Call
from penstock.engine.steps import Send, Sent
from penstock.models.catalog import profile_of
from penstock.models.prices import STANDARD, Tier, price_call
from penstock.money import Picodollars
from penstock.policy.schema import Holdback, Mode, Policy
from penstock.replay.tokens import TokenBook, tokenizer_ratio
from penstock.unknown import Unknown
from penstock.wire.answer import Answer
from penstock.wire.dialect import Dialect
from penstock.wire.usage import Usage
from penstock.wire.view import View, read_request

LIKELY_FIRST_BYTE_S = 1.0
"""When the log has no time to first byte: entries become readable this long after the start."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What a log says of one call, as a replay needs it.

    Attributes:
        key: unique in the replay.
        ts: start, seconds since the epoch.
        dialect: the API.
        view: the recorded request.
        tokens: per segment of it.
        usage: as reported, or None.
        answer: as recorded, or None when the log keeps no answers.
        first_byte_at: when the answer began, seconds since the epoch.
        ended_at: when it was over.
        task: the label, or None.
        session: conversation key, or None.
        stream: whether the caller saw the answer while it arrived.
        tier: as billed.
    """

    key: str
    ts: float
    dialect: Dialect
    view: View
    tokens: list[int]
    usage: Usage | None
    answer: Answer | None
    first_byte_at: float
    ended_at: float
    task: str | None
    session: str | None
    stream: bool
    tier: Tier = STANDARD


class Billing:
    """A provider's cache, as the recorded or the planned requests leave it."""

    def __init__(self, decisions: Decisions = DEFAULTS) -> None:
        self._state = CacheState(decisions)

    def bill(self, view: View, tokens: list[int], told: Told, output: int) -> Usage | Rejected | Unknown:
        """The usage that the rules give a request sent at the recorded time; its entries are kept."""
        profile = profile_of(view.model)
        if isinstance(profile, Unknown):
            return profile
        try:
            admission = admit(self._state, prompt_of(view, profile, tokens), told.ts)
        except Rejected as refusal:
            return refusal
        begin(self._state, admission, told.first_byte_at)
        reasoning = told.usage.output_reasoning if told.usage else None
        return admission.usage(output, reasoning)


class PolicyLane:
    """The recorded calls under one policy, with evidence learnt on the way exactly as live traffic would teach it."""

    def __init__(
        self, policy: Policy, book: TokenBook, decisions: Decisions = DEFAULTS, *, mode: Mode = "apply"
    ) -> None:
        # A replay shows the whole effect: nothing is held back, and the plans are applied.
        applied = msgspec.structs.replace(policy, mode=mode, holdback=Holdback(share=0.0))
        self.context = EngineContext(applied)
        self._billing = Billing(decisions)
        self._book = book

    def run(self, told: Told) -> Outcome:
        """One recorded call through the engine; sends are answered from the log."""
        kept: list[Call] = []
        flow = Flow(_incoming(told), self.context, kept.append)
        step = flow.advance()
        while step is not None:
            step = flow.advance(self._answer(step, told) if isinstance(step, Send) else None)
        if flow.outcome is None:  # pragma: no cover - the generator always ends with an outcome
            raise AssertionError("a call ended without an outcome")
        return flow.outcome

    def _answer(self, send: Send, told: Told) -> Sent:
        same = send.body is told.view.raw
        view = told.view if same else read_request(send.dialect, send.body)
        tokens = told.tokens if same else self._book.counts(view, told.view.model)
        output, cut = _output(view, told)
        usage = self._billing.bill(view, tokens, told, output)
        if isinstance(usage, Rejected):
            return Sent(status=usage.status, started_at=told.ts, ended_at=told.first_byte_at, error_kind=usage.kind)
        self.context.began(told.key, told.first_byte_at)
        return Sent(
            status=200,
            usage=None if isinstance(usage, Unknown) else usage,
            answer=_answer_of(told, view.model, cut=cut),
            started_at=told.ts,
            first_byte_at=told.first_byte_at,
            ended_at=told.ended_at,
        )


def price_as_recorded(model: str, usage: Usage, told: Told) -> Picodollars | Unknown:
    """What a usage costs on a model at the recorded time and tier."""
    return price_call(model, usage, at=datetime.fromtimestamp(told.ts, UTC), tier=told.tier)


def cost_as_billed(call: Call, told: Told) -> Picodollars | None:
    """A replayed call's whole cost at the recorded tier, second sends included; None when a part is unknown."""
    sends = [(call.model_sent, call.status, call.usage)]
    sends += [(extra.model, extra.status, extra.usage) for extra in call.extra_sends]
    total = 0
    for model, status, usage in sends:
        if usage is None:
            if status is not None and status not in range(200, 300):
                continue  # the provider refused it and bills nothing
            return None
        cost = price_as_recorded(model, usage, told)
        if isinstance(cost, Unknown):
            return None
        total += cost
    return Picodollars(total)


def _incoming(told: Told) -> Incoming:
    return Incoming(
        call_id=told.key,
        dialect=told.dialect,
        raw=told.view.raw,
        task=told.task,
        session=told.session,
        started_at=told.ts,
        streamed_to_caller=told.stream,
    )


def _output(view: View, told: Told) -> tuple[int, bool]:
    """Output tokens under the request's cap, and whether the cap cut the recorded answer."""
    recorded = told.usage.output if told.usage else 0
    length = round(recorded * tokenizer_ratio(told.view.model, view.model))
    cap = view.cap
    if cap is not None and 0 < cap[1] < length:
        return cap[1], True
    return length, False


def _answer_of(told: Told, model: str, *, cut: bool) -> Answer | None:
    """The recorded answer, as the model that was asked would have given it; nobody knows its words (see driver)."""
    if told.answer is None:
        return Answer(text="", finish="length", truncated=True, model=model) if cut else None
    if cut:
        return msgspec.structs.replace(told.answer, finish="length", truncated=True, model=model)
    return msgspec.structs.replace(told.answer, model=model)

"""One Send and its answer, read and priced."""

from __future__ import annotations

import msgspec

from penstock.engine.steps import Send, Sent
from penstock.models.names import resolve
from penstock.models.prices import cost_of, day_of, prices_on
from penstock.models.tiers import STANDARD, Tier, tier_of
from penstock.money import Picodollars
from penstock.unknown import Unknown
from penstock.wire.answer import Answer, read_answer
from penstock.wire.dialect import Dialect
from penstock.wire.usage import Usage
from penstock.wire.usage_of import usage_of
from penstock.wire.view import View

_PAID_BUT_UNKNOWN = frozenset(
    f"{name}_{fault}"
    for name in ("input_tokens", "output_tokens", "prompt_tokens", "completion_tokens")
    for fault in ("missing", "is_not_a_count")
)

NEVER_SENT = frozenset({"connect", "not_sent"})
"""Error kinds of requests that reached nobody."""


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """What was sent and what came of it.

    Attributes:
        send: the step.
        view: the request that it sent; None for a body that could not be read.
        sent: the driver's result.
        usage: as the provider reported it, or None.
        answer: as it reads; None when there is none.
        tier: how it is billed.
        cost: in picodollars; None when unknown. A request that never went out, or that
            the provider refused, costs nothing.
    """

    send: Send
    view: View | None
    sent: Sent
    usage: Usage | None
    answer: Answer | None
    tier: Tier
    cost: Picodollars | None

    @property
    def accepted(self) -> bool:
        """Whether a 2xx answer came."""
        return self.sent.accepted

    @property
    def truncated(self) -> bool:
        """Whether the answer was cut at the output cap or the window."""
        return self.answer is not None and self.answer.truncated


def read_attempt(send: Send, view: View | None, sent: Sent, tier: Tier = STANDARD) -> Attempt:
    """The attempt with its usage, answer and cost worked out.

    Args:
        send: the step.
        view: of the bytes that it sent.
        sent: the result.
        tier: of the request, when the answer does not say.
    """
    usage, answer = sent.usage, sent.answer
    if sent.accepted and sent.body is not None:
        usage = usage if usage is not None else usage_of(send.dialect, sent.body)
        answer = answer if answer is not None else read_answer(send.dialect, sent.body)
        tier = _billed_tier(send.dialect, tier, sent.body)
    if sent.batched:
        tier = msgspec.structs.replace(tier, processing="batch")  # which no body has to say
    cost: Picodollars | None = None
    if usage is not None:
        cost = None if _incomplete(usage) else cost_at(billed_model(send.model, answer), usage, sent.started_at, tier)
    elif sent.error_kind in NEVER_SENT or (sent.status is not None and not sent.accepted):
        cost = Picodollars(0)
    return Attempt(send=send, view=view, sent=sent, usage=usage, answer=answer, tier=tier, cost=cost)


def _incomplete(usage: Usage) -> bool:
    """Whether the report leaves out a count that is paid for: what is not known is not zero."""
    return any(flag in _PAID_BUT_UNKNOWN for flag in usage.flags)


class _UsageSaid(msgspec.Struct):
    service_tier: str | None = None
    speed: str | None = None
    inference_geo: str | None = None


class _Said(msgspec.Struct):
    service_tier: str | None = None
    usage: _UsageSaid | None = None


_said = msgspec.json.Decoder(_Said)


def _billed_tier(dialect: Dialect, asked: Tier, body: bytes) -> Tier:
    """The tier that the response reports, else the one that was asked for (provider-semantics 2.5)."""
    try:
        said = _said.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return asked
    usage = said.usage if said.usage is not None else _UsageSaid()
    if not (said.service_tier or usage.service_tier or usage.speed or usage.inference_geo):
        return asked
    given = {name: value for name, value in msgspec.structs.asdict(usage).items() if value is not None}
    request = {"speed": "fast" if asked.processing == "fast" else None, "inference_geo": asked.geo}
    if said.service_tier is None and usage.service_tier is None:
        request["service_tier"] = asked.processing
    return tier_of(dialect, request, {"service_tier": said.service_tier, "usage": given})


def cost_at(model: str, usage: Usage, at: float, tier: Tier) -> Picodollars | None:
    """What a usage costs on a model at an instant (seconds since the epoch); None when a price is unknown."""
    prices = prices_on(model, day_of(at), prompt_tokens=usage.input_total, tier=tier)
    price = prices if isinstance(prices, Unknown) else cost_of(usage, prices)
    return None if isinstance(price, Unknown) else price


def billed_model(sent: str, answer: Answer | None) -> str:
    """The model that answered, as far as the price table knows it; else the one that was asked."""
    if answer is not None and answer.model and resolve(answer.model) is not None:
        return answer.model
    return sent

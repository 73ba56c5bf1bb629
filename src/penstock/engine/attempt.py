"""One Send and its answer, read and priced."""

from __future__ import annotations

from functools import lru_cache

import msgspec

from penstock.engine.steps import Send, Sent
from penstock.models.names import resolve
from penstock.models.prices import cost_of, day_of, prices_on
from penstock.models.tiers import STANDARD, Tier, tier_of
from penstock.money import Picodollars
from penstock.unknown import Unknown
from penstock.wire.answer import Answer
from penstock.wire.dialect import Dialect
from penstock.wire.reply import TierSaid, read_reply
from penstock.wire.usage import Usage
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

    @property
    def unreadable(self) -> bool:
        """Whether an accepted answer is in memory and nothing of it could be read: a page of HTML, half an object."""
        answer = self.answer
        if not self.accepted or self.sent.body is None or self.usage is not None or answer is None:
            return False
        return answer.finish == "other" and not (answer.text or answer.tool_calls or answer.response_id)


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
        read = read_reply(send.dialect, sent.body)
        usage = usage if usage is not None else read.usage
        answer = answer if answer is not None else read.answer
        tier = tier if read.tier is None else _billed_tier(send.dialect, tier, read.tier)
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


@lru_cache(maxsize=256)
def _billed_tier(dialect: Dialect, asked: Tier, said: TierSaid) -> Tier:
    """The tier that the response reports, else the one that was asked for (provider-semantics 2.5)."""
    usage = {"service_tier": said.usage_tier, "speed": said.speed, "inference_geo": said.geo}
    given = {name: value for name, value in usage.items() if value is not None}
    request = {"speed": "fast" if asked.processing == "fast" else None, "inference_geo": asked.geo}
    if said.service_tier is None and said.usage_tier is None:
        request["service_tier"] = asked.processing
    return tier_of(dialect, request, {"service_tier": said.service_tier, "usage": given})


def cost_at(model: str, usage: Usage, at: float, tier: Tier) -> Picodollars | None:
    """What a usage costs on a model at an instant (seconds since the epoch); None when a price is unknown."""
    prices = prices_on(model, day_of(at), prompt_tokens=usage.input_total, tier=tier)
    price = prices if isinstance(prices, Unknown) else cost_of(usage, prices)
    return None if isinstance(price, Unknown) else price


def answered_by(attempt: Attempt) -> str | None:
    """The model whose answer it is: as the request names it, unless the answer names another one; None without one."""
    if not attempt.accepted:
        return None
    asked, told = attempt.send.model, "" if attempt.answer is None else attempt.answer.model
    known, own = resolve(told) if told else None, resolve(asked)
    return asked if known is None or (own is not None and known.model == own.model) else told


def billed_model(sent: str, answer: Answer | None) -> str:
    """The model that answered, as far as the price table knows it; else the one that was asked."""
    if answer is not None and answer.model and resolve(answer.model) is not None:
        return answer.model
    return sent

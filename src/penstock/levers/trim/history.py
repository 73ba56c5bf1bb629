"""The rolling window as an edit: one new value for the list of messages, made of slices of the client's own bytes."""

from __future__ import annotations

import msgspec

from penstock.engine.counts import counted
from penstock.engine.edit import Action, Edit, Note, Risk
from penstock.engine.facts import UNKNOWN_FAMILY, Facts
from penstock.levers.trim.turns import messages_of
from penstock.levers.trim.window import Cut, Marks, Worth, find_cut
from penstock.models.prices import Prices
from penstock.money import Picodollars
from penstock.policy.schema import TrimPolicy
from penstock.unknown import Unknown
from penstock.wire.dialect import Dialect
from penstock.wire.view import View

LEVER = "trim"
_LIST_WRITE, _LIST_READ = 1.25, 0.1
_MARK_TOKENS = 20


def propose(view: View, facts: Facts) -> list[Edit | Note]:
    """At most one edit that leaves out the oldest turns; a note where the window cannot be kept."""
    policy = facts.policy.trim
    if policy is None or not policy.enabled or policy.window_tokens is None:
        return []
    family = UNKNOWN_FAMILY if isinstance(facts.profile, Unknown) else facts.profile.tokenizer
    counts = counted(view.outline, family, 1.0).tokens
    marks = Marks(policy.high * policy.window_tokens, policy.low * policy.window_tokens - _MARK_TOKENS)
    if sum(counts) <= marks.high:
        return []
    if view.get("previous_response_id") is not None or view.get("conversation") is not None:
        return [Note(LEVER, "the earlier turns are kept at the provider")]
    messages = messages_of(view)
    if messages is None or len(messages) != view.message_count:
        return [Note(LEVER, "the conversation has a shape that we do not know")]
    per_message, fixed = _by_message(view, counts, len(messages))
    cut = find_cut(messages, per_message, fixed, marks, _worth(view, facts, policy))
    if cut is None:
        over = f"{sum(counts):,} tokens are over the mark of {marks.high:,.0f}"
        if fixed > marks.low:
            over += f", {fixed:,} of them before the messages"
        return [Note(LEVER, f"{over}, and no cut is valid and pays yet")]
    kept = frozenset(index for index, message in enumerate(messages) if message.stays)
    return [_edit(view, facts, policy, cut, kept=kept, total=sum(counts))]


def _by_message(view: View, counts: tuple[int, ...], messages: int) -> tuple[list[int], int]:
    """Tokens of each message, and of what stands before the messages."""
    totals = [0] * messages
    fixed = 0
    for segment, count in zip(view.segments, counts, strict=True):
        if segment.message < 0:
            fixed += count
        else:
            totals[segment.message] += count
    return totals, fixed


def _worth(view: View, facts: Facts, policy: TrimPolicy) -> Worth:
    always = policy.when == "always" or not facts.caches(view)
    write, read = _relative(facts.prices)
    return Worth(write, read, policy.horizon_turns, always)


def _relative(prices: Prices | Unknown) -> tuple[float, float]:
    """Write and read prices as shares of the plain one; the usual ones where they are not known."""
    if isinstance(prices, Unknown) or isinstance(prices.input, Unknown) or isinstance(prices.cache_read, Unknown):
        return _LIST_WRITE, _LIST_READ
    writes = [rate for rate in (prices.cache_write_5m, prices.cache_write_30m) if not isinstance(rate, Unknown)]
    return min(writes, default=prices.input) / prices.input, prices.cache_read / prices.input


def _edit(view: View, facts: Facts, policy: TrimPolicy, cut: Cut, *, kept: frozenset[int], total: int) -> Edit:
    field = "input" if view.dialect is Dialect.OPENAI_RESPONSES else "messages"
    between = range(cut.after + 1, cut.until)
    left_out = [index for index in between if index not in kept]
    start, end = view.span_of((field,))
    pieces = [view.raw[start : view.span_of((field, cut.after))[1]], _mark(len(left_out))]
    pieces += [view.raw[slice(*view.span_of((field, index)))] for index in between if index in kept]
    pieces.append(view.raw[view.span_of((field, cut.until))[0] : end])
    return Edit(
        lever=LEVER,
        path=(field,),
        action=Action.SET,
        value=b",".join(pieces),
        why=(
            f"{len(left_out)} of {view.message_count} messages left out, {cut.removed:,} of {total:,} tokens: "
            f"history is cut to {policy.low:g} x {policy.window_tokens:,} when it passes {policy.high:g} x that"
        ),
        saving=_saving(view, facts, policy, cut, facts.input_tokens / max(total, 1)),
        risk=Risk.LOSSY,
        group="window",
    )


def _mark(count: int) -> bytes:
    """What stands for the messages left out (T24); it also keeps user and assistant taking turns."""
    noun = "message" if count == 1 else "messages"
    return msgspec.json.encode({"role": "assistant", "content": f"[{count} earlier {noun} left out]"})


def _saving(view: View, facts: Facts, policy: TrimPolicy, cut: Cut, factor: float) -> Picodollars | Unknown:
    """What is not paid for in this call; a fresh cut also bears its share of writing anew what is behind it."""
    prices = facts.prices
    if isinstance(prices, Unknown):
        return prices
    if isinstance(prices.input, Unknown):
        return prices.input
    write, read = _relative(prices)
    if not facts.caches(view):
        return Picodollars(round(cut.removed * factor * prices.input))
    tokens = cut.removed * read
    if cut.fresh:
        tokens -= (write - read) * cut.rewritten / policy.horizon_turns
    if tokens < 0:
        return Unknown("the policy cuts at the mark whether it pays or not")
    return Picodollars(round(tokens * factor * prices.input))

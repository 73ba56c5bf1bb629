"""The cap lever: an output limit for a task, never above the caller's own."""

from __future__ import annotations

import math

import msgspec

from penstock.engine.edit import Action, Edit, Note, Risk
from penstock.engine.facts import Facts, length_key
from penstock.evidence.lengths import Lengths
from penstock.levers.cap.kinds import guarded, thinking_budget
from penstock.levers.cap.saving import RUNAWAY, expected_saving, longest_own_end
from penstock.levers.cap.size import Size, size_of
from penstock.money import Picodollars
from penstock.policy.schema import CapPolicy
from penstock.unknown import Unknown
from penstock.wire.dialect import Dialect
from penstock.wire.view import View

LEVER = "cap"
_SMALLEST = {Dialect.OPENAI_RESPONSES: 16}
"""Caps below this are a 400."""


def propose(view: View, facts: Facts) -> list[Edit | Note]:
    """At most one edit that sets or lowers the output cap; else a note that says why there is none."""
    policy = facts.policy.cap
    if policy is None or not policy.enabled:
        return []
    refused = _unfit(view, facts)
    if refused is not None:
        return [Note(LEVER, refused)]
    lengths = facts.evidence.lengths.of(length_key(facts.task, view))
    guard = guarded(view, facts.profile)
    if guard is not None and not facts.retries:
        return [Note(LEVER, f"{guard}, and a streamed answer cannot be asked for again")]
    size = size_of(policy, lengths, guard=guard, budget=thinking_budget(view))
    if isinstance(size, Unknown):
        return [Note(LEVER, size.why)]
    return [_edit(view, facts, policy, size, lengths)]


def _unfit(view: View, facts: Facts) -> str | None:
    """Why no cap can be set on this request at all."""
    if view.get("n") not in (None, 1):
        return "several answers are asked for at once"
    if view.has("prediction"):
        return "predicted outputs do not go with a cap"
    if view.cap is None and isinstance(facts.profile, Unknown):
        return "the model is unknown, and so is the name of its cap"
    return None


def _edit(view: View, facts: Facts, policy: CapPolicy, size: Size, lengths: Lengths | None) -> Edit | Note:
    size, saving = _worth(policy, size, lengths, facts)
    tokens = max(size.tokens, _SMALLEST.get(view.dialect, 1))
    own = view.cap
    if own is not None and own[1] <= tokens:
        return Note(LEVER, f"the caller's own cap of {own[1]:,} is not above {tokens:,}")
    return Edit(
        lever=LEVER,
        path=(own[0] if own is not None else _cap_param(view, facts),),
        action=Action.SET,
        value=str(tokens).encode(),
        why=f"answers end within {tokens:,} tokens: {size.why}",
        saving=saving,
        risk=Risk.LOSSY,
    )


def _worth(policy: CapPolicy, size: Size, lengths: Lengths | None, facts: Facts) -> tuple[Size, Picodollars | Unknown]:
    """The cap and its expected saving; where it would lose, the smallest cap that cuts nothing but runaways."""
    prices = facts.prices
    if lengths is None or lengths.count < policy.min_calls:
        return size, Unknown("too few answers were seen to tell")
    if isinstance(prices, Unknown):
        return size, prices
    if isinstance(prices.output, Unknown):
        return size, prices.output
    if isinstance(prices.input, Unknown):
        return size, prices.input
    runaway = RUNAWAY * size.base
    rates = {"output_rate": prices.output, "retry_input": facts.input_tokens * prices.input}
    saving = expected_saving(lengths, size.tokens, runaway, **rates)
    if saving < 0:
        longest = math.ceil(policy.multiplier * longest_own_end(lengths, runaway))
        wider = msgspec.structs.replace(
            size,
            tokens=max(size.tokens, longest),
            why=f"{policy.multiplier:g} x the longest of {lengths.count:,} answers, because a cap of {size.tokens:,} "
            f"would cost more in second tries than it saves",
        )
        return wider, Picodollars(expected_saving(lengths, wider.tokens, runaway, **rates))
    return size, Picodollars(saving)


def _cap_param(view: View, facts: Facts) -> str:
    if isinstance(facts.profile, Unknown):  # `_unfit` turned these away
        raise TypeError("no profile")
    return facts.profile.cap_param(view.dialect)

"""A proof in sentences, for every view: what the holdback shows, what was projected, and what makes both less sure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Literal

import msgspec

from penstock.audit.realised import Realised
from penstock.evidence.proof import Interval, NotEnough, Proof
from penstock.money import Picodollars, format_usd

Tone = Literal["result", "plain", "detail", "caution"]


class Sentence(msgspec.Struct, frozen=True):
    """One line.

    Attributes:
        text: without an end of line.
        tone: how loud it is said.
    """

    text: str
    tone: Tone = "plain"


def proof_sentences(result: Realised) -> Iterator[Sentence]:
    """The result, or what is missing for one, and the projection beside it."""
    if isinstance(result.proof, NotEnough):
        yield from _not_enough(result.proof)
    else:
        yield from _proven(result.proof)
    own = result.projected
    if own.saving is not None:
        inside = inside_of(own.saving, result.proof)
        saved = format_usd(own.saved)
        yield Sentence(f"Projected: {own.saving:.1%} on {own.calls:,} treated calls, {saved}{inside}.")
        yield Sentence(f"  {own.basis}", "detail")


def caution_sentences(result: Realised) -> Iterator[Sentence]:
    """What makes the figures less sure, and what is in none of them."""
    for warning in (*(result.proof.warnings if isinstance(result.proof, Proof) else ()), *result.warnings):
        yield Sentence(f"note: {warning}", "caution")
    for reason, count in result.left_out.items():
        yield Sentence(f"left out, {count:,} calls: {reason}", "detail")


def interval_text(interval: Interval) -> str:
    """An interval of shares, low to high."""
    return f"{_share(interval.low)} to {_share(interval.high)}"


def inside_of(saving: float, proof: Proof | NotEnough) -> str:
    """Where a saving lies, as a clause; empty without a proof."""
    if isinstance(proof, NotEnough):
        return ""
    return ", inside the interval" if proof.saving.low <= saving <= proof.saving.high else ", outside the interval"


def _not_enough(proof: NotEnough) -> Iterator[Sentence]:
    yield Sentence(f"Not enough to say: {proof.why}.", "result")
    yield Sentence(
        f"{proof.treated_sessions:,} treated and {proof.holdback_sessions:,} held-back sessions were seen; "
        f"{proof.needed:,} of each are the least."
    )


def _proven(proof: Proof) -> Iterator[Sentence]:
    kind = "at all times" if proof.anytime else "interval"
    yield Sentence(
        f"Realised saving {proof.saving.estimate:.1%} ({proof.level:.0%} {kind} {interval_text(proof.saving)})",
        "result",
    )
    saved = [_dollars(amount) for amount in (proof.saved.estimate, proof.saved.low, proof.saved.high)]
    yield Sentence(f"{saved[0]} on {proof.treated.calls:,} treated calls ({saved[1]} to {saved[2]}).")
    if not proof.decided:
        more = f"; about {proof.sessions_to_decide:,} sessions in all would" if proof.sessions_to_decide else ""
        yield Sentence(f"The interval holds zero: not yet told from chance{more}.", "caution")
    for name, arm in (("treated", proof.treated), ("held back", proof.holdback)):
        mean = _dollars(arm.mean_cost)
        yield Sentence(f"  {name}: {arm.calls:,} calls in {arm.sessions:,} sessions, {mean} a call", "detail")
    how = "adjusted for the size of the client's requests" if proof.adjusted else "not adjusted"
    plain = f"{proof.unadjusted.estimate:.1%} ({interval_text(proof.unadjusted)})"
    yield Sentence(f"  {how}; unadjusted {plain}; clustered by session", "detail")


def _share(value: float) -> str:
    return f"{value:.1%}" if math.isfinite(value) else "no bound"


def _dollars(pico: float) -> str:
    return format_usd(Picodollars(round(pico))) if math.isfinite(pico) else "no bound"

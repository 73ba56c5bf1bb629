"""A quality gate's standing as lines for people and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

from penstock.evidence.gate import EasyState, Entry, Gate
from penstock.evidence.gatebook import Status
from penstock.ledger.sends import Payback

_HOUR = 3600.0
_SHOWN = 20


def gate_lines(gate: Gate, status: Status, payback: Payback | None) -> Iterator[str]:
    """A gate as a heading and indented lines: standing, scores, what is needed, why, and what people decided."""
    yield f"{status.task}: {status.reference} -> {status.candidate}"
    pinned = ", pinned" if status.pinned else ""
    serving = f"; {status.served:,} calls served" if gate.serving else ""
    yield f"  {status.state.value}{pinned} since {_moment(gate.entered_at)}{serving}"
    yield f"  pairs     {_pairs(status)}"
    if status.needed is not None:
        yield f"  evidence  e-value {status.e_value:.3g} of {status.threshold:.3g}; still needed: {_needed(status)}"
    if gate.easy is not None:
        yield f"  easy      {_easy(gate.easy)}"
    yield f"  payback   {_payback(payback)}"
    yield f"  why       {status.why}"
    for entry in [one for one in gate.history if one.by.startswith("person:")][-1:]:
        yield f"  by hand   {_decision(entry)}"


def gate_row(gate: Gate, status: Status, payback: Payback | None) -> dict[str, Any]:
    """The same for JSON; e-values and means as they are, unknown as null, the newest entries of the history."""
    needed = status.needed
    return {
        "task": status.task,
        "reference": status.reference,
        "candidate": status.candidate,
        "candidate_model": status.model,
        "edits": list(status.edits),
        "state": status.state.value,
        "pinned": status.pinned,
        "pairs": status.n,
        "losses": status.losses,
        "wins": status.wins,
        "mean_difference": status.mean,
        "e_value": status.e_value,
        "e_value_needed": status.threshold,
        "reference_score": status.reference_mean,
        "reference_score_at_least": status.reference_low,
        "demoted_before": status.attempt,
        "served": status.served,
        "pairs_since_serving": status.watched,
        "samples_needed": None if needed is None else needed.samples,
        "seconds_needed": None if needed is None else needed.seconds,
        "price_ratio": None if payback is None else payback.price_ratio,
        "payback_calls": None if payback is None else payback.calls,
        "payback_days": None if payback is None else payback.days,
        "easy_share": None if gate.easy is None else gate.easy.share,
        "why": status.why,
        "history": [msgspec.to_builtins(entry) for entry in gate.history[-_SHOWN:]],
    }


def _pairs(status: Status) -> str:
    if status.mean is None:
        return "none yet"
    parts = [f"{status.n:,}", f"mean difference {status.mean:+.3f}"]
    if status.watched:
        parts.append(f"{status.watched:,} more since it serves")
    if status.reference_mean is not None and status.reference_low is not None:
        parts.append(f"reference scores {status.reference_mean:.2f}, shown to be at least {status.reference_low:.2f}")
    return ", ".join(parts)


def _needed(status: Status) -> str:
    needed = status.needed
    if needed is None:
        return "-"
    if needed.samples is None:
        return "it will not come at the present disagreement"
    parts = [f"{needed.samples:,} pairs"] if needed.samples else []
    parts += [f"{needed.seconds / _HOUR:.1f} h"] if needed.seconds else []
    return " and ".join(parts) or "nothing"


def _payback(payback: Payback | None) -> str:
    if payback is None:
        return "unknown: no cost of one of the two is known"
    ratio = f"a candidate's request costs {payback.price_ratio:.0%} of the reference's"
    if payback.calls is None:
        return f"never: {ratio}"
    days = "" if payback.days is None else f" ({payback.days:.1f} days at the present rate)"
    return f"after {payback.calls:,} calls served{days}; {ratio}"


def _easy(easy: EasyState) -> str:
    if easy.dropped:
        return f"no prompts any more: {easy.dropped}"
    if not easy.share:
        return f"no prompts: none could be certified as easy from {easy.pairs:,} pairs"
    return f"{easy.share:.0%} of prompts, certified from {easy.pairs:,} pairs, go to the candidate already"


def _decision(entry: Entry) -> str:
    return f"{entry.after.value} by {entry.by.removeprefix('person:')} at {_moment(entry.at)}: {entry.why}"


def _moment(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"

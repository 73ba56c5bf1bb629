"""A quality gate's standing as lines for people and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from penstock.ledger.standing import Standing

_SHOWN = 20


def gate_lines(standing: Standing) -> Iterator[str]:
    """A gate as a heading and indented lines: standing, scores, what is needed, why, and what people decided."""
    yield standing.heading
    yield f"  {standing.state}"
    for name, text in standing.facts():
        yield f"  {name:<9} {text}"


def gate_row(standing: Standing) -> dict[str, Any]:
    """The same for JSON; e-values and means as they are, unknown as null, the newest entries of the history."""
    gate, status, payback = standing.gate, standing.status, standing.payback
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
        "pairs_ungraded": gate.ungraded,
        "pairs_ungraded_after_restart": gate.ungraded_late,
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

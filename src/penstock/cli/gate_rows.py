"""A quality gate's standing as a table row and as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.table import Table

from penstock.evidence.gatebook import Status
from penstock.ledger.sends import Payback

_COLUMNS = ("task", "candidate", "state", "pairs", "difference", "evidence", "still needed", "payback", "why")
_HOUR = 3600.0


def gate_table(gates: Iterable[tuple[Status, Payback | None]]) -> Table:
    """One row for each gate."""
    table = Table(box=None, pad_edge=False)
    for name in _COLUMNS:
        table.add_column(name, justify="right" if name in ("pairs", "difference") else "left")
    for status, payback in gates:
        table.add_row(
            status.task,
            f"{status.reference} -> {status.candidate}",
            f"{status.state.value}, pinned" if status.pinned else status.state.value,
            f"{status.n + status.watched:,}",
            "-" if status.mean is None else f"{status.mean:+.3f}",
            f"e {status.e_value:.3g} of {status.threshold:.3g}",
            _needed(status),
            _payback(payback),
            status.why,
        )
    return table


def gate_row(status: Status, payback: Payback | None) -> dict[str, Any]:
    """The same for JSON; e-values and means as they are, unknown as null."""
    needed = status.needed
    return {
        "task": status.task,
        "reference": status.reference,
        "candidate": status.candidate,
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
        "why": status.why,
    }


def _needed(status: Status) -> str:
    needed = status.needed
    if needed is None:
        return "-"
    if needed.samples is None:
        return "not at this disagreement"
    parts = [f"{needed.samples:,} pairs"] if needed.samples else []
    parts += [f"{needed.seconds / _HOUR:.1f} h"] if needed.seconds else []
    return " and ".join(parts) or "nothing"


def _payback(payback: Payback | None) -> str:
    if payback is None:
        return "unknown"
    if payback.calls is None:
        return "never"
    days = "" if payback.days is None else f" ({payback.days:.1f} days)"
    return f"{payback.calls:,} calls{days}"

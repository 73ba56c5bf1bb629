"""What the detectors' sentences share: how many calls a figure rests on, and how it is scaled to all of them."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.audit.gather import Group
from penstock.audit.row import CallRow


def whole(amount: int, rows: Sequence[CallRow], group: Group) -> int:
    """An amount over the calls that could be computed, scaled to all answered calls of their group."""
    return round(amount * group.answered / len(rows)) if rows else 0


def few(rows: Sequence[CallRow], group: Group) -> str:
    """Which calls a figure rests on: ``420 calls``, or ``5,000 of 23,114 calls, scaled``."""
    answered = group.answered
    if len(rows) == answered:
        return f"{len(rows):,} calls"
    return f"{len(rows):,} of {answered:,} calls, scaled"

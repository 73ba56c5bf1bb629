"""What the detectors' sentences share: how many calls a figure rests on, and how it is scaled to all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from penstock.audit.finding import Finding
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


def explained(finding: Finding, rows: Sequence[CallRow]) -> Finding:
    """A finding with what the provider's cache diagnostics say of its calls, where they say that anything diverged."""
    diverged = [row.diagnosis for row in rows if row.diagnosis is not None and row.diagnosis.reason]
    if not diverged:
        return finding
    said = dict(Counter(one.reason for one in diverged).most_common())
    missed = sum(one.missed or 0 for one in diverged)
    words = ", ".join(f"{word} in {count:,} calls" for word, count in said.items())
    return msgspec.structs.replace(
        finding,
        detail=f"{finding.detail} The provider's own diagnostics say {words} ({missed:,} tokens not read).",
        evidence={**finding.evidence, "provider_says": said},
    )

"""The gate that a question is proposed behind: what it tests, who compares free text, and what it may spend.

A shadow is the same call once more, so a gate that was told nothing could cost more than the change would ever save. It
may spend in a day what the change is expected to save in one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock.audit.gather import AuditInput, Group
from penstock.audit.period import MONTH_DAYS
from penstock.models.catalog import profile_of
from penstock.money import PICO_PER_USD, Picodollars
from penstock.policy.schema import GatePolicy
from penstock.unknown import Unknown

_LEAST_USD_DAY = 0.01


def gate_of(
    data: AuditInput,
    group: Group,
    dollars: Picodollars | Unknown,
    *,
    candidate: str | None = None,
    edits: Sequence[str] = (),
) -> dict[str, Any]:
    """Keys of a gate section.

    Args:
        data: the whole log.
        group: the calls that the question is about. Their own model judges free text: where only edits are tested it
            compares answers of its own kind, and a smaller model that it does not find as good is not promoted.
        dollars: what the change would save over the log.
        candidate: the model to test, or None.
        edits: the edits to test.
    """
    keys: dict[str, Any] = {}
    if candidate is not None:
        keys["candidate"] = candidate
    if edits:
        keys["edits"] = list(edits)
    if sum(task == group.task for task, _ in data.groups) > 1:
        keys["reference"] = group.model
    if not all(row.structured for row in group.rows) and not isinstance(profile_of(group.model), Unknown):
        keys["judge"] = group.model
    month = data.period.month(dollars)
    if not isinstance(month, Unknown):
        day = max(_LEAST_USD_DAY, round(month / MONTH_DAYS / PICO_PER_USD, 2))
        if day < GatePolicy().shadow_usd_day:
            keys["shadow_usd_day"] = day
    return keys

"""What treated calls saved, lever by lever: each call's difference shared over the levers that made it."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from penstock.engine.record import Call
from penstock.evidence.proof import TREATED
from penstock.money import Picodollars

UNASSIGNED = "no edit"
"""Differences on calls that no lever touched: what the derivation of the bill before is off by."""


class SavedBy(msgspec.Struct, kw_only=True):
    """Sums over the treated calls whose cost and cost before are both known.

    Attributes:
        calls: how many.
        before: what they would have cost as the client sent them (derived by the cache rules).
        after: what they cost, second sends included (the provider's own usage).
        by_lever: the difference, each call's shared over its levers in proportion to what they expected to save.
        unknown: treated calls that are in no sum.
    """

    calls: int = 0
    before: int = 0
    after: int = 0
    by_lever: dict[str, int] = msgspec.field(default_factory=dict)
    unknown: int = 0

    @property
    def saving(self) -> Picodollars:
        """Before less after."""
        return Picodollars(self.before - self.after)

    def add(self, call: Call) -> None:
        """Count one call; calls of other arms than the treated one are left out."""
        if call.arm != TREATED:
            return
        after, before = call.cost_all, call.cost_before
        if after is None or before is None:
            self.unknown += 1
            return
        self.calls += 1
        self.before += before
        self.after += after
        for lever, amount in _shares(call, before - after).items():
            self.by_lever[lever] = self.by_lever.get(lever, 0) + amount


def saved_by_lever(calls: Iterable[Call]) -> SavedBy:
    """The sums over some calls of the ledger."""
    result = SavedBy()
    for call in calls:
        result.add(call)
    return result


def _shares(call: Call, saved: int) -> dict[str, int]:
    """A call's saving over its levers; the parts sum to it exactly."""
    expected: dict[str, int] = {}
    for edit in call.edits:
        expected[edit.lever] = expected.get(edit.lever, 0) + max(edit.saving or 0, 0)
    if not expected:
        return {UNASSIGNED: saved}
    whole = sum(expected.values())
    if whole == 0:
        expected, whole = dict.fromkeys(expected, 1), len(expected)
    parts = {lever: saved * weight // whole for lever, weight in expected.items()}
    first = max(expected, key=lambda lever: expected[lever])
    parts[first] += saved - sum(parts.values())
    return parts

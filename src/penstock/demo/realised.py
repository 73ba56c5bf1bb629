"""What the served day saved, lever by lever, from the ledger."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from penstock.engine.record import Call
from penstock.evidence.proof import TREATED
from penstock.money import Picodollars

UNASSIGNED = "no edit"
"""Differences on calls that no lever touched: what the derivation of the bill before is off by."""


class Realised(msgspec.Struct, kw_only=True):
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


def realised(calls: Iterable[Call]) -> Realised:
    """The sums over some calls of the ledger."""
    result = Realised()
    for call in calls:
        if call.arm != TREATED:
            continue
        after, before = call.cost_all, call.cost_before
        if after is None or before is None:
            result.unknown += 1
            continue
        result.calls += 1
        result.before += before
        result.after += after
        for lever, amount in _shares(call, before - after).items():
            result.by_lever[lever] = result.by_lever.get(lever, 0) + amount
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

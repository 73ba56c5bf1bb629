"""The markers that a request already carries: they stay, with their lifetimes (design, section 3)."""

from __future__ import annotations

from penstock.levers.cache.planner import Fixed
from penstock.models.profile import Profile
from penstock.wire.view import View

_SHORTEST = 300.0


def client_marks(view: View, profile: Profile) -> list[Fixed]:
    """The client's own markers in prompt order, the automatic one on the last block that may carry one."""
    segments = view.segments
    fixed = [
        _fixed(position, marker.ttl, profile)
        for position in view.outline.marked
        if (marker := segments[position].marker) is not None
    ]
    automatic = view.automatic_marker
    if automatic is None:
        return fixed
    last = next((p for p in range(len(view.segments) - 1, -1, -1) if view.segments[p].markable), -1)
    if last >= 0 and all(mark.position != last for mark in fixed):
        fixed.append(_fixed(last, automatic.ttl, profile))
    return fixed


def _fixed(position: int, ttl: str, profile: Profile) -> Fixed:
    return Fixed(position, ttl, profile.ttl_seconds.get(ttl, _SHORTEST))

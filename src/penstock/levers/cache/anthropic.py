"""Markers on Anthropic requests (provider-semantics 1.2-1.5)."""

from __future__ import annotations

from penstock.engine.edit import Action, Edit, Note, Risk
from penstock.engine.facts import Facts
from penstock.levers.cache.case import RequestCase, request_case
from penstock.levers.cache.client_marks import client_marks
from penstock.levers.cache.place import place
from penstock.levers.cache.planner import Mark
from penstock.unknown import Unknown
from penstock.wire.segments import Marker
from penstock.wire.view import View

GROUP = "markers"


def propose(view: View, facts: Facts) -> list[Edit | Note]:
    """Cache markers for a Messages request; none where they are not expected to pay."""
    request = request_case(view, facts)
    if isinstance(request, Unknown) or isinstance(facts.profile, Unknown):
        return []
    marks, reader, refused = place(request.case, client_marks(view, facts.profile))
    proposals: list[Edit | Note] = [_edit(request, mark, reads=mark is reader) for mark in marks]
    if refused:
        proposals.append(Note("cache", refused))
    return proposals


def _edit(request: RequestCase, mark: Mark, *, reads: bool) -> Edit:
    view, case = request.view, request.case
    operation = view.mark(view.segments[mark.position], Marker(mark.ttl))
    read = (1.0 - case.terms.read) * case.chain.upto(case.entry) if reads else 0.0
    return Edit(
        lever="cache",
        path=operation.path,
        action=Action(operation.action),
        value=operation.value,
        why=_why(request, mark, reads=reads),
        saving=request.money(mark.saving + read),
        risk=Risk.EXACT,
        group=GROUP,
    )


def _why(request: RequestCase, mark: Mark, *, reads: bool) -> str:
    case = request.case
    parts = []
    if reads:
        parts.append(f"reads {case.chain.upto(case.entry):,} tokens that are cached")
    if mark.tokens:
        rate = next(write.rate for write in case.terms.writes if write.ttl == mark.ttl)
        parts.append(
            f"writes {mark.tokens:,} tokens for {mark.ttl} at {rate:g}x; "
            f"{mark.chance:.0%} are expected to be read again in time at {case.terms.read:g}x"
        )
    if mark.kept:
        parts.append(f"keeps the {mark.kept:,} tokens before them for {mark.ttl} too")
    return "; ".join(parts)

"""Markers on Anthropic requests (provider-semantics 1.2-1.5).

The plan's markers write what is expected to be read again. A live entry is read only if a marker stands on it or at
most nineteen positions behind it, so a marker is put on the entry itself where none of the others reaches it (T3).
Runs of tool blocks are counted one by one, which is the careful reading of the look-back rule.
"""

from __future__ import annotations

from collections.abc import Sequence

from penstock.engine.edit import Action, Edit, Risk
from penstock.engine.facts import Facts
from penstock.levers.cache.case import Case, case_of
from penstock.levers.cache.client_marks import client_marks
from penstock.levers.cache.planner import Fixed, Mark, in_order, plan_markers
from penstock.unknown import Unknown
from penstock.wire.segments import Marker
from penstock.wire.view import View

LOOK_BACK = 20
"""Positions that a marker looks at, its own included (1.4)."""
GROUP = "markers"


def propose(view: View, facts: Facts) -> list[Edit]:
    """Cache markers for a Messages request; none where they are not expected to pay."""
    case = case_of(view, facts)
    if isinstance(case, Unknown) or isinstance(facts.profile, Unknown):
        return []
    fixed = client_marks(view, facts.profile)
    marks = placed(case, fixed)
    reader = _reader(case, marks, fixed)
    return [_edit(case, mark, reads=mark is reader) for mark in marks]


def placed(case: Case, fixed: Sequence[Fixed]) -> list[Mark]:
    """The markers to add beside the client's own, in prompt order: those that pay, and one to read the live entry."""
    room = case.terms.slots - len(fixed)
    if room <= 0:
        return []
    marks = plan_markers(case.chain, case.outlook, case.terms, entry=case.entry, slots=room, fixed=fixed)
    if not _needs_reader(case, marks, fixed):
        return marks
    later = {mark.ttl for mark in marks} | {mark.ttl for mark in fixed if mark.position > case.entry}
    write = next((write for write in case.terms.writes if write.ttl in later), case.terms.writes[-1])
    if not in_order(case.entry, write.lifetime, fixed):
        return marks
    return [Mark(case.entry, write.ttl, 0, 1.0, 0.0), *marks[: room - 1]]


def _needs_reader(case: Case, marks: Sequence[Mark], fixed: Sequence[Fixed]) -> bool:
    """Whether there is a live entry that no marker finds."""
    if case.entry < 0 or case.chain.upto(case.entry) < case.terms.minimum:
        return False
    positions = [mark.position for mark in marks] + [mark.position for mark in fixed]
    return not any(_finds(case, position) for position in positions)


def _reader(case: Case, marks: Sequence[Mark], fixed: Sequence[Fixed]) -> Mark | None:
    """Which of our markers makes the live entry readable; None when there is no entry or the client's own does."""
    if case.entry < 0 or any(_finds(case, mark.position) for mark in fixed):
        return None
    return next((mark for mark in marks if _finds(case, mark.position)), None)


def _finds(case: Case, position: int) -> bool:
    return 0 <= position - case.entry < LOOK_BACK


def _edit(case: Case, mark: Mark, *, reads: bool) -> Edit:
    operation = case.view.mark(case.view.segments[mark.position], Marker(mark.ttl))
    read = (1.0 - case.terms.read) * case.chain.upto(case.entry) if reads else 0.0
    return Edit(
        lever="cache",
        path=operation.path,
        action=Action(operation.action),
        value=operation.value,
        why=_why(case, mark, reads=reads),
        saving=case.money(mark.saving + read),
        risk=Risk.EXACT,
        group=GROUP,
    )


def _why(case: Case, mark: Mark, *, reads: bool) -> str:
    parts = []
    if reads:
        parts.append(f"reads {case.chain.upto(case.entry):,} tokens that are cached")
    if mark.tokens:
        rate = next(write.rate for write in case.terms.writes if write.ttl == mark.ttl)
        parts.append(
            f"writes {mark.tokens:,} tokens for {mark.ttl} at {rate:g}x; "
            f"{mark.chance:.0%} are expected to be read again in time at {case.terms.read:g}x"
        )
    return "; ".join(parts)

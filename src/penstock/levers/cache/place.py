"""Where markers go: the plan's writes within what the guard allows, and a marker that finds the live entry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from penstock.evidence.reuse import ReuseEvidence
from penstock.evidence.sightings import Chain, Outlook, Sighting
from penstock.levers.cache.guard import Standing, affordable, standing
from penstock.levers.cache.planner import Fixed, Mark, Terms, in_order, plan_markers


class Case(NamedTuple):
    """Everything that a placement is decided from.

    Attributes:
        chain: the prompt's prefixes.
        terms: what caching costs.
        sighting: what was known about the chain, or None.
        outlook: how likely its spots come again.
        standing: how much the task may spend on writing.
    """

    chain: Chain
    terms: Terms
    sighting: Sighting | None
    outlook: Outlook
    standing: Standing

    @property
    def entry(self) -> int:
        """Position of the deepest live entry that is long enough to be read, -1 for none."""
        if self.sighting is None or self.chain.upto(self.sighting.entry) < self.terms.minimum:
            return -1
        return self.sighting.entry

    @property
    def entry_life(self) -> float:
        """Lifetime of that entry in seconds, 0 for none."""
        return 0.0 if self.sighting is None or self.entry < 0 else self.sighting.life

    @property
    def total(self) -> int:
        """Tokens of the whole prompt."""
        return self.chain.upto(len(self.chain) - 1)

    def finds(self, position: int) -> bool:
        """Whether a marker at a position finds the live entry."""
        return 0 <= self.entry <= position < self.entry + self.terms.look_back


class Placement(NamedTuple):
    """Markers to add.

    Attributes:
        marks: in prompt order.
        reader: the first of them that finds the live entry; None when there is no entry or another marker finds it.
        refused: why the guard held writes back, or empty.
    """

    marks: list[Mark]
    reader: Mark | None
    refused: str


def case_of(reuse: ReuseEvidence, task: str, model: str, chain: Chain, terms: Terms, *, now: float) -> Case:
    """The case of a prompt at a time (seconds since the epoch)."""
    sighting = reuse.look(chain, now)
    outlook = reuse.forecast(task, chain, sighting)
    return Case(chain, terms, sighting, outlook, standing(reuse.returns.of(task, model), terms, now))


def place(case: Case, fixed: Sequence[Fixed] = ()) -> Placement:
    """The markers to add beside the client's own (``fixed``, in order): those that pay, and one to read with."""
    room = case.terms.slots - len(fixed)
    if room <= 0:
        return Placement([], None, "")
    wanted = plan_markers(
        case.chain,
        case.outlook,
        case.terms,
        entry=case.entry,
        entry_life=case.entry_life,
        slots=room,
        fixed=fixed,
    )
    marks = affordable(wanted, case.terms, case.standing.allowed)
    refused = case.standing.why if len(marks) < len(wanted) else ""
    if case.entry < 0 or any(case.finds(mark.position) for mark in fixed):
        return Placement(marks, None, refused)
    reader = next((mark for mark in marks if case.finds(mark.position)), None)
    if reader is None:
        reader = _on_entry(case, marks, fixed)
        if reader is not None:
            marks = [reader, *marks[: room - 1]]
    return Placement(marks, reader, refused)


def _on_entry(case: Case, marks: Sequence[Mark], fixed: Sequence[Fixed]) -> Mark | None:
    """A marker on the live entry, which writes nothing; None where the order of lifetimes forbids it."""
    later = {mark.ttl for mark in marks} | {mark.ttl for mark in fixed if mark.position > case.entry}
    writes = case.terms.writes
    write = next((write for write in writes if write.ttl in later or write.lifetime == case.entry_life), writes[-1])
    if not case.chain.markable(case.entry) or not in_order(case.entry, write.lifetime, fixed):
        return None
    return Mark(case.entry, write.ttl, 0, 1.0, 0.0)

"""What one process has learnt and what the others have, through the rows of the ledger's file (decision 0016).

A process knows two states of the time when it last looked: its own, and the file's. What it has learnt since is the
difference to its own; it is added to whatever stands in the file by now. What the others have learnt since is the
difference to the file's; it is given back, to be added to what the process knows. So each difference is counted once,
in whichever order processes write, look, come and go.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from penstock.evidence.store import Evidence, difference
from penstock.ledger.learnt import EvidenceShelf, Learnt, Stamp, evidence_of, learnt, plain_value

_MOST_GIVEN = 10
"""Growths that are remembered one by one by a process that learns nothing itself and does not write."""

Growth = tuple[Evidence, Evidence]
"""What others have learnt, as an earlier and a later state, for ``Evidence.advancing``."""


class Exchange:
    """One process's side, which begins with what the file holds. Use it from the ledger's thread.

    Args:
        shelf: the file's table.
        writer: a name of this process.
    """

    def __init__(self, shelf: EvidenceShelf, writer: str) -> None:
        self._shelf = shelf
        self._writer = writer
        self._stamp: Stamp = shelf.stamp()
        self._file = self._mine = shelf.rows()
        self._given: list[Growth] = []

    def begin(self) -> tuple[Evidence, list[str]]:
        """What the file held, and the names of parts that could not be read."""
        evidence, broken = evidence_of(self._file)
        return evidence, sorted({*broken, *self._shelf.later()})

    def write(self, rows: list[Learnt], at: float) -> Growth | None:
        """Keep what a process knows, every growth that was given back included; what others have learnt meanwhile.

        Where nobody else wrote nothing is read, and the rows are kept as they are.

        Args:
            rows: all parts.
            at: seconds since the epoch.

        Raises:
            InternalError: the file cannot be written.
        """
        while True:
            found = self._shelf.stamp()
            alone = found == self._stamp
            theirs = [] if alone else self._shelf.rows()
            whole = rows if alone else self._added(theirs, rows, at)
            kept = self._shelf.save(whole, self._writer, found)
            if kept is not None:
                break
        growth = None if alone else grown(self._file, theirs)
        self._stamp, self._file, self._mine = kept, whole, rows
        self._given = [] if growth is None else [growth]
        return growth

    def changed(self) -> bool:
        """Whether others have written since the last look or write."""
        return self._shelf.stamp() != self._stamp

    def look(self) -> Growth | None:
        """What others have learnt since the last look or write; None for nothing."""
        found = self._shelf.stamp()
        if found == self._stamp:
            return None
        theirs = self._shelf.rows()
        if self._shelf.stamp() != found:
            return None  # the next look finds one state
        growth = grown(self._file, theirs)
        self._stamp, self._file = found, theirs
        if growth is not None:
            self._given.append(growth)
            if len(self._given) > _MOST_GIVEN:
                evidence = self._then()
                self._mine, self._given = [learnt(*part, 0.0) for part in _values(evidence)], []
        return growth

    def _then(self) -> Evidence:
        """What this process knew when it last looked: what it had when it wrote, and what it was given since."""
        evidence, _ = evidence_of(self._mine)
        for growth in self._given:
            evidence.advance(*growth)
        return evidence

    def _added(self, theirs: list[Learnt], rows: list[Learnt], at: float) -> list[Learnt]:
        """What stands in the file, with what was learnt here added to it; parts that are broken there are ours."""
        shared, broken = evidence_of(theirs)
        earlier, now = self._then(), evidence_of(rows)[0]
        whole = set(broken) | ({row.part for row in self._mine} - {row.part for row in theirs})
        shared.advance(earlier, now)
        for part in filter(now.keeps, whole):
            setattr(shared, part, getattr(now, part))
        return [learnt(*part, at) for part in _values(shared)]


def _values(evidence: Evidence) -> list[tuple[str, Any]]:
    return [(name, values()) for name, values in evidence.snapshot().items()]


def grown(earlier: Iterable[Learnt], now: Iterable[Learnt]) -> Growth | None:
    """What was added between two states of the file; None for nothing. A part that is broken in one is left out."""
    before, after = ({row.part: row for row in rows} for rows in (earlier, now))
    changed = [part for part, row in after.items() if part not in before or before[part].summary != row.summary]
    values = [{part: _value(rows[part]) for part in changed if part in rows} for rows in (before, after)]
    whole = [part for part in changed if all(value.get(part, value) is not None for value in values)]
    one, two, broken = difference(*({part: rows[part] for part in whole if part in rows} for rows in values))
    return (one, two) if len(broken) < len(whole) else None


def _value(row: Learnt) -> Any:
    """What a row holds; None for one that is broken."""
    with suppress(Exception):  # whatever it holds, the others are read
        return plain_value(row)
    return None

"""What was learnt from traffic, in the ledger's file: one row for each part of the evidence."""

from __future__ import annotations

import math
import sqlite3
import zlib
from collections.abc import Iterable
from typing import Any

import msgspec

from penstock.errors import InternalError
from penstock.evidence.store import VERSION, Evidence

_FAST = 1
_LARGEST = 512 * 1024 * 1024
"""Bytes of a part's plain JSON beyond which it is taken for broken."""


Stamp = frozenset[tuple[str, float, str]]
"""What tells one state of the table from another: part, time and writer of each row."""


class Learnt(msgspec.Struct, frozen=True):
    """One part of the evidence made ready to be kept.

    Attributes:
        part: its name, an attribute of ``Evidence``.
        saved_at: seconds since the epoch.
        summary: its JSON, compressed.
    """

    part: str
    saved_at: float
    summary: bytes


def learnt(part: str, value: Any, at: float) -> Learnt:
    """A part of the evidence as it is kept: counts and digests, no prompt text.

    Args:
        part: its name.
        value: what its ``to_builtins`` gave.
        at: seconds since the epoch.
    """
    return Learnt(part, at, zlib.compress(msgspec.json.encode(value), _FAST))


class EvidenceShelf:
    """The evidence's table. Use it from the ledger's thread."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def save(self, parts: Iterable[Learnt], writer: str, unless_not: Stamp | None = None) -> Stamp | None:
        """Keep parts in place of those that are there, all or none.

        Args:
            parts: to keep.
            writer: a name of this process.
            unless_not: the state that they follow from; in another one nothing is kept. None for any state.

        Returns:
            The table's state afterwards; None when nothing was kept.

        Raises:
            InternalError: the file cannot be written.
        """
        parts = list(parts)
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                if unless_not is not None and self.stamp() != unless_not:
                    self._connection.execute("ROLLBACK")
                    return None
                soonest = self._after_all()
                rows = [(one.part, VERSION, max(one.saved_at, soonest), writer, one.summary) for one in parts]
                self._connection.executemany("INSERT OR REPLACE INTO evidence VALUES (?,?,?,?,?)", rows)
                stamp = self.stamp()
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise InternalError(f"the ledger cannot be written: {error}", hint="is the disk full?") from error
        return stamp

    def stamp(self) -> Stamp:
        """The table's state."""
        return frozenset(self._connection.execute("SELECT part, saved_at, writer FROM evidence"))

    def _after_all(self) -> float:
        """A time that no row has: two writes of one process are never the same state, whatever its clock says."""
        (latest,) = self._connection.execute("SELECT max(saved_at) FROM evidence").fetchone()
        return 0.0 if latest is None else math.nextafter(latest, math.inf)

    def rows(self) -> list[Learnt]:
        """The rows as they are kept."""
        query = "SELECT part, saved_at, summary FROM evidence WHERE version <= ? ORDER BY part"
        return [Learnt(*row) for row in self._connection.execute(query, (VERSION,))]

    def writers(self) -> set[str]:
        """Who wrote what is kept; empty when nothing is."""
        return {str(writer) for (writer,) in self._connection.execute("SELECT DISTINCT writer FROM evidence")}

    def load(self) -> tuple[Evidence, list[str]]:
        """The evidence that is kept, and the names of parts that could not be read: they begin empty."""
        evidence, broken = evidence_of(self.rows())
        return evidence, sorted([*broken, *self.later()])

    def later(self) -> list[str]:
        """The names of parts that a later version has written."""
        query = "SELECT part FROM evidence WHERE version > ?"
        return [str(part) for (part,) in self._connection.execute(query, (VERSION,))]


def evidence_of(rows: Iterable[Learnt]) -> tuple[Evidence, list[str]]:
    """The evidence that rows hold, and the names of parts that could not be read: they are empty."""
    evidence = Evidence()
    broken = []
    for row in rows:
        try:
            if evidence.keeps(row.part):
                evidence.put(row.part, plain_value(row))
        except Exception:  # noqa: BLE001 - whatever a broken row holds, the gateway starts
            broken.append(row.part)
    return evidence, broken


def plain_value(row: Learnt) -> Any:
    """What ``to_builtins`` of a row's part gave; an error of some kind for a broken row."""
    return msgspec.json.decode(_plain(row.summary))


def _plain(summary: bytes) -> bytes:
    inflate = zlib.decompressobj()
    plain = inflate.decompress(summary, _LARGEST)
    if not inflate.eof:
        raise ValueError("a summary that is cut short or too long")
    return plain

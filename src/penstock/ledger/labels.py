"""Scored pairs in the ledger's file, as hashed features and a difference: what difficulty is learnt from. No text."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

import msgspec

from penstock.errors import InternalError


class SavedLabel(msgspec.Struct, frozen=True):
    """One scored pair.

    Attributes:
        task: and ``candidate``, ``opened_at``: whose it is (``engine.easy.EasyKey``).
        number: counts the pairs of one key up from 1.
        difference: the candidate's score minus the reference's.
        accepted: whether the candidate's answer passed the free checks.
        grams: buckets that occur, 32-bit integers.
        surface: surface features, 32-bit floats.
        vector: the embedding, 32-bit floats; empty without one.
    """

    task: str
    candidate: str
    opened_at: float
    number: int
    difference: float
    accepted: bool
    grams: bytes
    surface: bytes
    vector: bytes = b""


class LabelShelf:
    """The table of scored pairs. Made by ``Ledger.labels``; use it from the ledger's thread."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def save(self, labels: Iterable[SavedLabel]) -> None:
        """Keep pairs; one that is there already stays as it is.

        Raises:
            InternalError: the file cannot be written.
        """
        rows = [msgspec.structs.astuple(one) for one in labels]
        try:
            self._connection.executemany(
                "INSERT INTO gate_labels VALUES (?,?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING", rows
            )
        except sqlite3.Error as error:
            raise InternalError(f"the ledger cannot be written: {error}", hint="is the disk full?") from error

    def of(self, task: str, candidate: str, opened_at: float) -> list[SavedLabel]:
        """The pairs of one key that are kept, oldest first."""
        query = "SELECT * FROM gate_labels WHERE task = ? AND candidate = ? AND opened_at = ? ORDER BY number"
        rows = self._connection.execute(query, (task, candidate, opened_at))
        return [
            SavedLabel(task, candidate, opened_at, number, difference, bool(accepted), grams, surface, vector)
            for _, _, _, number, difference, accepted, grams, surface, vector in rows
        ]

    def forget(self, task: str, candidate: str, opened_at: float, *, before: int) -> None:
        """Drop a key's pairs below a number, and the pairs of evidence that began before it."""
        where = "task = ? AND candidate = ? AND (opened_at < ? OR (opened_at = ? AND number < ?))"
        self._connection.execute(
            f"DELETE FROM gate_labels WHERE {where}",  # noqa: S608 - constants
            (task, candidate, opened_at, opened_at, before),
        )

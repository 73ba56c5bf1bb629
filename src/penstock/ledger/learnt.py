"""What was learnt from traffic, in the ledger's file: one row for each part of the evidence, the last writer's word."""

from __future__ import annotations

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

    def save(self, parts: Iterable[Learnt], writer: str) -> None:
        """Keep parts in place of those that are there, all or none.

        Raises:
            InternalError: the file cannot be written.
        """
        rows = [(one.part, VERSION, one.saved_at, writer, one.summary) for one in parts]
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                self._connection.executemany("INSERT OR REPLACE INTO evidence VALUES (?,?,?,?,?)", rows)
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise InternalError(f"the ledger cannot be written: {error}", hint="is the disk full?") from error

    def writers(self) -> set[str]:
        """Who wrote what is kept; empty when nothing is."""
        return {str(writer) for (writer,) in self._connection.execute("SELECT DISTINCT writer FROM evidence")}

    def load(self) -> tuple[Evidence, list[str]]:
        """The evidence that is kept, and the names of parts that could not be read: they begin empty."""
        evidence = Evidence()
        broken = []
        query = "SELECT part, version, summary FROM evidence ORDER BY part"
        for part, version, summary in self._connection.execute(query):
            try:
                if version > VERSION:
                    broken.append(part)
                elif evidence.keeps(part):
                    evidence.put(part, msgspec.json.decode(_plain(summary)))
            except Exception:  # noqa: BLE001 - whatever a broken row holds, the gateway starts
                broken.append(part)
        return evidence, broken


def _plain(summary: bytes) -> bytes:
    inflate = zlib.decompressobj()
    plain = inflate.decompress(summary, _LARGEST)
    if not inflate.eof:
        raise ValueError("a summary that is cut short or too long")
    return plain

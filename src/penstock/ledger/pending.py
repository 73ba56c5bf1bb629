"""Shadows in batches in the ledger's file, so that a batch that was paid for is read by whoever runs next.

A row has one owner, which says so at every look at its batch. A process that ends lets go of its rows; one that dies
stops looking. Either way another process adopts them, one process only: the row is taken in one statement.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import msgspec

from penstock.engine.pending import PendingPair
from penstock.errors import InternalError

_encode = msgspec.json.Encoder().encode
_pair = msgspec.json.Decoder(PendingPair).decode


class Kept(msgspec.Struct, frozen=True):
    """A shadow in a batch.

    Attributes:
        pair: what it is compared with.
        batch: the provider's id; empty when the process died while it was sending it.
        credentials: digest of what it was sent with.
        sent_at: seconds since the epoch.
    """

    pair: PendingPair
    batch: str
    credentials: str
    sent_at: float


class PendingShelf:
    """The table of pending pairs. Made by ``Ledger.pending``; use it from one thread at a time."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def sending(self, pairs: Iterable[PendingPair], credentials: str, owner: str, at: float) -> None:
        """Keep pairs that are about to be sent in one batch.

        Raises:
            InternalError: the file cannot be written.
        """
        rows = [(one.call_id, "", credentials, at, owner, at, _encode(one)) for one in pairs]
        self._many("INSERT INTO pending_pairs VALUES (?,?,?,?,?,?,?) ON CONFLICT DO NOTHING", rows)

    def sent(self, calls: Sequence[str], batch: str) -> None:
        """The batch has this id.

        Raises:
            InternalError: the file cannot be written.
        """
        self._many("UPDATE pending_pairs SET batch = ? WHERE call = ?", [(batch, call) for call in calls])

    def seen(self, owner: str, batch: str, at: float) -> None:
        """The owner still waits for a batch."""
        self._many("UPDATE pending_pairs SET seen_at = ? WHERE owner = ? AND batch = ?", [(at, owner, batch)])

    def over(self, calls: Sequence[str]) -> None:
        """What came of these calls' shadows is in their records."""
        self._many("DELETE FROM pending_pairs WHERE call = ?", [(call,) for call in calls])

    def let_go(self, owner: str) -> None:
        """The owner ends."""
        self._many("UPDATE pending_pairs SET owner = '' WHERE owner = ?", [(owner,)])

    def adopt(self, owner: str, at: float, *, unseen_since: float) -> list[Kept]:
        """Take the rows that nobody waits for; they are the owner's from now on.

        Args:
            owner: who takes them.
            at: now, seconds since the epoch.
            unseen_since: rows whose owner has not looked since then are nobody's.
        """
        nobodys = "owner <> ? AND (owner = '' OR seen_at < ?)"
        query = f"SELECT pair, batch, credentials, sent_at FROM pending_pairs WHERE {nobodys}"  # noqa: S608 - constants
        taken = f"UPDATE pending_pairs SET owner = ?, seen_at = ? WHERE {nobodys}"  # noqa: S608 - constants
        with self._transaction():
            rows = self._connection.execute(query, (owner, unseen_since)).fetchall()
            self._connection.execute(taken, (owner, at, owner, unseen_since))
        return [Kept(_pair(pair), batch, credentials, sent_at) for pair, batch, credentials, sent_at in rows]

    def _many(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        with self._transaction():
            self._connection.executemany(statement, rows)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise InternalError(f"the ledger cannot be written: {error}", hint="is the disk full?") from error

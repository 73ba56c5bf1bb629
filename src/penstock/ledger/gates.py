"""The quality gates in the ledger's file: their evidence across restarts, and what people decided by hand."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Literal, get_args

import msgspec

from penstock.errors import InternalError, UsageError
from penstock.evidence.gate import Gate
from penstock.evidence.gatebook import GateBook

Action = Literal["hold", "release", "promote", "pin"]
ACTIONS: tuple[Action, ...] = get_args(Action)

_NEW = ", ".join(f"{name} = excluded.{name}" for name in ("state", "entered_at", "saved_at", "writer", "gate"))
_SAVE = (
    f"INSERT INTO gates VALUES (?,?,?,?,?,?,?) ON CONFLICT (task, candidate) DO UPDATE SET {_NEW} "  # noqa: S608 - constants
    "WHERE excluded.entered_at >= gates.entered_at"
)
_encode = msgspec.json.Encoder().encode
_gate = msgspec.json.Decoder(Gate, strict=False)  # keys of counts are numbers


class SavedGate(msgspec.Struct, frozen=True):
    """A gate as it is kept: JSON, made where the gate cannot change meanwhile.

    Attributes:
        task: and ``candidate``: the key.
        state: of the gate.
        entered_at: when it entered that state, seconds since the epoch.
        saved_at: seconds since the epoch.
        raw: the gate as JSON.
    """

    task: str
    candidate: str
    state: str
    entered_at: float
    saved_at: float
    raw: bytes


class Order(msgspec.Struct, frozen=True):
    """A decision by hand.

    Attributes:
        number: counts up; 0 for one that is not kept yet.
        at: seconds since the epoch.
        task: and ``candidate``: which gate.
        action: hold, release, promote or pin.
        person: who decided.
        why: their reason.
    """

    number: int
    at: float
    task: str
    candidate: str
    action: Action
    person: str
    why: str


def saved(gate: Gate, at: float) -> SavedGate:
    """A gate made ready to be kept."""
    return SavedGate(gate.task, gate.candidate, gate.state.value, gate.entered_at, at, _encode(gate))


def obey(book: GateBook, order: Order) -> bool:
    """Carry out a decision; False when the book has no such gate."""
    if order.candidate not in book.gates.get(order.task, {}):
        return False
    decide = {"hold": book.hold, "release": book.release, "promote": book.promote, "pin": book.pin}[order.action]
    decide(order.task, order.candidate, at=order.at, by=order.person, why=order.why)
    return True


class GateShelf:
    """The gates' tables. Made by ``Ledger.gates``; use it from the ledger's thread."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def save(self, gates: Iterable[SavedGate], writer: str = "") -> None:
        """Keep gates in place of what is there, unless that has entered its state later (another process decided).

        Raises:
            InternalError: the file cannot be written.
        """
        rows = [(one.task, one.candidate, one.state, one.entered_at, one.saved_at, writer, one.raw) for one in gates]
        try:
            self._connection.executemany(_SAVE, rows)
        except sqlite3.Error as error:
            raise InternalError(f"the ledger cannot be written: {error}", hint="is the disk full?") from error

    def book(self) -> GateBook:
        """All gates that are kept, under default terms."""
        book = GateBook()
        for (raw,) in self._connection.execute("SELECT gate FROM gates ORDER BY task, candidate"):
            gate = _gate.decode(raw)
            book.gates.setdefault(gate.task, {})[gate.candidate] = gate
        return book

    def of_others(self, writer: str, since: float) -> list[Gate]:
        """Gates that other processes have kept since a time (inclusive, seconds since the epoch)."""
        query = "SELECT gate FROM gates WHERE writer <> ? AND saved_at >= ?"
        return [_gate.decode(raw) for (raw,) in self._connection.execute(query, (writer, since))]

    def order(self, order: Order, book: GateBook) -> Order:
        """Keep a decision, and the gate as it is after it.

        Args:
            order: its number is chosen here.
            book: of this file, under the policy's terms; the gate in it is changed.

        Raises:
            UsageError: the file has no such gate.
        """
        if not obey(book, order):
            raise UsageError(
                f"no gate of task {order.task!r} for {order.candidate!r}", hint="penstock tasks lists the gates"
            )
        self.save([saved(book.gates[order.task][order.candidate], order.at)])
        values = (order.at, order.task, order.candidate, order.action, order.person, order.why)
        columns = "at, task, candidate, action, person, why"
        cursor = self._connection.execute(
            f"INSERT INTO gate_orders ({columns}) VALUES (?,?,?,?,?,?)",  # noqa: S608 - constants
            values,
        )
        return msgspec.structs.replace(order, number=cursor.lastrowid or 0)

    def orders(self, after: int = 0) -> list[Order]:
        """Decisions with a higher number than ``after``, in order."""
        query = "SELECT number, at, task, candidate, action, person, why FROM gate_orders WHERE number > ?"
        rows = self._connection.execute(f"{query} ORDER BY number", (after,))
        return [Order(*row) for row in rows]

    def last_order(self) -> int:
        """The highest number, 0 for none."""
        (number,) = self._connection.execute("SELECT coalesce(max(number), 0) FROM gate_orders").fetchone()
        return int(number)

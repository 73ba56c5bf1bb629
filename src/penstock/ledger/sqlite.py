"""The embedded ledger: one SQLite file, written by many processes, read while it is written."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from penstock.engine.labels import SIMULATED
from penstock.engine.record import Call
from penstock.errors import InputError, InternalError
from penstock.ledger.gates import GateShelf
from penstock.ledger.labels import LabelShelf
from penstock.ledger.learnt import EvidenceShelf
from penstock.ledger.migrations import check_schema, migrate
from penstock.ledger.pending import PendingShelf
from penstock.money import Picodollars

BUSY_S = 10.0
"""Seconds that a writer waits for another one."""

GROUPS = ("task", "model", "provider", "arm", "session", "status")
"""The columns that totals can be grouped by."""

_HIGH = 1_000_000_000
_LARGEST = 2**63 - 1
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Call).decode


class Total(msgspec.Struct, frozen=True, kw_only=True):
    """A sum over calls.

    Attributes:
        group: the values of the grouping columns, in their order.
        calls: how many.
        cost: of the answers whose cost is known, extra sends included.
        cost_before: what the calls would have cost as sent, over the calls where both sides are known.
        saved: ``cost_before`` minus the cost of those same calls.
        unknown: calls whose cost is not known; they are in no sum.
    """

    group: tuple[str | int | None, ...]
    calls: int
    cost: Picodollars
    cost_before: Picodollars
    saved: Picodollars
    unknown: int


class Amended(msgspec.Struct, frozen=True):
    """A record that takes the place of the one that was kept: what a call cost beside its answer is known later."""

    call: Call


class Ledger:
    """Call records in a SQLite file. Made by ``open_ledger``; use it from one thread at a time."""

    def __init__(self, connection: sqlite3.Connection, path: str) -> None:
        self._connection = connection
        self.path = path

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def append(self, calls: Iterable[Call]) -> int:
        """Keep calls, all or none; returns how many were new (a call that is already there is left as it is).

        Raises:
            InternalError: the file cannot be written (a full disk, a file that is gone).
        """
        rows = [_row(call) for call in calls]
        if not rows:
            return 0
        try:
            before = self._connection.total_changes
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                self._connection.executemany(
                    "INSERT INTO calls VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (id) DO NOTHING", rows
                )
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise InternalError(f"the ledger cannot be written: {error}", hint="is the disk full?") from error
        return self._connection.total_changes - before

    def write(self, entries: Iterable[Call | Amended]) -> int:
        """Keep calls, and put amended ones in the place of those that were kept before.

        Raises:
            InternalError: the file cannot be written.
        """
        entries = list(entries)
        added = self.append([one for one in entries if isinstance(one, Call)])
        amended = [one.call for one in entries if isinstance(one, Amended)]
        if not amended:
            return added
        try:
            self._connection.executemany(
                "UPDATE calls SET cost_extra = ?, record = ? WHERE id = ?",
                [(_column(_extra(call)), _encode(call), call.id) for call in amended],
            )
        except sqlite3.Error as error:
            raise InternalError(f"the ledger cannot be written: {error}", hint="is the disk full?") from error
        return added

    def get(self, call_id: str) -> Call | None:
        """The call of an id, or None."""
        row = self._connection.execute("SELECT record FROM calls WHERE id = ?", (call_id,)).fetchone()
        return None if row is None else _decode(row[0])

    def calls(
        self,
        *,
        since: float | None = None,
        until: float | None = None,
        task: str | None = None,
        model: str | None = None,
        arm: str | None = None,
        newest: int | None = None,
    ) -> Iterator[Call]:
        """Calls by start time, oldest first.

        Args:
            since: seconds since the epoch, inclusive.
            until: seconds since the epoch, exclusive.
            task: only of this task.
            model: only of calls sent to this model.
            arm: only of this arm.
            newest: at most the newest so many.
        """
        where, values = _where(since, until, {"task": task, "model": model, "arm": arm})
        if newest is None:
            query = f"SELECT record FROM calls{where} ORDER BY started_at, id"  # noqa: S608 - constants and placeholders
        else:
            last = f"SELECT * FROM calls{where} ORDER BY started_at DESC, id DESC LIMIT {int(newest)}"  # noqa: S608 - as above
            query = f"SELECT record FROM ({last}) ORDER BY started_at, id"  # noqa: S608 - as above
        for (record,) in self._connection.execute(query, values):
            yield _decode(record)

    def page(
        self, size: int, *, before: str | None = None, task: str | None = None, model: str | None = None
    ) -> list[Call]:
        """The newest calls, newest first.

        Args:
            size: at most so many.
            before: only calls that stand before the one of this id; nothing when the ledger does not have it.
            task: only of this task.
            model: only of calls sent to this model.
        """
        where, values = _where(None, None, {"task": task, "model": model})
        if before is not None:
            behind = "(started_at, id) < (SELECT started_at, id FROM calls WHERE id = ?)"
            where = f"{where} AND {behind}" if where else f" WHERE {behind}"
            values.append(before)
        query = f"SELECT record FROM calls{where} ORDER BY started_at DESC, id DESC LIMIT ?"  # noqa: S608 - as above
        return [_decode(record) for (record,) in self._connection.execute(query, (*values, size))]

    def simulated(
        self, *, since: float | None = None, until: float | None = None, task: str | None = None
    ) -> tuple[int, int]:
        """How many callers' calls have simulated answers, and how many there are; bounds as in ``totals``."""
        where, values = _where(since, until, {"task": task})
        where = f"{where} AND arm <> 'own'" if where else " WHERE arm <> 'own'"
        # As the key of a tag it stands in the record so and nowhere else: quotes inside a text have a backslash.
        marked = "coalesce(sum(instr(record, ?) > 0), 0)"
        query = f"SELECT {marked}, count(*) FROM calls{where}"  # noqa: S608 - constants and placeholders
        count, of = self._connection.execute(query, (b'"%b":' % SIMULATED.encode(), *values)).fetchone()
        return count, of

    def span(self) -> tuple[float, float] | None:
        """Start of the first and of the last call, seconds since the epoch; None for a ledger without calls."""
        first, last = self._connection.execute("SELECT min(started_at), max(started_at) FROM calls").fetchone()
        return None if first is None else (first, last)

    def trace(self, key: str) -> list[Call]:
        """The calls of one run of a pipeline, oldest first."""
        query = "SELECT record FROM calls WHERE trace = ? ORDER BY started_at, id"
        return [_decode(record) for (record,) in self._connection.execute(query, (key,))]

    def alarmed(self) -> list[Call]:
        """The calls that raised an alarm, oldest first."""
        query = "SELECT record FROM calls WHERE alarm IS NOT NULL ORDER BY started_at, id"
        return [_decode(record) for (record,) in self._connection.execute(query)]

    @property
    def gates(self) -> GateShelf:
        """The quality gates that this file keeps."""
        return GateShelf(self._connection)

    @property
    def evidence(self) -> EvidenceShelf:
        """What was learnt from traffic, as this file keeps it."""
        return EvidenceShelf(self._connection)

    @property
    def labels(self) -> LabelShelf:
        """The scored pairs that this file keeps."""
        return LabelShelf(self._connection)

    @property
    def pending(self) -> PendingShelf:
        """The shadows in batches that this file keeps."""
        return PendingShelf(self._connection)

    def after(self, place: tuple[float, str] | None, limit: int = 1000) -> list[Call]:
        """Calls that stand behind a place (start time and id), oldest first; None begins at the first."""
        if place is None:
            query = "SELECT record FROM calls ORDER BY started_at, id LIMIT ?"
            rows = self._connection.execute(query, (limit,))
        else:
            query = "SELECT record FROM calls WHERE (started_at, id) > (?, ?) ORDER BY started_at, id LIMIT ?"
            rows = self._connection.execute(query, (*place, limit))
        return [_decode(record) for (record,) in rows]

    def totals(
        self, by: Sequence[str] = (), *, since: float | None = None, until: float | None = None, task: str | None = None
    ) -> list[Total]:
        """Exact sums, largest cost first.

        Args:
            by: names out of ``GROUPS``; empty for one sum over everything.
            since: seconds since the epoch, inclusive.
            until: seconds since the epoch, exclusive.
            task: only of this task.
        """
        for name in by:
            if name not in GROUPS:
                raise InputError(f"the ledger cannot be grouped by {name!r}", hint=f"one of {', '.join(GROUPS)}")
        where, values = _where(since, until, {"task": task})
        spent = "(cost + cost_extra)"
        known = "CASE WHEN cost IS NOT NULL AND cost_extra IS NOT NULL AND cost_before IS NOT NULL THEN"
        # Each sum in two halves: a sum of picodollars beyond 9.2 million dollars would overflow SQLite's integers.
        sums = ", ".join(
            f"coalesce(sum({part} / {_HIGH}), 0), coalesce(sum({part} % {_HIGH}), 0)"
            for part in (spent, f"{known} cost_before END", f"{known} {spent} END")
        )
        names = "".join(f"{name}, " for name in by)
        grouped = f" GROUP BY {names[:-2]}" if by else ""
        counts = f"{names}count(*), sum({spent} IS NULL)"
        query = f"SELECT {counts}, {sums} FROM calls{where}{grouped}"  # noqa: S608 - constants and checked names
        found = [_total(row, len(by)) for row in self._connection.execute(query, values)]
        found = [total for total in found if total.calls]
        return sorted(found, key=lambda total: (-total.cost, -total.calls, str(total.group)))

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def open_ledger(path: str | Path, *, create: bool = True) -> Ledger:
    """Open a ledger file, made if it is missing, and bring its schema up to date.

    Args:
        path: the file; ``:memory:`` for one that is gone with the object.
        create: False to open only what is there.

    Raises:
        InputError: a file that is missing, cannot be opened, is no ledger, or is of a newer version.
    """
    name = str(path)
    if not create and not Path(name).is_file():
        raise InputError(f"no ledger at {name}", hint="penstock serve --ledger FILE writes one")

    def prepare(connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        migrate(connection)

    return _opened(name, name, prepare, to="open", hint="give a file that can be written")


def read_ledger(path: str | Path) -> Ledger:
    """Open a ledger to read it as it is at the first look, without a lock that its writers would meet.

    Close it soon: what is written meanwhile stays in the write-ahead log until then.

    Raises:
        InputError: a file that is missing, cannot be read, is no ledger, or is of another version.
    """
    name = str(path)
    if not Path(name).is_file():
        raise InputError(f"no ledger at {name}", hint="penstock serve --ledger FILE writes one")

    def prepare(connection: sqlite3.Connection) -> None:
        check_schema(connection, name)
        connection.execute("BEGIN")

    return _opened(
        name, f"{Path(name).resolve().as_uri()}?mode=ro", prepare, to="read", hint="give a file that can be read"
    )


def _opened(name: str, place: str, prepare: Callable[[sqlite3.Connection], None], *, to: str, hint: str) -> Ledger:
    """The ledger at a path or URI, closed again when it cannot be prepared."""
    connection = None
    try:
        uri = place != name
        connection = sqlite3.connect(place, uri=uri, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
        prepare(connection)
    except BaseException as error:
        if connection is not None:
            connection.close()
        if isinstance(error, sqlite3.Error):
            raise InputError(f"cannot {to} the ledger {name}: {error}", hint=hint) from error
        raise
    return Ledger(connection, name)


def _extra(call: Call) -> int | None:
    """What a call's extra sends cost; None when one of them is unknown."""
    extra: int | None = 0
    for send in call.extra_sends:
        extra = None if extra is None or send.cost is None else extra + send.cost
    return extra


def _row(call: Call) -> tuple[object, ...]:
    return (
        call.id,
        call.started_at,
        call.task,
        call.session,
        call.arm,
        call.provider,
        call.model_sent,
        call.status,
        _column(call.cost),
        _column(_extra(call)),
        _column(call.cost_before),
        call.trace,
        call.alarm or None,
        _encode(call),
    )


def _column(amount: int | None) -> int | None:
    """An amount that fits a column; a larger one (an absurd usage) stays in the record only and counts as unknown."""
    return amount if amount is not None and abs(amount) <= _LARGEST else None


def _where(since: float | None, until: float | None, equal: dict[str, str | None]) -> tuple[str, list[object]]:
    parts: list[str] = []
    values: list[object] = []
    for sign, bound in ((">=", since), ("<", until)):
        if bound is not None:
            parts.append(f"started_at {sign} ?")
            values.append(bound)
    for name, value in equal.items():
        if value is not None:
            parts.append(f"{name} = ?")
            values.append(value)
    return (" WHERE " + " AND ".join(parts) if parts else ""), values


def _total(row: tuple[int, ...], width: int) -> Total:
    calls, unknown, *halves = row[width:]
    cost, before, known = (halves[i] * _HIGH + halves[i + 1] for i in (0, 2, 4))
    return Total(
        group=tuple(row[:width]),
        calls=calls,
        cost=Picodollars(cost),
        cost_before=Picodollars(before),
        saved=Picodollars(before - known),
        unknown=unknown or 0,
    )

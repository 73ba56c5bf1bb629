"""The ledger's schema, as numbered steps. A step is never changed once released; a new one is added at the end.

SQLite's ``user_version`` holds the number of steps that a file has had. Each step runs in a transaction of its own.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from penstock.errors import InputError

Step = Callable[[sqlite3.Connection], None]


def _calls(connection: sqlite3.Connection) -> None:
    """Calls: the columns that queries filter and sum by, and the whole record as JSON. Money is in picodollars."""
    connection.execute(
        """
        CREATE TABLE calls (
            id TEXT PRIMARY KEY NOT NULL,
            started_at REAL NOT NULL,
            task TEXT NOT NULL,
            session TEXT,
            arm TEXT NOT NULL,
            provider TEXT NOT NULL,
            model TEXT NOT NULL,
            status INTEGER,
            cost INTEGER,
            cost_extra INTEGER,
            cost_before INTEGER,
            record BLOB NOT NULL
        ) WITHOUT ROWID
        """
    )
    connection.execute("CREATE INDEX calls_started ON calls (started_at)")


def _call_details(connection: sqlite3.Connection) -> None:
    """A view for people with an SQL prompt: the record's fields as columns."""
    fields = {
        "model_asked": "$.model_asked",
        "dialect": "$.dialect",
        "stream": "$.stream",
        "error_kind": "$.error_kind",
        "finish": "$.finish",
        "input_uncached": "$.usage.input_uncached",
        "cache_read": "$.usage.cache_read",
        "cache_write_5m": "$.usage.cache_write_5m",
        "cache_write_1h": "$.usage.cache_write_1h",
        "cache_write_30m": "$.usage.cache_write_30m",
        "cache_write_12h": "$.usage.cache_write_12h",
        "output": "$.usage.output",
        "tier": "$.tier",
        "latency_ms": "$.latency_ms",
        "ttft_ms": "$.ttft_ms",
        "request_bytes": "$.request_bytes",
        "response_id": "$.response_id",
    }
    columns = ", ".join(f"json_extract(record, '{path}') AS {name}" for name, path in fields.items())
    base = "id, started_at, task, session, arm, provider, model, status, cost, cost_extra, cost_before"
    connection.execute(f"CREATE VIEW call_details AS SELECT {base}, {columns} FROM calls")  # noqa: S608 - constants


def _gates(connection: sqlite3.Connection) -> None:
    """Quality gates: one row for each task and candidate, with the evidence so far."""
    connection.execute(
        """
        CREATE TABLE gates (
            task TEXT NOT NULL,
            candidate TEXT NOT NULL,
            state TEXT NOT NULL,
            entered_at REAL NOT NULL,
            saved_at REAL NOT NULL,
            writer TEXT NOT NULL,
            gate BLOB NOT NULL,
            PRIMARY KEY (task, candidate)
        ) WITHOUT ROWID
        """
    )


def _gate_orders(connection: sqlite3.Connection) -> None:
    """What people decided about gates by hand, in order; running processes follow within seconds."""
    connection.execute(
        """
        CREATE TABLE gate_orders (
            number INTEGER PRIMARY KEY,
            at REAL NOT NULL,
            task TEXT NOT NULL,
            candidate TEXT NOT NULL,
            action TEXT NOT NULL,
            person TEXT NOT NULL,
            why TEXT NOT NULL
        )
        """
    )


def _traces(connection: sqlite3.Connection) -> None:
    """The steps of a pipeline's run are found without reading every record."""
    trace = "json_extract(record, '$.trace')"
    connection.execute(f"CREATE INDEX calls_trace ON calls ({trace}) WHERE {trace} IS NOT NULL")


def _alarms(connection: sqlite3.Connection) -> None:
    """The calls that raised an alarm are found without reading every record."""
    alarm = "json_extract(record, '$.alarm')"
    connection.execute(f"CREATE INDEX calls_alarm ON calls (started_at) WHERE {alarm} <> ''")


def _evidence(connection: sqlite3.Connection) -> None:
    """What was learnt from traffic: one row for each part."""
    connection.execute(
        """
        CREATE TABLE evidence (
            part TEXT PRIMARY KEY NOT NULL,
            version INTEGER NOT NULL,
            saved_at REAL NOT NULL,
            writer TEXT NOT NULL,
            summary BLOB NOT NULL
        ) WITHOUT ROWID
        """
    )


def _gate_labels(connection: sqlite3.Connection) -> None:
    """Scored pairs of tasks whose easy part is learnt: hashed features and a difference, no text."""
    connection.execute(
        """
        CREATE TABLE gate_labels (
            task TEXT NOT NULL,
            candidate TEXT NOT NULL,
            opened_at REAL NOT NULL,
            number INTEGER NOT NULL,
            difference REAL NOT NULL,
            accepted INTEGER NOT NULL,
            grams BLOB NOT NULL,
            surface BLOB NOT NULL,
            PRIMARY KEY (task, candidate, opened_at, number)
        ) WITHOUT ROWID
        """
    )


def _calls_by_row(connection: sqlite3.Connection) -> None:
    """Calls are kept in the order of their writing, and found by trace and alarm without their records being read.

    Rows as large as a record are appended for a third of what it costs to place them in a tree by their id.
    """
    connection.execute("DROP VIEW call_details")
    connection.execute(
        """
        CREATE TABLE calls_by_row (
            id TEXT PRIMARY KEY NOT NULL,
            started_at REAL NOT NULL,
            task TEXT NOT NULL,
            session TEXT,
            arm TEXT NOT NULL,
            provider TEXT NOT NULL,
            model TEXT NOT NULL,
            status INTEGER,
            cost INTEGER,
            cost_extra INTEGER,
            cost_before INTEGER,
            trace TEXT,
            alarm TEXT,
            record BLOB NOT NULL
        )
        """
    )
    connection.execute(
        """
        INSERT INTO calls_by_row
        SELECT id, started_at, task, session, arm, provider, model, status, cost, cost_extra, cost_before,
            json_extract(record, '$.trace'), nullif(json_extract(record, '$.alarm'), ''), record
        FROM calls ORDER BY started_at, id
        """
    )
    connection.execute("DROP TABLE calls")
    connection.execute("ALTER TABLE calls_by_row RENAME TO calls")
    connection.execute("CREATE INDEX calls_started ON calls (started_at, id)")
    connection.execute("CREATE INDEX calls_trace ON calls (trace) WHERE trace IS NOT NULL")
    connection.execute("CREATE INDEX calls_alarm ON calls (started_at) WHERE alarm IS NOT NULL")
    _call_details(connection)


def _pending_pairs(connection: sqlite3.Connection) -> None:
    """Shadows that are in a provider's batch: what the next process needs to read and score them. No text, no key."""
    connection.execute(
        """
        CREATE TABLE pending_pairs (
            call TEXT PRIMARY KEY NOT NULL,
            batch TEXT NOT NULL,
            credentials TEXT NOT NULL,
            sent_at REAL NOT NULL,
            owner TEXT NOT NULL,
            seen_at REAL NOT NULL,
            pair BLOB NOT NULL
        ) WITHOUT ROWID
        """
    )


def _label_vectors(connection: sqlite3.Connection) -> None:
    """Scored pairs have the embedding of their prompt, where the policy names a function for it."""
    connection.execute("ALTER TABLE gate_labels ADD COLUMN vector BLOB NOT NULL DEFAULT x''")


STEPS: tuple[Step, ...] = (
    _calls,
    _call_details,
    _gates,
    _gate_orders,
    _traces,
    _alarms,
    _evidence,
    _gate_labels,
    _calls_by_row,
    _pending_pairs,
    _label_vectors,
)

COLUMNS = {
    "model": "the model that the request went to.",
    "cost_extra": "of all extra sends in picodollars; none when one of them is unknown.",
    "alarm": "the arithmetic of the alarm that this call raised; none as a rule.",
    "record": "the whole record as JSON.",
    "candidate": "the cheaper model as the policy names it, the edits that are tested, or both.",
    "state": "shadow, canary, promoted, demoted or held.",
    "entered_at": "when that state was entered, seconds since the epoch.",
    "saved_at": "when the row was written, seconds since the epoch.",
    "writer": "the process that wrote the row.",
    "gate": "evidence and history as JSON.",
    "number": "counts up.",
    "at": "seconds since the epoch.",
    "opened_at": "when the gate's evidence began, seconds since the epoch.",
    "difference": "the candidate's score minus the reference's.",
    "accepted": "whether the candidate's answer passed the free checks.",
    "grams": "hashed words and letter groups of the prompt.",
    "surface": "surface features of the prompt.",
    "vector": "the user's own embedding of the prompt; empty without one.",
    "action": "hold, release, promote or pin.",
    "person": "who decided.",
    "call": "the call that the shadow is of.",
    "batch": "the provider's id of the batch; empty while it is being sent.",
    "credentials": "digest of what the batch was sent with.",
    "sent_at": "seconds since the epoch.",
    "owner": "the process that waits for the batch; empty after its end.",
    "seen_at": "when the owner last looked at the batch, seconds since the epoch.",
    "pair": "digest of the shown answer, models and times as JSON.",
    "why": "their reason.",
    "part": "lengths, calibration, escalations, reuse.",
    "version": "of the parts' format.",
    "summary": "counts and digests as compressed JSON; no prompt text.",
}
"""What the columns hold that are not simply a field of the record or of its usage."""


def migrate(connection: sqlite3.Connection, steps: tuple[Step, ...] = STEPS) -> int:
    """Bring a database to the newest schema; returns the number of steps that ran.

    The connection must be in autocommit mode. Two processes may migrate one file at once: the second one waits.

    Raises:
        InputError: the file has more steps than this program knows, so a newer version wrote it.
    """
    ran = 0
    while True:
        connection.execute("BEGIN IMMEDIATE")
        try:
            (done,) = connection.execute("PRAGMA user_version").fetchone()
            _refuse_newer(done, len(steps))
            if done < len(steps):
                steps[done](connection)
                connection.execute(f"PRAGMA user_version = {done + 1}")
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        if done >= len(steps):
            return ran
        ran += 1


def check_schema(connection: sqlite3.Connection, name: str, steps: tuple[Step, ...] = STEPS) -> None:
    """Nothing for a database of the newest schema; a file is not changed.

    Raises:
        InputError: the file is no ledger, or was written by an older or a newer version.
    """
    (done,) = connection.execute("PRAGMA user_version").fetchone()
    _refuse_newer(done, len(steps))
    if done == 0:
        raise InputError(f"{name} is no ledger", hint="penstock serve --ledger FILE writes one")
    if done < len(steps):
        raise InputError(
            f"the ledger has schema {done}, this version reads {len(steps)}",
            hint=f"penstock ledger {name} brings it up to date",
        )


def _refuse_newer(done: int, known: int) -> None:
    if done > known:
        raise InputError(
            f"the ledger has schema {done}, this version knows {known}",
            hint="use the version of penstock that wrote it, or a newer one",
        )

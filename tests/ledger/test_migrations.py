from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from penstock.errors import InputError
from penstock.ledger.migrations import STEPS, migrate
from penstock.ledger.sqlite import open_ledger
from tests.ledger.calls import call


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    opened = sqlite3.connect(":memory:", isolation_level=None)
    yield opened
    opened.close()


def version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def test_every_step_runs_once(connection: sqlite3.Connection) -> None:
    assert migrate(connection) == len(STEPS)
    assert migrate(connection) == 0
    assert version(connection) == len(STEPS)


def test_a_file_of_an_older_version_gets_the_missing_steps(connection: sqlite3.Connection) -> None:
    assert migrate(connection, STEPS[:1]) == 1
    assert migrate(connection) == len(STEPS) - 1


def test_the_calls_of_an_older_file_are_kept_and_found_by_trace_and_alarm(tmp_path: Path) -> None:
    kept = [call(1, trace="run"), call(2, alarm="late"), call(3, cost=None)]
    older = sqlite3.connect(tmp_path / "l.db", isolation_level=None)
    migrate(older, STEPS[:8])
    for one in kept:
        row = (one.id, one.started_at, one.task, None, one.arm, one.provider, one.model_sent, one.status, one.cost)
        record = msgspec.json.encode(one)
        older.execute("INSERT INTO calls VALUES (?,?,?,?,?,?,?,?,?,?,?,?)", (*row, 0, one.cost_before, record))
    older.close()
    with open_ledger(tmp_path / "l.db") as ledger:
        assert list(ledger.calls()) == kept
        assert ledger.trace("run") == kept[:1]
        assert ledger.alarmed() == kept[1:2]
        assert ledger.append([kept[0], call(4)]) == 1
        assert ledger.totals()[0].unknown == 1


def test_a_step_that_fails_leaves_the_file_at_the_step_before(connection: sqlite3.Connection) -> None:
    def broken(inner: sqlite3.Connection) -> None:
        inner.execute("CREATE TABLE half (a)")
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError):
        migrate(connection, (*STEPS, broken))
    assert version(connection) == len(STEPS)
    assert connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'half'").fetchone() == (0,)


def test_a_file_of_a_newer_version_is_left_alone(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA user_version = 99")
    with pytest.raises(InputError, match="schema 99"):
        migrate(connection)
    assert version(connection) == 99

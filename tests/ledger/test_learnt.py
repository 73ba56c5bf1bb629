from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock.errors import InternalError
from penstock.evidence.lengths import LengthKey
from penstock.evidence.store import Evidence
from penstock.ledger.learnt import learnt
from penstock.ledger.sqlite import Ledger, open_ledger

KEY = LengthKey("triage", "m")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with open_ledger(tmp_path / "calls.db") as opened:
        yield opened


def some_evidence() -> Evidence:
    evidence = Evidence()
    evidence.lengths.add(KEY, 40)
    evidence.calibration.add("m", 1300, 1000.0)
    return evidence


def save(ledger: Ledger, evidence: Evidence, writer: str = "w") -> None:
    ledger.evidence.save([learnt(name, values(), 5.0) for name, values in evidence.snapshot().items()], writer)


def test_what_is_saved_is_loaded(ledger: Ledger) -> None:
    save(ledger, some_evidence())
    assert ledger.evidence.load() == (some_evidence(), [])


def test_an_empty_file_holds_empty_evidence(ledger: Ledger) -> None:
    assert ledger.evidence.load() == (Evidence(), [])


def test_rows_are_kept_in_place_of_earlier_ones(ledger: Ledger) -> None:
    save(ledger, some_evidence(), "one")
    later = some_evidence()
    later.lengths.add(KEY, 80)
    save(ledger, later, "two")
    assert ledger.evidence.load()[0] == later


def test_nothing_is_kept_when_the_table_is_not_as_it_was(ledger: Ledger) -> None:
    before = ledger.evidence.stamp()
    save(ledger, some_evidence(), "one")
    rows = [learnt("lengths", Evidence().lengths.to_builtins(), 6.0)]
    assert ledger.evidence.save(rows, "two", before) is None
    assert ledger.evidence.load()[0] == some_evidence()
    assert ledger.evidence.save(rows, "two", ledger.evidence.stamp()) == ledger.evidence.stamp()
    assert ledger.evidence.load()[0].lengths == Evidence().lengths


def corrupt(ledger: Ledger, change: str) -> None:
    connection = sqlite3.connect(ledger.path)
    connection.execute(change)
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE evidence SET summary = x'00' WHERE part = 'lengths'",
        "UPDATE evidence SET summary = substr(summary, 1, length(summary) - 3) WHERE part = 'lengths'",
        "UPDATE evidence SET summary = (SELECT summary FROM evidence WHERE part = 'reuse') WHERE part = 'lengths'",
        "UPDATE evidence SET version = 99 WHERE part = 'lengths'",
    ],
)
def test_a_broken_part_begins_empty_and_the_others_go_on(ledger: Ledger, change: str) -> None:
    save(ledger, some_evidence())
    corrupt(ledger, change)
    evidence, broken = ledger.evidence.load()
    assert broken == ["lengths"]
    assert evidence.lengths.of(KEY) is None
    assert evidence.calibration.by_model["m"].calls == 1


def test_a_part_of_a_later_version_that_we_do_not_have_is_passed_over(ledger: Ledger) -> None:
    save(ledger, some_evidence())
    corrupt(ledger, "INSERT INTO evidence SELECT 'auras', version, saved_at, writer, summary FROM evidence LIMIT 1")
    assert ledger.evidence.load() == (some_evidence(), [])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.binary(max_size=60), st.sampled_from(["lengths", "calibration", "escalations", "reuse"]))
def test_no_bytes_stop_the_load(ledger: Ledger, summary: bytes, part: str) -> None:
    ledger._connection.execute("INSERT OR REPLACE INTO evidence VALUES (?,1,0,'w',?)", (part, summary))
    evidence, broken = ledger.evidence.load()
    assert evidence == Evidence()
    assert part in broken


def test_a_file_that_cannot_be_written_says_so(ledger: Ledger) -> None:
    ledger._connection.execute("PRAGMA query_only = 1")
    with pytest.raises(InternalError, match="cannot be written"):
        save(ledger, some_evidence())

from __future__ import annotations

import sqlite3
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from penstock.evidence.lengths import LengthKey
from penstock.evidence.store import Evidence
from penstock.ledger.evidencekeeper import EvidenceKeeper
from penstock.ledger.sqlite import open_ledger
from tests.ledger.calls import call

KEY = LengthKey("triage", "m")


class Clock:
    def __init__(self) -> None:
        self.now = 1_795_000_000.0

    def __call__(self) -> float:
        return self.now


def keeper(path: Path, clock: Clock) -> EvidenceKeeper:
    return EvidenceKeeper(path, clock=clock, writer="w", every_s=60.0)


def eventually_saved(keeper: EvidenceKeeper, count: int) -> None:
    deadline = time.monotonic() + 20
    while keeper.saved < count:
        assert time.monotonic() < deadline
        threading.Event().wait(0.002)


def kept(path: Path) -> Evidence:
    with open_ledger(path) as ledger:
        return ledger.evidence.load()[0]


def test_a_restart_goes_on_with_what_was_learnt(tmp_path: Path) -> None:
    path, clock = tmp_path / "calls.db", Clock()
    first = keeper(path, clock)
    first.evidence.lengths.add(KEY, 40)
    first.heard(call())
    assert first.close()
    second = keeper(path, clock)
    second.evidence.lengths.add(KEY, 40)
    second.heard(call())
    assert second.close()
    lengths = kept(path).lengths.of(KEY)
    assert lengths is not None
    assert lengths.whole == {40: 2}


def test_a_snapshot_is_taken_when_one_is_due_so_that_a_kill_loses_little(tmp_path: Path) -> None:
    path, clock = tmp_path / "calls.db", Clock()
    running = keeper(path, clock)
    running.evidence.lengths.add(KEY, 40)
    running.heard(call())
    assert kept(path) == Evidence()
    clock.now += 61
    running.heard(call())
    eventually_saved(running, 1)
    assert kept(path).lengths.of(KEY) is not None
    assert running.close()


def test_a_snapshot_is_of_one_moment(tmp_path: Path) -> None:
    path, clock = tmp_path / "calls.db", Clock()
    running = keeper(path, clock)
    parts = running.evidence.snapshot()
    running.evidence.lengths.add(KEY, 40)
    running.evidence.reuse.pace.add("triage", clock.now)
    before = Evidence()
    for name, values in parts.items():
        before.put(name, values())
    assert before == Evidence()
    assert running.close()


def test_without_calls_nothing_is_written(tmp_path: Path) -> None:
    path, clock = tmp_path / "calls.db", Clock()
    running = keeper(path, clock)
    assert running.close()
    assert running.saved == 0


def test_a_broken_part_is_counted_and_the_rest_is_used(tmp_path: Path) -> None:
    path, clock = tmp_path / "calls.db", Clock()
    first = keeper(path, clock)
    first.evidence.calibration.add("m", 1300, 1000.0)
    first.heard(call())
    assert first.close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE evidence SET summary = x'ff' WHERE part = 'lengths'")
    second = keeper(path, clock)
    failures: Counter[str] = Counter()
    second.begin(second.evidence, failures)
    assert failures == {"evidence: lengths could not be read": 1}
    assert second.evidence.calibration.by_model["m"].calls == 1
    assert second.close()


def test_an_evidence_that_exists_already_is_added_to(tmp_path: Path) -> None:
    path, clock = tmp_path / "calls.db", Clock()
    first = keeper(path, clock)
    first.evidence.calibration.add("m", 1300, 1000.0)
    first.heard(call())
    assert first.close()
    mine = Evidence()
    mine.calibration.add("m", 1300, 1000.0)
    second = keeper(path, clock)
    second.begin(mine, Counter())
    assert second.evidence is mine
    assert mine.calibration.by_model["m"].calls == 2
    assert second.close()


def test_a_write_that_fails_is_said_and_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, clock = tmp_path / "calls.db", Clock()
    running = keeper(path, clock)
    running._ledger._connection.execute("PRAGMA query_only = 1")
    clock.now += 61
    running.heard(call())
    deadline = time.monotonic() + 20
    while running.failing is None:
        assert time.monotonic() < deadline
        threading.Event().wait(0.002)
    running._ledger._connection.execute("PRAGMA query_only = 0")
    running.heard(call())
    assert running.close()
    assert running.saved == 1

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


def whole(path: Path) -> dict[int, int]:
    lengths = kept(path).lengths.of(KEY)
    return {} if lengths is None else lengths.whole


def learn(running: EvidenceKeeper, *tokens: int) -> None:
    for one in tokens:
        running.evidence.lengths.add(KEY, one)


def snapshot(running: EvidenceKeeper, clock: Clock) -> None:
    """A snapshot of what was learnt until now."""
    before = running.saved
    clock.now += 61
    deadline = time.monotonic() + 20
    while running.saved == before:
        assert time.monotonic() < deadline
        running.heard(call())
        threading.Event().wait(0.002)


def end(running: EvidenceKeeper) -> None:
    running.heard(call())
    assert running.close()


def test_processes_that_write_to_one_file_add_up_and_what_they_began_with_is_counted_once(tmp_path: Path) -> None:
    path, clock = tmp_path / "calls.db", Clock()
    first = keeper(path, clock)
    learn(first, 40)
    end(first)
    one, two, three = (EvidenceKeeper(path, clock=clock, writer=name, every_s=60.0) for name in ("1", "2", "3"))
    learn(one, 50)
    snapshot(one, clock)
    learn(two, 50, 60)
    snapshot(two, clock)
    learn(one, 70)
    snapshot(one, clock)
    assert whole(path) == {40: 1, 50: 2, 60: 1, 70: 1}
    snapshot(one, clock)  # nothing new
    learn(two, 80)
    for running in (two, one, three):
        end(running)
    assert whole(path) == {40: 1, 50: 2, 60: 1, 70: 1, 80: 1}
    last = keeper(path, clock)
    assert last.evidence.lengths.of(KEY) is not None
    assert last.close()


def test_a_process_that_comes_while_another_runs_begins_with_what_that_one_wrote(tmp_path: Path) -> None:
    path, clock = tmp_path / "calls.db", Clock()
    old = EvidenceKeeper(path, clock=clock, writer="old", every_s=60.0)
    learn(old, 40)
    snapshot(old, clock)
    new = EvidenceKeeper(path, clock=clock, writer="new", every_s=60.0)
    learn(new, 50)
    learn(old, 60)
    snapshot(new, clock)
    end(old)  # it writes after the new one did
    learn(new, 70)
    end(new)
    assert whole(path) == {40: 1, 50: 1, 60: 1, 70: 1}


def test_many_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    path, clock = tmp_path / "calls.db", Clock()
    writers = [EvidenceKeeper(path, clock=clock, writer=str(number), every_s=0.0) for number in range(4)]

    def work(running: EvidenceKeeper) -> None:
        for _ in range(30):
            learn(running, 40)
            running.heard(call())
            threading.Event().wait(0.001)
        end(running)

    threads = [threading.Thread(target=work, args=(running,)) for running in writers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [running.failing for running in writers] == [None] * 4
    assert whole(path) == {40: 120}


def test_a_part_that_another_process_broke_is_written_whole(tmp_path: Path) -> None:
    path, clock = tmp_path / "calls.db", Clock()
    one, two = (EvidenceKeeper(path, clock=clock, writer=name, every_s=60.0) for name in ("1", "2"))
    learn(one, 40)
    snapshot(one, clock)
    learn(two, 50)
    snapshot(two, clock)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE evidence SET summary = x'ff' WHERE part = 'lengths'")
    learn(one, 60)
    end(one)
    assert whole(path) == {40: 1, 60: 1}
    assert two.close()

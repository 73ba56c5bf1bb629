from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from penstock.evidence.lengths import LengthKey
from penstock.evidence.store import Evidence
from penstock.ledger.evidencekeeper import Carry, EvidenceKeeper, Slice, UnderLock
from penstock.ledger.sqlite import open_ledger
from tests.ledger.calls import call
from tests.ledger.learning_process import CALLS

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


class Loop:
    """Carries slices where the test says, as an event loop would between its calls."""

    def __init__(self) -> None:
        self.slices: list[Slice] = []

    def __call__(self, take: Slice, closing: threading.Event) -> None:
        self.slices.append(take)

    def go(self) -> int:
        """Do what was carried here; how many slices it took."""
        done = 0
        while self.slices:
            take = self.slices.pop()
            done += 1
            while take():
                done += 1
        return done


def beside(path: Path, clock: Clock, name: str, carry: Carry | None = None) -> EvidenceKeeper:
    """A process that looks at the file all the time."""
    return EvidenceKeeper(path, clock=clock, writer=name, every_s=0.0, sparing=0.0, carry=carry)


def until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not happened():
        assert time.monotonic() < deadline
        threading.Event().wait(0.002)


def known(running: EvidenceKeeper) -> dict[int, int]:
    lengths = running.evidence.lengths.of(KEY)
    return {} if lengths is None else dict(lengths.whole)


def test_running_processes_learn_from_each_other_and_count_everything_once(tmp_path: Path) -> None:
    path, clock = tmp_path / "calls.db", Clock()
    loops = [Loop() for _ in range(3)]
    running = [beside(path, clock, str(number), loop) for number, loop in enumerate(loops)]
    for number, one in enumerate(running):
        for _ in range(2):
            learn(one, 40 + number)
            one.heard(call())
    expected = {40: 2, 41: 2, 42: 2}

    def alike() -> bool:
        for one, loop in zip(running, loops, strict=True):
            loop.go()
            one.heard(call())
        return all(known(one) == expected for one in running)

    until(alike)
    for _ in range(20):  # nothing new: nothing changes
        assert alike()
        threading.Event().wait(0.005)
    assert all(one.taken > 0 for one in running)
    for one in running:
        end(one)
    assert whole(path) == expected


def test_an_idle_process_learns_too_and_writes_nothing(tmp_path: Path) -> None:
    path, clock, loop = tmp_path / "calls.db", Clock(), Loop()
    idle, busy = beside(path, clock, "idle", loop), keeper(path, clock)
    learn(busy, 40)
    snapshot(busy, clock)
    until(lambda: loop.go() > 0 and known(idle) == {40: 1})
    assert idle.close()
    assert idle.saved == 0
    assert busy.close()
    assert whole(path) == {40: 1}


def test_what_is_learnt_while_others_growth_is_taken_in_is_not_lost(tmp_path: Path) -> None:
    path, clock, loop = tmp_path / "calls.db", Clock(), Loop()
    one, two = beside(path, clock, "1", loop), keeper(path, clock)
    for tokens in range(1, 200):
        two.evidence.lengths.add(LengthKey(f"task {tokens}", "m"), tokens)
    snapshot(two, clock)
    until(lambda: bool(loop.slices))
    learn(one, 40)
    one.heard(call())  # before it was taken in: no snapshot yet
    loop.go()
    learn(one, 40)
    end(one)
    assert two.close()
    assert whole(path) == {40: 2}
    assert len(kept(path).lengths.by_key) == 200
    assert len(one.evidence.lengths.by_key) == 200


def test_at_the_close_what_was_given_is_taken_in_before_the_last_snapshot(tmp_path: Path) -> None:
    path, clock, loop = tmp_path / "calls.db", Clock(), Loop()
    one, two = beside(path, clock, "1", loop), keeper(path, clock)
    learn(two, 50)
    snapshot(two, clock)
    until(lambda: bool(loop.slices))
    learn(one, 40)
    end(one)
    assert known(one) == {40: 1, 50: 1}
    assert not loop.slices.pop()()  # a slice that comes late does nothing
    assert two.close()
    assert whole(path) == {40: 1, 50: 1}


def test_where_slices_cannot_be_carried_yet_they_are_later(tmp_path: Path) -> None:
    path, clock, loop = tmp_path / "calls.db", Clock(), Loop()
    ready = threading.Event()

    def carry(take: Slice, closing: threading.Event) -> None:
        if not ready.is_set():
            raise RuntimeError
        loop(take, closing)

    one, two = beside(path, clock, "1", carry), keeper(path, clock)
    learn(two, 50)
    snapshot(two, clock)
    until(lambda: one._taking is not None)
    ready.set()
    until(lambda: loop.go() > 0)
    assert known(one) == {50: 1}
    assert one.close()
    assert two.close()


def test_without_a_carrier_others_growth_is_taken_in_when_calls_end(tmp_path: Path) -> None:
    path, clock = tmp_path / "calls.db", Clock()
    one, two = beside(path, clock, "1"), keeper(path, clock)
    learn(two, 50)
    snapshot(two, clock)

    def heard() -> bool:
        one.heard(call())
        return known(one) == {50: 1}

    until(heard)
    assert one.close()
    assert two.close()


def test_processes_that_run_beside_each_other_come_to_know_what_all_have_learnt_once(tmp_path: Path) -> None:
    path, number = tmp_path / "calls.db", 3
    with open_ledger(path):
        pass
    command = [sys.executable, "-m", "tests.ledger.learning_process", str(path)]
    started = [
        subprocess.Popen([*command, str(one), str(number)], stderr=subprocess.PIPE, text=True)  # noqa: S603 - ours
        for one in range(number)
    ]
    ended = [(process.communicate(timeout=120)[1], process.returncode) for process in started]
    assert ended == [("", 0)] * number
    assert whole(path) == {5: number * CALLS, **{10 + one: CALLS for one in range(number)}}


def test_under_a_lock_slices_are_done_by_the_keeper_and_a_close_that_holds_it_is_not_waited_for(tmp_path: Path) -> None:
    path, clock, lock = tmp_path / "calls.db", Clock(), threading.RLock()
    one, two = beside(path, clock, "1", UnderLock(lock)), keeper(path, clock)
    learn(two, 50)
    snapshot(two, clock)
    until(lambda: one.taken == 1)
    assert known(one) == {50: 1}
    with lock:
        learn(two, 50)
        snapshot(two, clock)
        until(lambda: one._taking is not None)
        assert one.close(timeout_s=10.0)
    assert known(one) == {50: 2}
    assert two.close()

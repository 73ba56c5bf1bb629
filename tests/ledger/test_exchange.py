"""Processes on one file that learn, write, look and take in, in any order."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.evidence.gate import Identity
from penstock.evidence.lengths import LengthKey
from penstock.evidence.odds import Odds
from penstock.evidence.reach import Reach
from penstock.evidence.store import Evidence
from penstock.ledger.exchange import Exchange, Growth
from penstock.ledger.learnt import learnt
from penstock.ledger.sqlite import Ledger, open_ledger
from tests.evidence.test_growth import calls, taught

NOW = 1_795_000_000.0


class Process:
    """One process: what it knows, and its side of the file."""

    def __init__(self, ledger: Ledger, name: str) -> None:
        self.exchange = Exchange(ledger.evidence, name)
        self.evidence, self.broken = self.exchange.begin()
        self.given: list[Growth] = []
        self.at = NOW

    def learn(self, listed: Any) -> None:
        self.at += 20_000.0
        taught(self.evidence, listed, self.at)

    def write(self) -> None:
        self.take_in()  # a snapshot is not made before
        rows = [learnt(name, values(), self.at) for name, values in self.evidence.snapshot().items()]
        self._given(self.exchange.write(rows, self.at))

    def look(self) -> None:
        self.take_in()
        self._given(self.exchange.look())

    def take_in(self) -> None:
        for growth in self.given:
            for _ in self.evidence.advancing(*growth):
                pass
        self.given = []

    def _given(self, growth: Growth | None) -> None:
        if growth is not None:
            self.given.append(growth)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with open_ledger(tmp_path / "calls.db") as opened:
        yield opened


def told(evidence: Evidence) -> Any:
    """What adds up exactly, as plain values."""
    plain = msgspec.json.decode(evidence.to_json())
    reuse, names = plain.pop("reuse"), ("lengths", "calibration", "escalations", "idle", "sites")
    bills = {
        name: {field: account[field] for field in ("prompt", "read", "written", "writes")}
        for name, account in sorted(reuse["returns"].items())
    }
    prefixes = {shard.keys[place] for shard, place in evidence.reuse.prefixes.records()}
    return {name: plain[name] for name in names}, plain["drift"]["sums"], bills, prefixes


moves = st.lists(
    st.tuples(st.integers(0, 2), st.one_of(calls, st.sampled_from(["write", "look", "take_in"]))), max_size=14
)
"""Which of three processes, and what it does: learn from calls, write, look, take in."""


@given(moves)
@settings(max_examples=20, deadline=None)
def test_in_whatever_order_they_go_all_processes_and_the_file_know_what_one_would(
    tmp_path_factory: pytest.TempPathFactory, listed: Any
) -> None:
    with open_ledger(tmp_path_factory.mktemp("ledger") / "calls.db") as ledger:
        processes = [Process(ledger, str(number)) for number in range(3)]
        one = Process(ledger, "one")
        for number, move in listed:
            if isinstance(move, str):
                getattr(processes[number], move)()
            else:
                processes[number].learn(move)
                one.at = processes[number].at - 20_000.0
                one.learn(move)
        for _ in range(2):  # the first writes before the others have, and looks once more
            for process in processes:
                process.write()
        for process in processes:
            process.look()
            process.take_in()
        expected = told(one.evidence)
        for evidence in (ledger.evidence.load()[0], *(process.evidence for process in processes)):
            assert told(evidence) == expected


def test_who_looks_and_takes_in_again_and_again_counts_nothing_twice(ledger: Ledger) -> None:
    one, two = Process(ledger, "1"), Process(ledger, "2")
    one.learn([("a", "abc", 10, True)])
    for _ in range(5):
        one.write()
        for process in (two, one):
            process.look()
            process.take_in()
        two.write()
    for process in (one, two):
        lengths = process.evidence.lengths.of(LengthKey("a", "m"))
        assert lengths is not None
        assert lengths.whole == {10: 1}


def test_a_process_that_is_alone_is_given_nothing_and_its_rows_are_kept_as_they_are(ledger: Ledger) -> None:
    one = Process(ledger, "1")
    for _ in range(3):
        one.learn([("a", "abc", 10, True)])
        one.write()
        one.look()
    assert one.given == []
    assert ledger.evidence.load()[0] == one.evidence


def test_a_part_that_is_broken_in_the_file_takes_nothing_from_those_who_run(ledger: Ledger) -> None:
    one, two = Process(ledger, "1"), Process(ledger, "2")
    one.learn([("a", "abc", 10, True)])
    one.write()
    two.look()
    two.take_in()
    ledger._connection.execute("UPDATE evidence SET summary = x'ff', writer = 'x' WHERE part = 'lengths'")
    two.look()
    two.take_in()
    assert two.evidence.lengths.of(LengthKey("a", "m")) is not None
    two.write()
    assert ledger.evidence.load()[1] == []


def test_gates_are_not_exchanged_here_so_no_pair_counts_twice(ledger: Ledger) -> None:
    one, two = Process(ledger, "1"), Process(ledger, "2")
    for process in (one, two):
        gate = process.evidence.gates.gate("triage", Identity(reference="large", candidate="small"), at=NOW)
        gate.observe_pair(0.0, at=NOW, terms=process.evidence.gates.terms, reference=1.0)
    before = [process.evidence.gates.to_builtins() for process in (one, two)]
    for _ in range(3):
        for process in (one, two):
            process.learn([("a", "abc", 10, True)])
            process.write()
            process.look()
            process.take_in()
    assert [process.evidence.gates.to_builtins() for process in (one, two)] == before


def test_what_fades_stays_within_its_memory_and_true_to_what_was_seen(ledger: Ledger) -> None:
    processes = [Process(ledger, str(number)) for number in range(3)]
    for _ in range(30):
        for process in processes:
            for number in range(100):
                came = number % 4 != 0
                process.evidence.reuse.reach.add("a", 0, 0, came=came)
                process.evidence.reuse.partings.add("a", 0, parted=not came)
                process.evidence.reuse.chances.first.learn((7,), 0.0, came=came)
        for process in processes:
            process.write()
        for process in processes:
            process.look()
            process.take_in()
    for process in processes:
        reuse = process.evidence.reuse
        assert reuse.reach.chance("a", 0, 0) == pytest.approx(0.75, abs=0.05)
        assert reuse.partings.chance("a", 0) == pytest.approx(0.25, abs=0.05)
        assert reuse.chances.first.chance((7,), 0.0) == pytest.approx(0.75, abs=0.05)
        assert 100.0 <= _exposures(reuse.reach) < 400.0
        assert 100.0 <= reuse.partings.to_builtins()["a"][0] < 400.0


def test_a_change_that_all_processes_see_is_followed_as_one_would_and_not_overshot(ledger: Ledger) -> None:
    processes, alone = [Process(ledger, str(number)) for number in range(4)], Odds()
    for minute in range(16):
        for odds in (alone, *(process.evidence.reuse.chances.first for process in processes)):
            for _ in range(500):  # as many as a weight remembers, and more
                odds.learn((7,), 0.0, came=minute >= 8)
        for process in processes:
            process.write()
            process.look()
            process.take_in()
            assert process.evidence.reuse.chances.first.chance((7,), 0.0) == pytest.approx(
                alone.chance((7,), 0.0), abs=0.03
            )


def _exposures(reach: Reach) -> float:
    exposures: float = reach.to_builtins()["tasks"]["a"][0]
    return exposures

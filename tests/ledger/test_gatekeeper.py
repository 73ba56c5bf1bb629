from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from penstock.engine.gates import Gates
from penstock.evidence.gate import Gate, Identity, State
from penstock.evidence.gatebook import GateBook
from penstock.ledger.gatekeeper import GateKeeper
from penstock.ledger.gates import Order
from penstock.ledger.sqlite import open_ledger

WHO = Identity(reference="large", candidate="small")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "l.db"


def keeper(gates: Gates, path: Path, clock: Clock, writer: str = "me") -> GateKeeper:
    return GateKeeper(gates, path, clock=clock, writer=writer, every_s=0.02)


def pairs(gates: Gates, count: int, at: float = 1000.0) -> Gate:
    gate = gates.book.gate("triage", WHO, at=at)
    for _ in range(count):
        gate.observe_pair(0.0, at=at, terms=gates.book.terms, reference=1.0)
        if gates.changed is not None:
            gates.changed(gate)
    return gate


def kept(path: Path) -> Gate | None:
    with open_ledger(path) as ledger:
        return ledger.gates.book().gates.get("triage", {}).get("small")


def until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10.0
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def drain(gates: Gates) -> None:
    while gates.inbox:
        gates.inbox.popleft()()


def test_evidence_outlasts_the_process(path: Path, clock: Clock) -> None:
    first = Gates(GateBook())
    keeping = keeper(first, path, clock)
    gate = pairs(first, 7)
    assert keeping.close()
    second = Gates(GateBook())
    again = keeper(second, path, clock)
    assert second.book.gates["triage"]["small"] == gate
    assert again.close()


def test_a_change_of_state_is_written_at_once_and_evidence_soon(path: Path, clock: Clock) -> None:
    gates = Gates(GateBook())
    keeping = keeper(gates, path, clock)
    gate = pairs(gates, 1)
    until(lambda: kept(path) is not None)
    pairs(gates, 3)
    gate.move(State.CANARY, clock.now, why="x", by="evidence")
    keeping.changed(gate)
    until(lambda: (found := kept(path)) is not None and found.state is State.CANARY)
    clock.now += 1.0
    pairs(gates, 1)
    until(lambda: (found := kept(path)) is not None and found.history == gate.history and found.test.n == gate.test.n)
    assert keeping.close()


def test_a_decision_on_the_command_line_reaches_the_running_process(path: Path, clock: Clock) -> None:
    gates = Gates(GateBook())
    keeping = keeper(gates, path, clock)
    gate = pairs(gates, 1)
    until(lambda: kept(path) is not None)
    with open_ledger(path) as ledger:
        ledger.gates.order(Order(0, 1500.0, "triage", "small", "hold", "ana", "audit"), ledger.gates.book())
    until(lambda: bool(gates.inbox))
    drain(gates)
    assert gate.state is State.HELD
    assert keeping.close()
    found = kept(path)
    assert found is not None
    assert found.state is State.HELD


def test_a_demotion_elsewhere_is_a_demotion_here(path: Path, clock: Clock) -> None:
    here, there = Gates(GateBook()), Gates(GateBook())
    mine, theirs = keeper(here, path, clock, "here"), keeper(there, path, clock, "there")
    pairs(here, 2)
    gate = pairs(there, 1)
    gate.move(State.DEMOTED, 1100.0, why="it broke", by="detector")
    theirs.changed(gate)

    def demoted() -> bool:
        drain(here)
        return here.book.gates["triage"]["small"].state is State.DEMOTED

    until(demoted)
    assert mine.close()
    assert theirs.close()


def test_decisions_from_before_the_start_are_in_the_gates_already(path: Path, clock: Clock) -> None:
    gates = Gates(GateBook())
    keeping = keeper(gates, path, clock)
    pairs(gates, 1)
    assert keeping.close()
    with open_ledger(path) as ledger:
        ledger.gates.order(Order(0, 1500.0, "triage", "small", "promote", "ana", "known good"), ledger.gates.book())
    again = Gates(GateBook())
    second = keeper(again, path, clock)
    assert again.book.gates["triage"]["small"].state is State.PROMOTED
    assert second.close()
    assert not again.inbox or again.book.gates["triage"]["small"].history[-1].at == 1500.0

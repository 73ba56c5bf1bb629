from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from penstock.errors import InternalError, UsageError
from penstock.evidence.gate import Gate, Identity, State
from penstock.evidence.gatebook import GateBook
from penstock.ledger.gates import Action, Order, obey, saved
from penstock.ledger.sqlite import Ledger, open_ledger


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    with open_ledger(":memory:") as opened:
        yield opened


def known(book: GateBook, task: str = "triage") -> Gate:
    gate = book.gate(task, Identity(reference="large", candidate="small"), at=1.0)
    gate.observe_pair(-0.5, at=2.0, terms=book.terms, reference=0.25)
    return gate


def order(action: Action, task: str = "triage", at: float = 9.0) -> Order:
    return Order(0, at, task, "small", action, "ana", "because")


def test_a_gate_comes_back_as_it_was_kept(ledger: Ledger) -> None:
    book = GateBook()
    gate = known(book)
    gate.move(State.SHADOW, 3.0, why="x", by="trigger")
    ledger.gates.save([saved(gate, 5.0)])
    assert ledger.gates.book().gates == book.gates


def test_the_latest_write_of_a_gate_stands(ledger: Ledger) -> None:
    book = GateBook()
    gate = known(book)
    ledger.gates.save([saved(gate, 5.0)])
    gate.observe_pair(0.0, at=6.0, terms=book.terms, reference=1.0)
    ledger.gates.save([saved(gate, 7.0), saved(known(book, "other"), 7.0)])
    assert {task: of["small"].test.n for task, of in ledger.gates.book().gates.items()} == {"other": 1, "triage": 2}


def test_a_row_whose_state_was_entered_later_is_not_written_over(ledger: Ledger) -> None:
    stale, demoted = known(GateBook()), known(GateBook())
    demoted.move(State.DEMOTED, 50.0, why="x", by="detector")
    ledger.gates.save([saved(demoted, 60.0)], "them")
    ledger.gates.save([saved(stale, 70.0)], "me")
    assert ledger.gates.book().gates["triage"]["small"].state is State.DEMOTED


def test_decisions_are_carried_out_and_numbered(ledger: Ledger) -> None:
    book = GateBook()
    ledger.gates.save([saved(known(book), 5.0)])
    assert ledger.gates.last_order() == 0
    first = ledger.gates.order(order("hold"), ledger.gates.book())
    second = ledger.gates.order(order("release"), ledger.gates.book())
    assert (first.number, second.number, ledger.gates.last_order()) == (1, 2, 2)
    assert [one.action for one in ledger.gates.orders()] == ["hold", "release"]
    assert ledger.gates.orders(1) == [second]
    history = ledger.gates.book().gates["triage"]["small"].history
    assert {(entry.by, entry.why) for entry in history} == {("person:ana", "because")}


@pytest.mark.parametrize(
    ("action", "state", "pinned"),
    [("hold", "held", False), ("release", "shadow", False), ("promote", "promoted", False), ("pin", "promoted", True)],
)
def test_every_action_does_what_it_says(action: Action, state: str, pinned: bool) -> None:
    book = GateBook()
    gate = known(book)
    assert obey(book, order(action))
    assert (gate.state.value, gate.pinned) == (state, pinned)


def test_a_decision_about_no_gate_is_a_usage_error_and_is_not_kept(ledger: Ledger) -> None:
    with pytest.raises(UsageError, match="no gate"):
        ledger.gates.order(order("hold"), GateBook())
    assert ledger.gates.orders() == []


def test_only_gates_of_other_writers_are_news(ledger: Ledger) -> None:
    ledger.gates.save([saved(known(GateBook(), "mine"), 5.0)], "me")
    ledger.gates.save([saved(known(GateBook(), "theirs"), 6.0)], "them")
    assert [gate.task for gate in ledger.gates.of_others("me", 0.0)] == ["theirs"]
    assert ledger.gates.of_others("me", 6.5) == []


def test_a_file_that_cannot_be_written_is_ours_to_report(tmp_path: Path) -> None:
    with open_ledger(tmp_path / "l.db") as opened:
        shelf = opened.gates
    with pytest.raises(InternalError, match="cannot be written"):
        shelf.save([saved(known(GateBook()), 5.0)])

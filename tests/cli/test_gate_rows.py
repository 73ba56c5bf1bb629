from __future__ import annotations

from rich.console import Console

from penstock.cli.gate_rows import gate_row, gate_table
from penstock.evidence.gate import Identity, Terms
from penstock.evidence.gatebook import GateBook, Status
from penstock.ledger.sends import Payback


def status(differences: list[float], reference: float = 1.0) -> Status:
    book = GateBook(Terms(margin=0.05))
    gate = book.gate("triage", Identity(reference="large", candidate="small"), at=0.0)
    for index, difference in enumerate(differences):
        gate.observe_pair(difference, at=3600.0 * index, terms=book.terms, reference=reference)
    return book.statuses()[0]


def printed(found: Status, payback: Payback | None) -> str:
    console = Console(width=250, record=True, file=None, quiet=False)
    with console.capture() as caught:
        console.print(gate_table([(found, payback)]))
    return caught.get()


def test_a_row_says_state_evidence_need_and_payback() -> None:
    text = printed(status([0.0] * 10), Payback(0.2, 129, 1.5))
    for part in ("triage", "large -> small", "shadow", "10", "pairs and 15.0 h", "129 calls (1.5 days)", "of at least"):
        assert part in text


def test_what_cannot_be_reached_and_what_never_pays_are_said() -> None:
    text = printed(status([-1.0, 0.0] * 40), Payback(1.1, None, None))
    assert "not at this disagreement" in text
    assert "never" in text
    assert "unknown" in printed(status([]), None)


def test_the_json_keeps_unknown_as_null() -> None:
    row = gate_row(status([]), None)
    assert (row["mean_difference"], row["reference_score"], row["payback_calls"], row["state"]) == (
        None,
        None,
        None,
        "shadow",
    )
    known = gate_row(status([0.0] * 100), Payback(0.2, 129, None))
    assert (known["samples_needed"], known["seconds_needed"], known["payback_calls"]) == (0, 0.0, 129)

from __future__ import annotations

import json

from penstock.cli.gate_rows import gate_lines, gate_row
from penstock.evidence.gate import Identity, Terms
from penstock.evidence.gatebook import GateBook
from penstock.ledger.sends import Payback
from penstock.ledger.standing import Standing


def book_of(differences: list[float], reference: float = 1.0) -> GateBook:
    book = GateBook(Terms(margin=0.05))
    gate = book.gate("triage", Identity(reference="large", candidate="small"), at=0.0)
    for index, difference in enumerate(differences):
        gate.observe_pair(difference, at=3600.0 * index, terms=book.terms, reference=reference)
    return book


def standing(book: GateBook, payback: Payback | None) -> Standing:
    return Standing(book.gates["triage"]["small"], book.statuses()[0], payback)


def lines(book: GateBook, payback: Payback | None) -> list[str]:
    return list(gate_lines(standing(book, payback)))


def test_a_gate_says_state_evidence_need_and_payback() -> None:
    heading, state, pairs, evidence, payback, why = lines(book_of([0.0] * 10), Payback(0.2, 129, 1.5))
    assert heading == "triage: large -> small"
    assert state == "  shadow since 1970-01-01 00:00 UTC"
    assert pairs.startswith("  pairs     10, mean difference +0.000, reference scores 1.00, shown to be at least 0.")
    assert evidence.endswith("pairs and 15.0 h")
    assert payback == (
        "  payback   after 129 calls served (1.5 days at the present rate); "
        "a candidate's request costs 20% of the reference's"
    )
    assert "of at least" in why


def test_what_cannot_be_reached_and_what_never_pays_are_said() -> None:
    text = "\n".join(lines(book_of([-1.0, 0.0] * 40), Payback(1.1, None, None)))
    assert "it will not come at the present disagreement" in text
    assert "payback   never: a candidate's request costs 110%" in text
    nothing = "\n".join(lines(book_of([]), None))
    assert "pairs     none yet" in nothing
    assert "payback   unknown" in nothing


def test_who_decided_by_hand_stays_in_sight_until_another_does() -> None:
    book = book_of([0.0] * 10)
    book.promote("triage", "small", at=86_400.0, by="ann", why="known good")
    found = lines(book, None)
    assert found[1] == "  promoted since 1970-01-02 00:00 UTC; 0 calls served"
    assert found[-1] == "  by hand   promoted by ann at 1970-01-02 00:00 UTC: known good"
    book.pin("triage", "small", at=90_000.0, by="bob", why="contract")
    assert "promoted, pinned" in lines(book, None)[1]
    assert "by bob" in lines(book, None)[-1]
    row = json.loads(json.dumps(gate_row(standing(book, None))))
    assert [(entry["by"], entry["why"]) for entry in row["history"]][-1] == ("person:bob", "contract")


def test_the_json_keeps_unknown_as_null() -> None:
    row = gate_row(standing(book_of([]), None))
    assert (row["mean_difference"], row["reference_score"], row["payback_calls"], row["state"]) == (
        None,
        None,
        None,
        "shadow",
    )
    known = gate_row(standing(book_of([0.0] * 100), Payback(0.2, 129, None)))
    assert (known["samples_needed"], known["seconds_needed"], known["payback_calls"]) == (0, 0.0, 129)


def test_a_candidate_of_edits_has_their_names_and_the_reference_s_model() -> None:
    book = GateBook(Terms(margin=0.05))
    who = Identity(reference="large", candidate="large", variant="v")
    gate = book.gate("ask", who, at=0.0, candidate="trim+brevity", edits=("trim", "brevity"))
    one = Standing(gate, book.statuses()[0], None)
    row = gate_row(one)
    assert (row["candidate"], row["candidate_model"], row["edits"]) == ("trim+brevity", "large", ["trim", "brevity"])
    assert next(gate_lines(one)) == "ask: large -> trim+brevity"

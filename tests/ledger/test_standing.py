from __future__ import annotations

from penstock.evidence.gate import Identity, Terms
from penstock.evidence.gatebook import GateBook
from penstock.ledger.sends import TaskSends
from penstock.ledger.standing import standings, under
from penstock.policy.load import load_policy
from tests.ledger.calls import call

POLICY = """
[tasks.triage.gate]
candidate = "claude-haiku-4-5"
eps = 0.1
alpha = 0.01
watch_share = 0.5
"""


def book() -> GateBook:
    made = GateBook(Terms())
    for task in ("triage", "extract"):
        gate = made.gate(task, Identity(reference="claude-opus-4-5", candidate="claude-haiku-4-5"), at=0.0)
        gate.observe_pair(0.0, at=10.0, terms=made.terms, reference=1.0)
    return made


def test_gates_are_judged_under_the_terms_of_the_policy() -> None:
    judged = under(load_policy(POLICY, "p"), book())
    assert judged.terms_of("triage").margin == 0.1
    assert judged.terms.alpha == 0.01
    loose = under(load_policy("", "p"), book())
    assert loose.statuses()[0].threshold < judged.statuses()[0].threshold


def test_each_gate_stands_with_its_payback_where_the_costs_of_both_models_are_known() -> None:
    costs = TaskSends()
    for number, model, cost in ((1, "claude-opus-4-5", 100), (2, "claude-haiku-4-5", 20)):
        costs.add(call(number, model_sent=model, cost=cost))
    extract, triage = standings(book(), {"triage": costs})
    assert (extract.status.task, extract.payback) == ("extract", None)
    assert triage.payback is not None
    assert triage.payback.price_ratio == 0.2
    assert [one.status.task for one in standings(book(), {}, "triage")] == ["triage"]
    assert [name for name, _ in triage.facts()] == ["pairs", "evidence", "payback", "why"]


def test_pairs_without_a_grade_are_said_and_those_that_a_restart_left_without_one() -> None:
    made = book()
    gate = made.gates["triage"]["claude-haiku-4-5"]
    gate.ungraded = 3
    said = dict(standings(made, {}, "triage")[0].facts())["ungraded"]
    assert said == "3 pairs differed and had no grade: losses until the candidate serves, then left out"
    gate.ungraded_late = 2
    said = dict(standings(made, {}, "triage")[0].facts())["ungraded"]
    assert said.endswith("; 2 of them outlived their process in a batch, and their texts were not kept")

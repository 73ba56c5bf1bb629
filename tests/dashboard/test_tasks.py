from __future__ import annotations

from pathlib import Path

from penstock.dashboard.tasks import Tasks, tasks
from penstock.ledger.sqlite import read_ledger
from penstock.policy.load import load_policy
from penstock.policy.schema import Policy
from tests.dashboard.ledgers import ARITHMETIC, HOSTILE, mixed, with_gate, write


def shown(path: Path, policy: Policy | None = None) -> Tasks:
    with read_ledger(path) as ledger:
        return tasks(ledger, policy or Policy())


def test_each_task_has_its_models_gates_and_stand_downs(tmp_path: Path) -> None:
    found = shown(with_gate(write(tmp_path / "l.db", mixed())))
    triage, hostile = found.tasks
    assert (triage.name, hostile.name) == ("triage", HOSTILE)
    assert triage.total is not None
    assert (triage.total.calls, triage.total.unknown) == (6, 2)
    assert [(one.model, one.calls, one.unknown) for one in triage.models] == [("claude-haiku-4-5", 6, 2)]
    assert [dict(one.facts())["pairs"][:2] for one in triage.gates] == ["10"]
    assert [one.why for one in triage.stood_down] == [ARITHMETIC]
    assert (found.read, found.calls, found.simulated) == (7, 7, 1)


def test_a_gate_without_a_call_is_a_task_too_and_is_judged_by_the_policy(tmp_path: Path) -> None:
    path = with_gate(write(tmp_path / "l.db", []))
    (one,) = shown(path).tasks
    assert (one.name, one.total, len(one.gates)) == ("triage", None, 1)
    strict = load_policy('[tasks.triage.gate]\ncandidate = "claude-haiku-4-5"\nalpha = 0.001\n', "p")
    (judged,) = shown(path, strict).tasks
    assert judged.gates[0].status.threshold > one.gates[0].status.threshold

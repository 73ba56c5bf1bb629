from __future__ import annotations

import json
from pathlib import Path

import pytest

from penstock.cli.main import run
from penstock.engine.edit import Note
from penstock.evidence.gate import Identity
from penstock.evidence.gatebook import GateBook
from penstock.ledger.gates import saved
from penstock.ledger.sqlite import open_ledger
from tests.ledger.calls import call


@pytest.mark.parametrize("form", [["--json"], []])
def test_each_task_and_model_has_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], form: list[str]) -> None:
    path = tmp_path / "calls.db"
    with open_ledger(path) as ledger:
        ledger.append([call(1), call(2, task="other", cost=None)])
    with pytest.raises(SystemExit) as caught:
        run(["tasks", "--ledger", str(path), *form])
    assert not caught.value.code
    out = capsys.readouterr().out
    if not form:
        assert "triage" in out
        return
    other, triage = json.loads(out)["tasks"]
    assert (other["task"], other["cost_per_accepted_usd"], other["calls_of_unknown_cost"]) == ("other", None, 1)
    assert (triage["accepted"], triage["cost_per_accepted_usd"]) == (1, "0.000000000007")


def test_stand_downs_and_alarms_are_told_with_their_arithmetic(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "calls.db"
    with open_ledger(path) as ledger:
        ledger.append([call(1, notes=(Note("cache", "4.2 reads were expected"),), alarm="of 5 calls 0 were read")])
    shown = " ".join(ran(capsys, "--ledger", str(path))[1].split())
    assert "triage: cache stands down in 1 calls, the last: 4.2 reads were expected" in shown
    assert "of 5 calls 0 were read" in shown
    told = json.loads(ran(capsys, "--ledger", str(path), "--json")[1])["cache"]
    assert (len(told["stood_down"]), len(told["alarms"])) == (1, 1)


@pytest.fixture
def gated(tmp_path: Path) -> str:
    path = tmp_path / "calls.db"
    book = GateBook()
    gate = book.gate("triage", Identity(reference="claude-opus-5-5", candidate="claude-haiku-4-5"), at=1.0)
    for index in range(20):
        gate.observe_pair(0.0, at=1000.0 + index, terms=book.terms, reference=1.0)
    with open_ledger(path) as ledger:
        ledger.append([call(1)])
        ledger.gates.save([saved(gate, 5.0)])
    return str(path)


def ran(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as caught:
        run(["tasks", *arguments])
    printed = capsys.readouterr()
    return int(caught.value.code or 0), printed.out, printed.err


def test_a_gate_is_shown_with_what_it_still_needs(gated: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ran(capsys, "--ledger", gated, "--json")
    (gate,) = json.loads(out)["gates"]
    assert (code, gate["state"], gate["pairs"]) == (0, "shadow", 20)
    assert gate["samples_needed"] > 100
    assert "20 of at least 60 samples" in gate["why"]
    assert "triage" in ran(capsys, "--ledger", gated)[1]


def test_the_policy_s_terms_decide_what_is_needed(gated: str, capsys: pytest.CaptureFixture[str]) -> None:
    policy = Path(gated).with_name("penstock.toml")
    policy.write_text('[tasks.triage.gate]\ncandidate = "claude-haiku-4-5"\nn_min = 500\nalpha = 0.01\n')
    _, out, _ = ran(capsys, "--ledger", gated, "--policy", str(policy), "--json")
    (gate,) = json.loads(out)["gates"]
    assert gate["samples_needed"] >= 480
    assert gate["e_value_needed"] == pytest.approx(100.0)


def test_a_decision_by_hand_is_kept_with_name_and_reason(gated: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ran(capsys, "--ledger", gated, "--hold", "triage", "--why", "audit", "--by", "ana", "--json")
    (gate,) = json.loads(out)["gates"]
    assert (code, gate["state"], gate["why"]) == (0, "held", "audit")
    with open_ledger(gated) as ledger:
        assert [(one.action, one.person, one.why) for one in ledger.gates.orders()] == [("hold", "ana", "audit")]
    _, out, _ = ran(capsys, "--ledger", gated, "--pin", "triage", "--why", "contract", "--json")
    (gate,) = json.loads(out)["gates"]
    assert (gate["state"], gate["pinned"]) == ("promoted", True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--hold", "triage"], "reason"),
        (["--hold", "triage", "--pin", "triage", "--why", "x"], "one decision"),
        (["--hold", "nothing", "--why", "x"], "which candidate"),
        (["--hold", "triage", "--candidate", "other", "--why", "x"], "no gate"),
    ],
)
def test_a_decision_that_cannot_be_taken_is_a_usage_error(
    gated: str, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    code, _, err = ran(capsys, "--ledger", gated, *arguments)
    assert code == 2
    assert said in err


def test_simulated_answers_are_called_simulated_above_every_figure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "simulated.db"
    with open_ledger(path) as ledger:
        ledger.append([call(1, tags={"simulated": "simulated"}), call(2)])
    assert ran(capsys, "--ledger", str(path))[1].startswith("Simulated: 1 of 2 calls have simulated answers")
    assert json.loads(ran(capsys, "--ledger", str(path), "--json")[1])["simulated_calls"] == 1

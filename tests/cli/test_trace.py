from __future__ import annotations

import json
from pathlib import Path

import pytest

from penstock.cli.main import run
from penstock.engine.record import ExtraSend
from penstock.ledger.sqlite import open_ledger
from tests.ledger.calls import call, partly_simulated

SHADOW = ExtraSend(purpose="shadow", model="m", reason="disagreed by 1.00 (differ)", status=200, usage=None, cost=None)


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "calls.db"
    with open_ledger(path) as ledger:
        ledger.append(
            [
                call(1, trace="run-1", finish="stop"),
                call(2, trace="run-1", extra_sends=(SHADOW,)),
                call(3, trace="run-1", finish="length"),
                call(4, trace="run-2"),
            ]
        )
    return str(path)


def _ran(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        run(["trace", *arguments])
    return int(caught.value.code or 0)


@pytest.mark.parametrize("key", ["run-1", "call_0003"])
def test_a_run_is_printed_with_its_first_fault(file: str, key: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert _ran(key, "--ledger", file, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["trace"], found["first_fault"]) == ("run-1", 1)
    assert [step["faults"] for step in found["steps"]] == [[], ["shadow m disagreed by 1.00 (differ)"], ["length"]]
    assert found["steps"][1]["cost_usd"] is None


def test_people_see_the_first_fault_by_step_and_what_followed(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert _ran("run-1", "--ledger", file) == 0
    out = capsys.readouterr().out
    assert "2 <-" in out
    assert out.splitlines()[-3:] == [
        "3 steps, $0.00000000 and 1 of unknown cost",
        "first at step 2 (triage): shadow m disagreed by 1.00 (differ)",
        "1 of the 1 steps after it failed too",
    ]
    assert _ran("run-2", "--ledger", file) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "no step failed a check, and no shadow disagreed"


def test_an_unknown_run_is_an_error(file: str) -> None:
    assert _ran("nothing", "--ledger", file) == 3


def test_a_request_that_kept_an_entry_alive_is_no_fault_of_the_step(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "calls.db"
    kept = ExtraSend(purpose="keep_alive", model="m", reason="request 1 of 11", status=200, usage=None, cost=None)
    with open_ledger(path) as ledger:
        ledger.append([call(1, trace="run-1", finish="stop", extra_sends=(kept,))])
    assert _ran("run-1", "--ledger", str(path), "--json") == 0
    assert json.loads(capsys.readouterr().out)["first_fault"] is None


def test_simulated_answers_are_called_simulated_above_every_figure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = partly_simulated(tmp_path)
    assert _ran("run", "--ledger", str(path)) == 0
    assert "Simulated: 1 of 2 calls have simulated answers" in " ".join(capsys.readouterr().out.split())
    assert _ran("run", "--ledger", str(path), "--json") == 0
    assert [step["simulated"] for step in json.loads(capsys.readouterr().out)["steps"]] == [True, False]

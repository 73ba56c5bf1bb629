from __future__ import annotations

import json
from pathlib import Path

import pytest

from penstock.cli.main import run
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

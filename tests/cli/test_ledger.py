from __future__ import annotations

import json
from pathlib import Path

import pytest

from penstock.cli.main import run
from penstock.engine.edit import Note
from penstock.ledger.sqlite import open_ledger
from penstock.money import Picodollars
from penstock.wire.usage import Usage
from tests.ledger.calls import call, partly_simulated


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "calls.db"
    with open_ledger(path) as ledger:
        ledger.append(
            [
                call(1, cost=Picodollars(2 * 10**12), cost_before=Picodollars(3 * 10**12)),
                call(2, cost=None),
                call(3, task="other", cost=Picodollars(10**12), cost_before=Picodollars(10**12)),
            ]
        )
    return str(path)


def ran(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as caught:
        run(["ledger", *arguments])
    printed = capsys.readouterr()
    return int(caught.value.code or 0), printed.out, printed.err


def test_sums_by_task_in_json(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ran(capsys, file, "--by", "task", "--json")
    assert code == 0
    first, second = json.loads(out)["totals"]
    assert first == {
        "task": "triage",
        "calls": 2,
        "cost_usd": "2",
        "cost_before_usd": "3",
        "saved_usd": "1",
        "calls_of_unknown_cost": 1,
    }
    assert second["task"] == "other"


def test_sums_for_people(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ran(capsys, file)
    assert code == 0
    assert "triage" in out
    assert "$2.00" in out


def test_an_alarm_of_cache_drift_is_shown_below_the_sums(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    with open_ledger(file) as ledger:
        ledger.append([call(4, alarm="of 5 calls 0 were read")])
    assert "of 5 calls 0 were read" in ran(capsys, file)[1]
    (alarm,) = json.loads(ran(capsys, file, "--json")[1])["alarms"]
    assert (alarm["call"], alarm["model"]) == ("call_0004", "claude-haiku-4-5")


def test_what_caches_did_and_why_levers_stood_down(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    usage = Usage(input_uncached=100, cache_read=9000)
    with open_ledger(file) as ledger:
        ledger.append([call(5, predicted=usage, usage=usage, notes=(Note("cache", "4.2 reads were expected"),))])
    assert "4.2 reads were expected" in " ".join(ran(capsys, file, "--cache")[1].split())
    shown = json.loads(ran(capsys, file, "--cache", "--json")[1])
    assert shown["reconciled"][0]["read"] == 9000
    assert shown["stood_down"][0]["did"] == "stands down"


def test_an_export_has_one_line_for_each_call(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = ran(capsys, file, "--export", "--since", "1002")
    assert [json.loads(line)["id"] for line in out.splitlines()] == ["call_0002", "call_0003"]


def test_an_unknown_column_is_a_usage_error(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, errors = ran(capsys, file, "--by", "weather")
    assert code == 2
    assert "hint: one of task" in errors


def test_a_missing_file_is_an_input_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, errors = ran(capsys, str(tmp_path / "none.db"))
    assert code == 3
    assert "no ledger at" in errors


def test_simulated_answers_are_called_simulated_above_every_figure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = partly_simulated(tmp_path)
    for options in ((), ("--cache",)):
        assert "Simulated: 1 of 3 calls have simulated answers" in " ".join(ran(capsys, str(path), *options)[1].split())
        assert json.loads(ran(capsys, str(path), "--json", *options)[1])["simulated_calls"] == 1

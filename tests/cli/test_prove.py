from __future__ import annotations

import json
from pathlib import Path

import pytest

from penstock.cli.main import run
from penstock.engine.edit import Note
from penstock.ledger.sqlite import open_ledger
from tests.audit.test_realised import traffic
from tests.ledger.calls import partly_simulated


def _run(*arguments: str) -> int:
    try:
        run(["prove", *arguments])
    except SystemExit as end:
        return int(end.code or 0)
    return 0


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("prove") / "ledger.db"
    with open_ledger(path) as book:
        book.append(traffic())
    return str(path)


def test_the_saving_is_printed_with_its_interval_beside_the_projection(
    ledger: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    replay = tmp_path / "replay.json"
    replay.write_text('{"saving_share": 0.9}')
    assert _run("--ledger", ledger, "--by", "task", "--projected", str(replay)) == 0
    shown = capsys.readouterr().out
    assert "Realised saving 3" in shown
    assert "95% interval" in shown
    assert "inside the interval" in shown
    assert "Replayed beforehand: 90.0%, outside the interval." in shown
    assert "extract" in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_json_has_shares_money_and_projection(ledger: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("--ledger", ledger, "--json", "--anytime", "--level", "0.9") == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["enough"], shown["level"], shown["anytime"], shown["decided"]) == (True, 0.9, True, True)
    assert shown["saving"]["low"] < shown["saving"]["estimate"] < shown["saving"]["high"]
    assert float(shown["saved_usd"]["estimate"]) > 0
    assert shown["projected"]["saving"] == pytest.approx(0.3, abs=0.02)
    assert shown["treated"]["calls"] + shown["holdback"]["calls"] == 600


def test_the_threshold_exits_1(ledger: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("--ledger", ledger, "--fail-under", "0.2") == 0
    assert _run("--ledger", ledger, "--fail-under", "0.5") == 1
    capsys.readouterr()


def test_too_little_says_what_is_needed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "small.db"
    with open_ledger(path) as book:
        book.append(traffic(30))
    assert _run("--ledger", str(path)) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("Not enough to say: ")
    assert "20 of each are the least" in shown
    assert _run("--ledger", str(path), "--json", "--fail-under", "0") == 1
    assert json.loads(capsys.readouterr().out)["enough"] is False


def test_bad_input_is_one_line_and_exit_3(ledger: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("--ledger", str(tmp_path / "none.db")) == 3
    assert capsys.readouterr().err.startswith(f"error: no ledger at {tmp_path / 'none.db'}\nhint: ")
    other = tmp_path / "other.json"
    other.write_text("{}")
    assert _run("--ledger", ledger, "--projected", str(other)) == 3
    assert "not the JSON of penstock replay" in capsys.readouterr().err
    assert _run("--ledger", ledger, "--projected", str(tmp_path / "none.json")) == 3
    assert "cannot read" in capsys.readouterr().err


def test_why_levers_stood_down_is_printed_with_its_arithmetic(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "ledger.db"
    with open_ledger(path) as book:
        book.append(traffic(40, notes=(Note("cache", "2 writes were not read"),)))
    assert _run("--ledger", str(path)) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "triage: cache stands down in " in shown
    assert "the last: 2 writes were not read" in shown
    assert _run("--ledger", str(path), "--json") == 0
    told = json.loads(capsys.readouterr().out)["stood_down"]
    assert [(one["task"], one["lever"]) for one in told] == [("extract", "cache"), ("triage", "cache")]


def test_simulated_answers_are_called_simulated_above_every_figure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = partly_simulated(tmp_path)
    assert _run("--ledger", str(path)) == 0
    assert capsys.readouterr().out.startswith("Simulated: 1 of 3 calls have simulated answers")
    assert _run("--ledger", str(path), "--json") == 0
    assert json.loads(capsys.readouterr().out)["simulated_calls"] == 1

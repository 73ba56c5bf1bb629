from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from penstock.cli.main import run
from penstock.cli.tail import line_of
from penstock.engine.edit import Risk
from penstock.engine.record import EditRecord
from penstock.ledger.sqlite import open_ledger
from penstock.money import Picodollars
from tests.cli.test_serve import clean_environment
from tests.ledger.calls import call


def test_a_line_says_what_was_asked_sent_used_and_saved() -> None:
    line = line_of(
        call(
            started_at=0.0,
            arm="treated",
            model_sent="claude-haiku-5-5",
            cost=Picodollars(10**12),
            cost_before=Picodollars(3 * 10**12),
            latency_ms=1234.0,
        )
    )
    assert line == (
        "00:00:00 treated  triage           claude-haiku-4-5 -> claude-haiku-5-5 200 "
        "10 in (0 read, 0 written) 5 out $1.00 (saved $2.00) 1,234 ms"
    )


def test_unknown_is_said_to_be_unknown() -> None:
    line = line_of(call(usage=None, cost=None, status=None, error_kind="connect"))
    assert "no answer connect tokens unknown unknown" in line


def test_what_is_only_metered_says_what_it_was() -> None:
    line = line_of(call(operation="embeddings", dialect=None, model_asked="e-3", model_sent="e-3"))
    assert " embeddings e-3 200 " in line


def test_the_newest_calls_are_listed_with_their_edits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit = EditRecord(lever="cap", why="answers are short", saving=Picodollars(10**12), risk=Risk.LOSSY)
    with open_ledger(tmp_path / "l.db") as ledger:
        ledger.append([call(1), call(2, edits=(edit,)), call(3, task="other")])
    file = str(tmp_path / "l.db")
    with pytest.raises(SystemExit):
        run(["tail", file, "--no-follow", "-n", "1", "--task", "triage", "--edits"])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[1] == "    cap (lossy): answers are short, saving $1.00"
    with pytest.raises(SystemExit):
        run(["tail", file, "--no-follow", "--json"])
    assert [json.loads(line)["id"] for line in capsys.readouterr().out.splitlines()] == [
        "call_0001",
        "call_0002",
        "call_0003",
    ]


def test_new_calls_appear_as_they_are_recorded(tmp_path: Path) -> None:
    import time  # noqa: PLC0415 - the ledger's calls need the time of now

    file = tmp_path / "l.db"
    with open_ledger(file) as ledger:
        ledger.append([call(1, started_at=time.time())])
        process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-u", "-m", "penstock", "tail", str(file), "--json"],
            stdout=subprocess.PIPE,
            text=True,
            env=clean_environment(),
        )
        try:
            assert process.stdout is not None
            assert json.loads(process.stdout.readline())["id"] == "call_0001"
            ledger.append([call(2, started_at=time.time() - 60)])
            assert json.loads(process.stdout.readline())["id"] == "call_0002"
        finally:
            process.terminate()
            process.communicate(timeout=20)

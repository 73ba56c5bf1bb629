from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from penstock.cli.main import run
from tests.replay.recorded import plain


def write_log(path: Path, calls: int, **tags: str) -> None:
    lines = []
    for number in range(calls):
        call = plain(number, at=number * 20.0)
        line = {
            "ts": call.ts,
            "provider": "anthropic",
            "api": call.dialect,
            "model": call.model,
            "request": json.loads(call.request or b""),
            "response": json.loads(call.response or b""),
            "status": 200,
            "tags": {**call.tags, **tags},
        }
        lines.append(json.dumps(line))
    path.write_text("\n".join(lines) + "\n")


def test_a_recorded_log_is_replayed_under_a_policy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log, policy = tmp_path / "calls.jsonl", tmp_path / "penstock.toml"
    write_log(log, 30)
    policy.write_text('schema = 1\nmode = "apply"\n')
    with pytest.raises(SystemExit) as ended:
        run(["replay", str(log), "--policy", str(policy), "--by-lever", "--json"])
    assert ended.value.code == 0
    result = msgspec.json.decode(capsys.readouterr().out)
    assert result["total"]["calls"] == 30
    assert float(result["total"]["projected_usd"]) < float(result["total"]["recorded_usd"])
    assert "no request was sent" in result["basis"]


def test_people_get_a_table_with_the_projections_own_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log, policy = tmp_path / "calls.jsonl", tmp_path / "penstock.toml"
    write_log(log, 3)
    policy.write_text("schema = 1\n")
    with pytest.raises(SystemExit) as ended:
        run(["replay", str(log), "--policy", str(policy)])
    assert ended.value.code == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "triage" in shown
    assert "against the provider's own usage" in shown


def test_why_levers_stood_down_is_shown_with_its_arithmetic(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log, policy = tmp_path / "calls.jsonl", tmp_path / "penstock.toml"
    write_log(log, 5)
    policy.write_text('schema = 1\nmode = "apply"\n[tasks.triage.cap]\n')
    for more in ([], ["--json"]):
        with pytest.raises(SystemExit):
            run(["replay", str(log), "--policy", str(policy), *more])
    shown = capsys.readouterr().out
    line = "triage: cap stands down in 5 calls, the last: reasoning counts against the cap, and 4 answers were seen"
    assert line in " ".join(shown.split())
    told = msgspec.json.decode(shown[shown.index("{\n") :])["stood_down"]
    assert [(one["lever"], one["calls"]) for one in told] == [("cap", 5)]


def test_a_missing_log_is_one_line_and_exit_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy = tmp_path / "penstock.toml"
    policy.write_text("schema = 1\n")
    with pytest.raises(SystemExit) as ended:
        run(["replay", str(tmp_path / "gone.jsonl"), "--policy", str(policy)])
    assert ended.value.code == 3
    assert "gone.jsonl" in capsys.readouterr().err


def test_a_log_of_simulated_answers_is_called_simulated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log, policy = tmp_path / "calls.jsonl", tmp_path / "penstock.toml"
    write_log(log, 3, simulated="simulated")
    policy.write_text("schema = 1\n")
    for form in ([], ["--json"]):
        with pytest.raises(SystemExit):
            run(["replay", str(log), "--policy", str(policy), *form])
    shown, told = capsys.readouterr().out.split("{", 1)
    assert shown.startswith("Simulated: all 3 calls have simulated answers")
    assert '"simulated_calls": 3' in told

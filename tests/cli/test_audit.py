from __future__ import annotations

import json
from pathlib import Path

import pytest

from penstock.cli.main import run
from penstock.policy.load import load_policy
from tests.audit.report.example import log_lines


def _run(*arguments: str) -> int:
    try:
        run(["audit", *arguments])
    except SystemExit as end:
        return int(end.code or 0)
    return 0


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("audit") / "log.jsonl"
    path.write_bytes(b"\n".join(log_lines()))
    return str(path)


def test_the_report_is_on_stdout_and_files_are_written(
    log: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, note, policy = tmp_path / "r.html", tmp_path / "r.md", tmp_path / "penstock.toml"
    files = ("--html", str(page), "--markdown", str(note), "--policy-out", str(policy))
    assert _run(log, *files) == 0
    captured = capsys.readouterr()
    assert "can be saved" in captured.out
    assert captured.err == f"wrote {page}\nwrote {note}\nwrote {policy}\n"
    assert page.read_text().startswith("<!doctype html>")
    assert note.read_text().startswith("# Audit")
    assert set(load_policy(policy.read_text(), "penstock.toml").tasks) == {"triage", "mail"}


def test_json_is_one_object_on_stdout(log: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(log, "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["schema"] == "penstock.audit/1"
    assert report["log"]["calls"] == 226


def test_the_threshold_exits_1(log: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(log, "--fail-over", "1") == 1
    assert _run(log, "--fail-over", "100000") == 0
    capsys.readouterr()


def test_a_threshold_that_cannot_be_checked_is_said(
    tmp_path: Path, log: str, capsys: pytest.CaptureFixture[str]
) -> None:
    short = tmp_path / "short.jsonl"
    short.write_bytes(b"\n".join(Path(log).read_bytes().split(b"\n")[:3]))
    assert _run(str(short), "--fail-over", "1") == 0
    assert "--fail-over cannot be checked: the log covers only" in capsys.readouterr().err


def test_a_policy_that_is_there_is_not_overwritten_without_a_word(
    log: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = tmp_path / "penstock.toml"
    policy.write_text("mine")
    assert _run(log, "--policy-out", str(policy)) == 2
    assert capsys.readouterr().err == f"error: {policy} is there already\nhint: --force overwrites it\n"
    assert policy.read_text() == "mine"
    assert _run(log, "--policy-out", str(policy), "--force", "--include-questions") == 0
    assert "move_static_up = true" in policy.read_text()
    capsys.readouterr()


def test_bad_input_is_one_line_and_exit_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(str(tmp_path / "none.jsonl")) == 3
    assert capsys.readouterr().err == f"error: {tmp_path / 'none.jsonl'}: no such file\n"
    other = tmp_path / "x.jsonl"
    other.write_text('{"spend":1}\n')
    assert _run(str(other)) == 3
    assert "hint: formats: native, pairs" in capsys.readouterr().err
    assert _run(str(other), "--format", "csv") == 2
    assert "there is no log format 'csv'" in capsys.readouterr().err


def test_a_place_that_cannot_be_written_is_one_line(
    log: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "none" / "r.html"
    assert _run(log, "--html", str(target)) == 3
    assert capsys.readouterr().err == f"error: cannot write {target}: No such file or directory\n"


def test_prompt_text_is_shown_only_when_asked_for(log: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(log, "--json") == 0
    assert "Now: 2026" not in capsys.readouterr().out
    assert _run(log, "--json", "--show-text") == 0
    assert "Now: 2026" in capsys.readouterr().out

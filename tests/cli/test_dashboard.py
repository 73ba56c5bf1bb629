from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from penstock.cli.main import run
from tests.dashboard.ledgers import mixed, write


def ended(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        run(["dashboard", *arguments])
    return int(caught.value.code or 0)


def test_the_command_serves_until_it_is_interrupted(tmp_path: Path) -> None:
    path = write(tmp_path / "ledger.db", mixed())
    command = [sys.executable, "-m", "penstock", "dashboard", "--ledger", str(path), "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own program
        assert process.stderr is not None
        line = process.stderr.readline()
        url = next(word for word in line.split() if word.startswith("http")).rstrip(";")
        assert httpx2.get(url).status_code == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(30) in (0, -signal.SIGINT)
        assert process.stderr.read() == ""


def test_a_missing_ledger_is_one_line_a_hint_and_exit_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended("--ledger", str(tmp_path / "none.db")) == 3
    error, hint = capsys.readouterr().err.splitlines()
    assert error == f"error: no ledger at {tmp_path / 'none.db'}"
    assert hint.startswith("hint: ")


def test_a_busy_port_is_one_line_a_hint_and_exit_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "ledger.db", [])
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert ended("--ledger", str(path), "--port", str(taken.getsockname()[1])) == 3
    error, hint = capsys.readouterr().err.splitlines()
    assert error.startswith("error: cannot listen on 127.0.0.1:")
    assert hint.startswith("hint: choose another --port")


def test_a_public_address_is_refused_unless_it_is_meant(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "ledger.db", [])
    assert ended("--ledger", str(path), "--host", "0.0.0.0") == 2  # noqa: S104 - the refusal is the point
    assert "--public" in capsys.readouterr().err

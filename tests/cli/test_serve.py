"""``penstock serve`` as a process: what it prints, how it ends, and its exit codes."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anthropic
import httpx2

import penstock
from penstock.ledger.sqlite import open_ledger
from penstock.simulator.server import running as simulating

MESSAGES: Any = [{"role": "user", "content": "hello"}]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "penstock", "serve", *arguments]


@contextmanager
def serving(folder: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process and the URL that it printed; ended with SIGTERM at the latest here."""
    process = subprocess.Popen(  # noqa: S603 - our own program
        command("--port", "0", *arguments), cwd=folder, stderr=subprocess.PIPE, text=True, env=clean_environment()
    )
    try:
        assert process.stderr is not None
        line = process.stderr.readline()
        match = re.search(r"http://\S+", line)
        assert match is not None, line + process.stderr.read()
        yield process, match[0]
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)


def clean_environment() -> dict[str, str]:
    dropped = ("PENSTOCK_", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return {**kept, "PYTHONPATH": str(Path(penstock.__file__).parents[1])}


def failed(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own program
        command(*arguments),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=30,
        env=clean_environment(),
        check=False,
    )


def test_a_call_is_in_the_ledger_and_the_log_after_sigterm(tmp_path: Path) -> None:
    with simulating() as simulator:
        (tmp_path / "penstock.toml").write_text(f'[upstream.anthropic]\nbase_url = "{simulator.base_url}"\n')
        with serving(tmp_path, "--ledger", "calls.db", "--record", "calls.jsonl") as (process, url):
            with anthropic.Anthropic(base_url=url, api_key="sk-secret") as claude:
                message = claude.messages.create(model="claude-haiku-4-5", max_tokens=20, messages=MESSAGES)
            process.send_signal(signal.SIGTERM)
            _, errors = process.communicate(timeout=20)
    assert process.returncode == 0
    with open_ledger(tmp_path / "calls.db", create=False) as ledger:
        assert [call.response_id for call in ledger.calls()] == [message.id]
    assert (tmp_path / "calls.jsonl").read_bytes().count(b"\n") == 1
    for text in (errors, (tmp_path / "calls.db").read_bytes().decode("latin-1")):
        assert "sk-secret" not in text


def test_a_running_stream_finishes_after_sigterm(tmp_path: Path) -> None:
    with simulating() as simulator:
        simulator.inject("slow-stream=0.02")
        (tmp_path / "penstock.toml").write_text(f'[upstream.anthropic]\nbase_url = "{simulator.base_url}"\n')
        with serving(tmp_path, "--ledger", "calls.db") as (process, url):
            with (
                anthropic.Anthropic(base_url=url, api_key="k") as claude,
                claude.messages.create(
                    model="claude-haiku-4-5", max_tokens=60, messages=MESSAGES, stream=True
                ) as stream,
            ):
                kinds = []
                for event in stream:
                    if not kinds:
                        process.send_signal(signal.SIGTERM)
                    kinds.append(event.type)
            process.wait(20)
    assert kinds[-1] == "message_stop"
    with open_ledger(tmp_path / "calls.db", create=False) as ledger:
        (call,) = ledger.calls()
        assert call.error_kind is None


def test_a_busy_port_is_one_line_with_a_hint_and_exit_3(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = failed(tmp_path, "--port", str(taken.getsockname()[1]))
    assert done.returncode == 3
    assert done.stdout == ""
    first, second = done.stderr.splitlines()
    assert first.startswith("error: cannot listen on 127.0.0.1:")
    assert second.startswith("hint: choose another --port")


def test_a_public_address_without_a_key_is_refused(tmp_path: Path) -> None:
    done = failed(tmp_path, "--host", "0.0.0.0", "--port", "0")  # noqa: S104 - the point of the test
    assert done.returncode == 2
    assert done.stderr.startswith("error: 0.0.0.0 can be reached from outside")


def test_a_wrong_policy_names_its_line(tmp_path: Path) -> None:
    (tmp_path / "penstock.toml").write_text('mode = "aply"\n')
    done = failed(tmp_path)
    assert done.returncode == 2
    assert "line 1" in done.stderr


def test_a_ledger_that_cannot_be_written_is_an_input_error(tmp_path: Path) -> None:
    done = failed(tmp_path, "--port", "0", "--ledger", str(tmp_path / "no" / "calls.db"))
    assert done.returncode == 3
    assert len(done.stderr.splitlines()) == 2


def test_sighup_reads_the_policy_again_and_a_wrong_one_is_left_alone(tmp_path: Path) -> None:
    policy = tmp_path / "penstock.toml"
    policy.write_text('mode = "observe"\n')
    with serving(tmp_path) as (process, url):
        assert process.stderr is not None
        for _ in range(2):
            process.stderr.readline()  # the two exports
        httpx2.get(f"{url}/healthz")  # it listens for signals from the start of the server on
        for text, words in (('mode = "aply"\n', "error reload"), ('mode = "apply"\n', "info reload mode=apply")):
            policy.write_text(text)
            process.send_signal(signal.SIGHUP)
            assert words in process.stderr.readline()
        assert httpx2.get(f"{url}/healthz").status_code == 200

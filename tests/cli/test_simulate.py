from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import openai
import pytest

from penstock.cli.main import run

OWN = Path(__file__).parent.parent / "cachemodel" / "cases.json"


def simulate(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        run(["simulate", *arguments])
    return int(ended.value.code or 0)


def pricing(cost: str) -> dict[str, object]:
    usage = {"input_tokens": 1000, "output_tokens": 0}
    return {"pricing_cases": [{"id": "P1", "model": "claude-opus-5-5", "usage": usage, "cost_usd": cost}]}


def test_our_own_cases_pass_and_each_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert simulate("--cases", str(OWN)) == 0
    lines = capsys.readouterr().out.splitlines()
    cases = json.loads(OWN.read_bytes())
    assert len(lines) == len(cases["cases"]) + len(cases["pricing_cases"]) + 1
    assert all(line.startswith("ok ") for line in lines[:-1])
    assert " 0 failed" in lines[-1]


def test_a_failure_shows_expected_and_got_and_exits_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "cases.json"
    path.write_text(json.dumps(pricing("0.005")))
    assert simulate("--cases", str(path)) == 1
    out = capsys.readouterr().out
    assert "FAIL  P1" in out
    assert "cost cost_usd: expected 0.005, got 0.004" in out
    assert "0 passed, 1 failed" in out


def test_json_has_the_same_facts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "cases.json"
    path.write_text(json.dumps(pricing("0.005")))
    assert simulate("--cases", str(path), "--json") == 1
    out = json.loads(capsys.readouterr().out)
    assert (out["passed"], out["failed"]) == (0, 1)
    assert out["cases"][0]["mismatches"] == [{"where": "cost", "what": "cost_usd", "expected": "0.005", "got": "0.004"}]


def test_a_price_table_that_disagrees_is_reported_without_failing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = {"anthropic": {"claude-opus-5-5": {"input": "5"}}}
    path = tmp_path / "cases.json"
    path.write_text(json.dumps(pricing("0.004") | {"price_table_usd_per_mtok": table}))
    assert simulate("--cases", str(path)) == 0
    assert "claude-opus-5-5: input is 5 in the file and 4 in our table" in capsys.readouterr().out


@pytest.mark.parametrize("content", [b"", b"[1", b"\xff\xfe", b"[]", b"{}", b'{"cases": 3}', b"[" * 100_000])
def test_a_file_without_cases_is_one_line_and_exit_3(
    content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "cases.json"
    path.write_bytes(content)
    assert simulate("--cases", str(path)) == 3
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ")
    assert captured.out == ""


def test_a_missing_file_is_one_line_and_exit_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert simulate("--cases", str(tmp_path / "none.json")) == 3
    assert "cannot read" in capsys.readouterr().err


def test_nothing_to_do_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert simulate() == 2
    assert "--cases" in capsys.readouterr().err


def test_a_busy_port_is_one_line_a_hint_and_exit_3(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert simulate("--port", str(port)) == 3
    error, hint = capsys.readouterr().err.splitlines()
    assert error.startswith(f"error: cannot listen on 127.0.0.1:{port}")
    assert hint.startswith("hint: choose another --port")


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--port", "0", "--cases", str(OWN)),
        ("--port", "0", "--host", "0.0.0.0"),  # noqa: S104 - the refusal is the point
        ("--port", "0", "--faults", "meteor"),
        ("--port", "0", "--responder", "oracle"),
        ("--port", "0", "--limits", "rpm=none"),
        ("--port", "0", "--speed", "0"),
        ("--port", "99999"),
    ],
)
def test_a_wrong_setting_exits_2_before_anything_is_served(arguments: tuple[str, ...]) -> None:
    assert simulate(*arguments) == 2


def test_a_missing_recording_exits_3(tmp_path: Path) -> None:
    assert simulate("--port", "0", "--responder", f"recorded:{tmp_path / 'absent.jsonl'}") == 3


def test_the_command_serves_and_says_what_to_set_in_the_environment() -> None:
    served = subprocess.Popen(
        [sys.executable, "-m", "penstock", "simulate", "--port", "0", "--manual-clock"],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert served.stderr is not None
        lines = [served.stderr.readline() for _ in range(4)]
        assert "answers are simulated" in lines[0]
        url = lines[1].strip().removeprefix("export ANTHROPIC_BASE_URL=")
        assert lines[2].strip() == f"export OPENAI_BASE_URL={url}/v1"
        with openai.OpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0) as client:
            assert client.responses.create(model="gpt-5.6-luna", input="Hello").output_text
    finally:
        served.send_signal(signal.SIGINT)
        served.communicate(timeout=20)
    assert served.returncode == 0

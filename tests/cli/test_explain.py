from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from penstock.cli.main import run
from tests.playbook import NOW, chat, messages


@pytest.fixture(autouse=True)
def _nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _explain(*arguments: str) -> int:
    try:
        run(["explain", *arguments])
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def _policy() -> str:
    Path("p.toml").write_text('mode = "apply"\n[tasks.t.cap]\noutput = "boolean"\n[tasks.learnt.cap]\n')
    return "p.toml"


def _body(body: dict[str, Any]) -> str:
    Path("body.json").write_text(json.dumps(body))
    return "body.json"


def _log(count: int, task: str = "learnt") -> str:
    lines = [
        {
            "ts": NOW + 60 * number,
            "provider": "anthropic",
            "api": "anthropic.messages",
            "model": "claude-haiku-4-5",
            "request": messages(f"question {number}", model="claude-haiku-4-5"),
            "response": {
                "id": f"msg_{number}",
                "model": "claude-haiku-4-5",
                "content": [{"type": "text", "text": "yes"}],
                "stop_reason": "end_turn",
                "usage": {"input_tokens": 100, "output_tokens": 20},
            },
            "status": 200,
            "tags": {"task": task},
        }
        for number in range(count)
    ]
    Path("calls.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return "calls.jsonl"


def test_a_request_body_is_explained_with_its_arithmetic(capsys: pytest.CaptureFixture[str]) -> None:
    body = _body(messages("yes or no?", model="claude-haiku-4-5", system="secret " * 10))
    assert _explain(body, "--policy", _policy(), "--task", "t") == 0
    shown = capsys.readouterr().out
    assert "task t, anthropic.messages, claude-haiku-4-5, mode apply" in shown
    assert "answers end within 10 tokens" in shown
    assert "x $1/M" in shown
    assert "secret" not in shown


def test_the_plan_is_json_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    assert _explain(_body(chat("x")), "--json") == 0
    plan = json.loads(capsys.readouterr().out)
    assert (plan["mode"], plan["model"], plan["applied"]) == ("observe", "gpt-6.1-sol", False)


def test_a_call_of_a_log_is_explained_by_what_the_calls_before_it_taught(capsys: pytest.CaptureFixture[str]) -> None:
    assert _explain(_log(70), "--policy", _policy()) == 0
    assert "1.2 x 20, which all but 5% of 69 answers stay within" in capsys.readouterr().out
    assert _explain("calls.jsonl", "--policy", "p.toml", "--call", "5") == 0
    assert "4 answers were seen and 59 are needed" in capsys.readouterr().out


def test_a_log_without_that_call_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert _explain(_log(3), "--call", "7") == 2
    assert "has 3 calls with a request body, and --call asks for 7" in capsys.readouterr().err


def test_a_body_of_an_unknown_model_needs_its_api(capsys: pytest.CaptureFixture[str]) -> None:
    body = _body(chat("x", model="who-knows"))
    assert _explain(body) == 2
    assert "hint: give --api" in capsys.readouterr().err
    assert _explain(body, "--api", "openai.chat") == 0
    assert "unknown (no price for model 'who-knows')" in capsys.readouterr().out


def test_a_missing_file_and_a_body_beyond_reading_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert _explain("missing.json") == 3
    assert "cannot be read: No such file" in capsys.readouterr().err
    assert _explain(_body({"model": "claude-haiku-4-5", "messages": 3})) == 3
    assert "would be sent as it is" in capsys.readouterr().err

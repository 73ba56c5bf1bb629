from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from penstock.errors import InputError, UsageError
from penstock.simulator.reply import Reply, Responder, prompt_digest
from penstock.simulator.responders import Scripted, recorded_from, responder_from, scripted_from
from penstock.simulator.synthetic import LABEL
from penstock.wire.dialect import Dialect
from penstock.wire.view import read_request
from tests.simulator.asking import chat


def say(responder: Responder, body: dict[str, Any]) -> str:
    view = read_request(Dialect.OPENAI_CHAT, msgspec.json.encode(body))
    return responder(view, prompt_digest(view)).text


def test_a_script_answers_in_order_and_repeats_its_last_line() -> None:
    script = Scripted(["one", Reply(text="two")])
    assert [say(script, chat()) for _ in range(3)] == ["one", "two", "two"]


def test_a_script_by_digest_answers_the_rest_with_its_star_or_the_fallback() -> None:
    view = read_request(Dialect.OPENAI_CHAT, msgspec.json.encode(chat("known")))
    digest = prompt_digest(view).hex()
    assert say(Scripted({digest: "yes"}), chat("known")) == "yes"
    assert say(Scripted({digest: "yes", "*": "other"}), chat("unknown")) == "other"
    assert say(Scripted({digest: "yes"}), chat("unknown")).startswith(LABEL)


def test_an_empty_script_is_a_usage_error() -> None:
    with pytest.raises(UsageError):
        Scripted([])


def test_a_script_is_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "script.json"
    file.write_text('["first", {"text": "second", "reasoning_tokens": 4}]', encoding="utf-8")
    script = scripted_from(file)
    assert [say(script, chat()), say(script, chat())] == ["first", "second"]


def test_recorded_answers_are_found_by_digest_or_by_request(tmp_path: Path) -> None:
    digest = prompt_digest(read_request(Dialect.OPENAI_CHAT, msgspec.json.encode(chat("a")))).hex()
    lines = [
        {"digest": digest.upper(), "reply": {"text": "answer a"}},
        {"api": "openai.chat", "request": chat("b"), "text": "answer b"},
        {"api": "no.such", "request": {}, "text": "lost"},
        {"request": 5},
    ]
    file = tmp_path / "recorded.jsonl"
    file.write_bytes(b"\n".join(msgspec.json.encode(line) for line in lines) + b"\nnot json\n")
    recorded = recorded_from(file)
    assert say(recorded, chat("a")) == "answer a"
    assert say(recorded, chat("b")) == "answer b"
    assert say(recorded, chat("c")).startswith(LABEL)


@pytest.mark.parametrize("content", [b"{", b"5", b'[{"text": 5}]'])
def test_a_wrong_script_is_an_input_error(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "script.json"
    file.write_bytes(content)
    with pytest.raises(InputError):
        scripted_from(file)
    with pytest.raises(InputError):
        recorded_from(file)


def test_a_missing_file_is_an_input_error(tmp_path: Path) -> None:
    for spec in ("recorded", "scripted"):
        with pytest.raises(InputError, match="cannot read"):
            responder_from(f"{spec}:{tmp_path / 'absent'}", 0)


def test_responders_are_named_on_the_command_line(tmp_path: Path) -> None:
    file = tmp_path / "script.json"
    file.write_text('["hello"]', encoding="utf-8")
    assert say(responder_from(f"scripted:{file}", 0), chat()) == "hello"
    assert say(responder_from("synthetic", 0), chat()).startswith(LABEL)
    for wrong in ("magic", "recorded:", "synthetic:x"):
        with pytest.raises(UsageError):
            responder_from(wrong, 0)

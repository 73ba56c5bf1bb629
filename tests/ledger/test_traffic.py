from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from penstock.errors import InputError
from penstock.ledger.traffic import Exchanged, TrafficLog, exchanged_of, line_of
from penstock.wire.dialect import Dialect
from tests.ledger.calls import call

REQUEST = b'{\n "model": "claude-haiku-4-5", "max_tokens": 1e2, "x": 123456789012345678901234567890, "s": "\\u00e9"}'


def exchanged(**changes: Any) -> Exchanged:
    fields: dict[str, Any] = {
        "ts": 12.5,
        "dialect": Dialect.ANTHROPIC_MESSAGES,
        "model": "claude-haiku-4-5",
        "request": REQUEST,
        "response": b'{"id":"msg_1"}',
        "status": 200,
        "latency_ms": 3.5,
        "ttft_ms": None,
        "tags": {"task": "triage"},
        "session": None,
        "stream": False,
        "complete": True,
        "call_id": "call_1",
    }
    return Exchanged(**{**fields, **changes})


def test_bodies_are_kept_byte_for_byte_but_for_line_breaks() -> None:
    line = line_of(exchanged())
    assert line.count(b"\n") == 1
    assert REQUEST.replace(b"\n", b" ") in line
    assert b'"response":{"id":"msg_1"}' in line


def test_the_line_names_provider_api_and_tags() -> None:
    line = json.loads(line_of(exchanged(session="s")))
    assert line["provider"] == "anthropic"
    assert line["api"] == "anthropic.messages"
    assert line["tags"] == {"task": "triage"}
    assert (line["ts"], line["status"], line["session"]) == (12.5, 200, "s")
    assert "ttft_ms" not in line


@pytest.mark.parametrize("body", [b"not json", b'{"a":', b'{"a":"\xff"}', b""])
def test_a_body_that_is_no_json_is_null(body: bytes) -> None:
    assert json.loads(line_of(exchanged(response=body)))["response"] is None


def test_a_cut_stream_is_marked() -> None:
    line = json.loads(line_of(exchanged(stream=True, complete=False)))
    assert (line["stream"], line["complete"]) == (True, False)


def test_the_file_is_for_its_owner_only_and_grows(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    for _ in range(2):
        log = TrafficLog(path)
        log.append([exchanged(), exchanged()])
        log.close()
    assert len(path.read_bytes().splitlines()) == 4
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_cannot_be_opened_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot write"):
        TrafficLog(tmp_path / "no" / "calls.jsonl")


def test_a_full_disk_is_our_error_and_leaves_no_half_line() -> None:
    from penstock.errors import InternalError  # noqa: PLC0415 - beside its only use

    log = TrafficLog("/dev/full")
    with pytest.raises((InternalError, OSError)):
        log.append([exchanged()])
    log.close()


def test_traffic_says_of_a_call_what_its_record_says() -> None:
    record = call(tags={"team": "a"}, session="s", latency_ms=7.0)
    kept = exchanged_of(record, task="triage", request=REQUEST, response=None)
    assert (kept.ts, kept.call_id, kept.model) == (record.started_at, record.id, record.model_sent)
    assert (kept.session, kept.latency_ms, kept.request, kept.response) == ("s", 7.0, REQUEST, None)
    assert kept.tags == {"team": "a", "task": "triage"}
    assert kept.complete


def test_only_a_label_of_the_callers_own_is_a_tag() -> None:
    record = call(task="0123456789abcdef", error_kind="http_500")
    kept = exchanged_of(record, task=None, request=REQUEST, response=None)
    assert kept.tags == {}
    assert not kept.complete

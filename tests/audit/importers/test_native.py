from __future__ import annotations

from typing import Any

import pytest

from penstock.audit.importers.native import NATIVE, USAGE_DIFFERS, read_neutral
from penstock.audit.reading import ReadReport, Skipped
from penstock.wire.dialect import Dialect
from penstock.wire.recorded import RecordedCall
from tests.audit.importers.lines import chat_request, chat_response, claude_request, claude_response, record


def line(**more: Any) -> dict[str, Any]:
    return {
        "ts": 1790845200.5,
        "provider": "anthropic",
        "api": "anthropic.messages",
        "model": "claude-opus-5",
        "request": claude_request(),
        "response": claude_response(),
        "status": 200,
        "latency_ms": 900.5,
        "ttft_ms": 120,
        "tags": {"task": "triage", "team": 7},
        "session": "s-1",
        "user": "u-1",
        "reported_cost_usd": "0.0012",
        **more,
    }


def read(fields: dict[str, Any]) -> tuple[RecordedCall, ReadReport]:
    report = ReadReport()
    found = read_neutral(record(fields), report)
    assert isinstance(found, RecordedCall)
    return found, report


def test_every_field_of_a_native_line_is_read() -> None:
    assert NATIVE.matches(record(line()))
    call, report = read(line())
    assert call.usage is not None
    assert (call.ts, call.dialect, call.model) == (1790845200.5, Dialect.ANTHROPIC_MESSAGES, "claude-opus-5")
    assert (call.status, call.latency_ms, call.ttft_ms) == (200, 900.5, 120.0)
    assert call.tags == {"task": "triage", "team": "7"}
    assert (call.session, call.user, call.reported_cost_usd) == ("s-1", "u-1", "0.0012")
    assert (call.usage.input_uncached, call.usage.cache_read, call.usage.output) == (14, 2048, 3)
    assert call.source == "log.jsonl:1"
    assert not report.warnings


def test_a_usage_that_contradicts_the_body_is_a_warning_and_the_body_counts() -> None:
    call, report = read(line(usage={"input_tokens": 99, "output_tokens": 3}))
    assert call.usage is not None
    assert call.usage.input_uncached == 14
    assert list(report.warnings) == [USAGE_DIFFERS]


def test_the_answer_s_own_time_stands_in_for_a_missing_one() -> None:
    call, _ = read({"api": "openai.chat", "request": chat_request(), "response": chat_response()})
    assert call.ts == 1790845200.0


def test_a_failed_call_has_a_status_and_no_usage() -> None:
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    call, _ = read(line(response=error, status=529))
    assert (call.status, call.usage, call.model) == (529, None, "claude-opus-5")


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        (["task:triage", "env=prod", "blue"], {"task": "triage", "env": "prod", "blue": "blue"}),
        ({"task": "a", "nested": {}}, {"task": "a"}),
        ("text", {}),
        (None, {}),
    ],
)
def test_labels_come_as_objects_or_lists(tags: Any, expected: dict[str, str]) -> None:
    assert read(line(tags=tags))[0].tags == expected


def test_a_task_field_beside_the_tags_names_the_task() -> None:
    assert read(line(task="extract", tags={"team": "x"}))[0].tags == {"team": "x", "task": "extract"}


def test_a_line_without_bodies_is_skipped() -> None:
    assert isinstance(read_neutral(record({"api": "openai.chat", "request": None}), ReadReport()), Skipped)

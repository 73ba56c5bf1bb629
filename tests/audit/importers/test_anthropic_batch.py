from __future__ import annotations

from typing import Any

from penstock.audit.importers.anthropic_batch import ANTHROPIC_BATCH
from penstock.audit.importers.format import Found
from penstock.audit.importers.join import NO_ANSWER
from penstock.audit.reading import ReadReport, Skipped
from penstock.wire.recorded import RecordedCall
from tests.audit.importers.lines import claude_request, claude_response, record


def read(*lines: dict[str, Any]) -> list[Found]:
    reading = ANTHROPIC_BATCH.start(ReadReport())
    found: list[Found] = []
    for number, line in enumerate(lines, 1):
        parsed = record(line, number)
        assert ANTHROPIC_BATCH.matches(parsed)
        found += reading.feed(parsed)
    return [*found, *reading.finish()]


ASKED = {"custom_id": "doc-7", "params": claude_request()}


def test_a_succeeded_result_joins_its_request() -> None:
    (call,) = read(ASKED, {"custom_id": "doc-7", "result": {"type": "succeeded", "message": claude_response()}})
    assert isinstance(call, RecordedCall)
    assert call.usage is not None
    assert (call.batch, call.status, call.model, call.ts) == (True, 200, "claude-opus-5", None)
    assert (call.usage.cache_read, call.usage.input_uncached) == (2048, 14)
    assert call.request is not None


def test_an_errored_result_is_a_failed_call() -> None:
    error = {"type": "error", "error": {"type": "invalid_request_error", "message": "m"}}
    (call,) = read(ASKED, {"custom_id": "doc-7", "result": {"type": "errored", "error": error}})
    assert isinstance(call, RecordedCall)
    assert (call.status, call.usage) == (400, None)


def test_what_was_not_billed_is_counted_apart() -> None:
    for kind in ("canceled", "expired"):
        (found,) = read(ASKED, {"custom_id": "doc-7", "result": {"type": kind}})
        assert isinstance(found, Skipped)
        assert kind in found.reason
        assert "not billed" in found.reason


def test_a_request_without_a_result_is_counted() -> None:
    assert read(ASKED) == [Skipped(NO_ANSWER, "log.jsonl:1")]

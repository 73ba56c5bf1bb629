from __future__ import annotations

from typing import Any

from penstock.audit.importers.format import Found
from penstock.audit.importers.join import NO_ANSWER
from penstock.audit.importers.openai_batch import OPENAI_BATCH
from penstock.audit.reading import ReadReport, Skipped
from penstock.wire.dialect import Dialect
from penstock.wire.recorded import RecordedCall
from tests.audit.importers.lines import chat_request, chat_response, record


def asked(key: str, url: str = "/v1/chat/completions") -> dict[str, Any]:
    return {"custom_id": key, "method": "POST", "url": url, "body": chat_request(max_tokens=5)}


def answered(key: str, **more: Any) -> dict[str, Any]:
    body = chat_response(id=f"chatcmpl-{key}")
    response = {"status_code": 200, "request_id": "req_1", "body": body}
    return {"id": "batch_req_1", "custom_id": key, "response": response, "error": None, **more}


def read(*lines: dict[str, Any]) -> list[Found]:
    reading = OPENAI_BATCH.start(ReadReport())
    found: list[Found] = []
    for number, line in enumerate(lines, 1):
        parsed = record(line, number)
        assert OPENAI_BATCH.matches(parsed)
        found += reading.feed(parsed)
    return [*found, *reading.finish()]


def test_halves_join_on_the_custom_id_in_any_order() -> None:
    for lines in ((asked("a"), asked("b"), answered("b"), answered("a")), (answered("a"), asked("a"))):
        for call in read(*lines):
            assert isinstance(call, RecordedCall)
            assert call.batch
            assert call.dialect is Dialect.OPENAI_CHAT
            assert call.request is not None
            assert call.usage is not None
            assert (call.status, call.ts) == (200, 1790845200.0)


def test_a_request_without_a_result_is_counted() -> None:
    assert read(asked("a")) == [Skipped(NO_ANSWER, "log.jsonl:1")]


def test_a_result_without_its_request_still_has_usage() -> None:
    (call,) = read(answered("a"))
    assert isinstance(call, RecordedCall)
    assert call.request is None
    assert call.usage is not None


def test_a_failed_line_is_a_call_without_usage() -> None:
    failed = answered("a", response={"status_code": 400, "body": {"error": {"message": "m", "type": "t"}}})
    (call,) = read(asked("a"), failed)
    assert isinstance(call, RecordedCall)
    assert (call.status, call.usage) == (400, None)


def test_a_result_that_never_was_answered_keeps_its_request() -> None:
    (call,) = read(asked("a"), answered("a", response=None, error={"code": "batch_expired", "message": "m"}))
    assert isinstance(call, RecordedCall)
    assert (call.status, call.usage, call.response) == (None, None, None)


def test_other_apis_are_skipped_by_their_url() -> None:
    (found,) = read(asked("a", "/v1/embeddings"), answered("a"))
    assert isinstance(found, Skipped)
    assert "not read" in found.reason

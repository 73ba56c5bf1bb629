from __future__ import annotations

from penstock.audit.importers.pairs import PAIRS
from penstock.audit.reading import ReadReport
from penstock.wire.dialect import Dialect
from penstock.wire.recorded import RecordedCall
from tests.audit.importers.lines import chat_request, chat_response, claude_request, claude_response, record


def test_a_pair_shows_its_api_by_its_bodies() -> None:
    for request, response, dialect in (
        (chat_request(), chat_response(), Dialect.OPENAI_CHAT),
        (claude_request(), claude_response(), Dialect.ANTHROPIC_MESSAGES),
    ):
        line = record({"request": request, "response": response})
        assert PAIRS.matches(line)
        (call,) = PAIRS.start(ReadReport()).feed(line)
        assert isinstance(call, RecordedCall)
        assert call.dialect is dialect
        assert call.usage is not None


def test_fields_of_the_native_line_are_read_when_a_pair_has_them() -> None:
    line = record({"id": "r", "ts": 1760000000, "latency_ms": 300, "request": chat_request(), "response": None})
    (call,) = PAIRS.start(ReadReport()).feed(line)
    assert isinstance(call, RecordedCall)
    assert (call.ts, call.latency_ms, call.response, call.usage) == (1760000000.0, 300.0, None, None)


def test_a_line_with_an_api_is_not_a_pair() -> None:
    assert not PAIRS.matches(record({"api": "openai.chat", "request": {}, "response": {}}))

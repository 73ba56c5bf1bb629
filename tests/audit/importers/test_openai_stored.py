from __future__ import annotations

import json

from penstock.audit.importers.openai_stored import OPENAI_STORED
from penstock.audit.reading import ReadReport
from penstock.wire.dialect import Dialect
from penstock.wire.recorded import RecordedCall
from penstock.wire.view import read_request
from tests.audit.importers.lines import chat_response, record


def test_the_joined_form_gives_back_a_readable_request() -> None:
    line = record(
        {
            "completion": chat_response(metadata={"task": "faq", "n": 1}, tools=None, temperature=0.5),
            "messages": [
                {"id": "m-0", "role": "system", "content": "Be brief."},
                {"id": "m-1", "role": "user", "content": "hi", "content_parts": None},
                {"id": "m-2", "role": "user", "content": None, "content_parts": [{"type": "text", "text": "more"}]},
            ],
        }
    )
    assert OPENAI_STORED.matches(line)
    (call,) = OPENAI_STORED.start(ReadReport()).feed(line)
    assert isinstance(call, RecordedCall)
    assert call.request is not None
    assert json.loads(call.request) == {
        "model": "gpt-5.4-mini-2026",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "hi"},
            {"role": "user", "content": [{"type": "text", "text": "more"}]},
        ],
        "temperature": 0.5,
    }
    assert len(read_request(Dialect.OPENAI_CHAT, call.request).segments) == 3
    assert call.tags == {"task": "faq"}
    assert (call.ts, call.status) == (1790845200.0, 200)
    assert call.usage is not None


def test_messages_that_are_no_list_leave_the_completion() -> None:
    line = record({"completion": chat_response(), "messages": "lost"})
    (call,) = OPENAI_STORED.start(ReadReport()).feed(line)
    assert isinstance(call, RecordedCall)
    assert call.request is None
    assert call.usage is not None

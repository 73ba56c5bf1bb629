from __future__ import annotations

import json
from typing import Any

from penstock.wire.dialect import Dialect
from penstock.wire.errors import ProviderError
from penstock.wire.fold import Fold
from penstock.wire.sse import Event

_CREATED = {
    "type": "response.created",
    "response": {"id": "resp_1", "status": "in_progress", "output": [], "usage": None},
}


def fold(*events: dict[str, Any]) -> Fold:
    made = Fold(Dialect.OPENAI_RESPONSES)
    for data in (_CREATED, *events):
        made.add(Event(data.get("type"), json.dumps(data).encode()))
    return made


def event(kind: str, index: int = 0, **members: Any) -> dict[str, Any]:
    return {"type": f"response.{kind}", "output_index": index, **members}


def output(made: Fold) -> Any:
    return json.loads(made.body())["output"]


def test_the_final_response_is_the_body_byte_for_byte() -> None:
    made = Fold(Dialect.OPENAI_RESPONSES)
    body = b'{ "id":"resp_1","status":"completed","x":1e2,"big":123456789012345678901234567890,"output":[] }'
    made.add(Event("response.completed", b'{"type":"response.completed","response":%b,"sequence_number":3}' % body))
    assert made.body() == body
    assert (made.complete, made.finish, made.usage) == (True, "stop", None)


def test_an_incomplete_response_is_a_complete_stream_that_was_truncated() -> None:
    response = {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}, "output": []}
    usage = {"input_tokens": 4, "output_tokens": 2, "total_tokens": 6}
    made = fold({"type": "response.incomplete", "response": {**response, "usage": usage}})
    assert (made.complete, made.finish, made.error) == (True, "length", None)
    assert made.usage is not None
    assert made.usage.input_total == 4


def test_a_failed_response_is_an_error() -> None:
    response = {"status": "failed", "error": {"code": "server_error", "message": "broke"}, "output": []}
    made = fold({"type": "response.failed", "response": response})
    assert made.error == ProviderError(kind="", message="broke", code="server_error")
    assert (made.complete, made.finish) == (True, "other")


def test_a_stand_alone_error_event_is_kept() -> None:
    made = fold(
        {"type": "error", "code": "rate_limit_exceeded", "message": "slow", "param": None, "sequence_number": 2}
    )
    assert made.error == ProviderError(kind="", message="slow", code="rate_limit_exceeded")
    assert not made.complete
    assert fold({"error": {"message": "m", "type": "t"}}).error == ProviderError(kind="t", message="m")


def test_a_function_call_in_the_output_is_how_it_finished() -> None:
    response = {"status": "completed", "output": [{"type": "function_call", "name": "f", "arguments": "{}"}]}
    assert fold({"type": "response.completed", "response": response}).finish == "tool_use"


def test_of_a_cut_stream_items_are_kept_as_far_as_they_came() -> None:
    message = {"type": "message", "id": "m", "content": []}
    part = {"type": "output_text", "text": "", "annotations": []}
    made = fold(
        event("output_item.added", item={"type": "reasoning", "id": "r", "summary": []}),
        event("reasoning_summary_text.delta", summary_index=0, delta="h"),
        event("reasoning_summary_text.delta", summary_index=0, delta="m"),
        event("output_item.added", 1, item=message),
        event("content_part.added", 1, content_index=0, part=part),
        event("output_text.delta", 1, content_index=0, delta="ha"),
        event("output_text.delta", 1, content_index=0, delta="lf"),
        event("content_part.added", 1, content_index=1, part={"type": "refusal", "refusal": ""}),
        event("refusal.delta", 1, content_index=1, delta="no"),
        event("output_item.added", 2, item={"type": "function_call", "name": "f", "arguments": ""}),
        event("function_call_arguments.delta", 2, delta='{"a"'),
    )
    assert output(made) == [
        {"type": "reasoning", "id": "r", "summary": [{"type": "summary_text", "text": "hm"}]},
        {**message, "content": [{**part, "text": "half"}, {"type": "refusal", "refusal": "no"}]},
        {"type": "function_call", "name": "f", "arguments": '{"a"'},
    ]
    assert (made.complete, made.finish, made.usage, made.first_content_seen) == (False, None, None, True)


def test_an_item_that_is_done_counts_as_it_was_sent() -> None:
    item = {"type": "message", "id": "m", "content": [{"type": "output_text", "text": "whole"}]}
    made = fold(
        event("output_item.added", item={"type": "message", "id": "m", "content": []}),
        event("output_item.done", item=item),
        event("output_text.delta", content_index=0, delta="late"),
    )
    assert output(made) == [item]


def test_deltas_of_nothing_that_began_are_ignored() -> None:
    made = fold(
        event("output_text.delta", 5, content_index=0, delta="x"),
        event("output_item.added", 0, item={"type": "message", "content": []}),
        event("output_text.delta", 0, content_index=3, delta="x"),
        event("output_item.added", -1, item={"type": "message"}),
    )
    assert output(made) == [{"type": "message", "content": []}]

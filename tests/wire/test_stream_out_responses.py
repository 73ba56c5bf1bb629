from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings

from penstock.wire.dialect import Dialect
from penstock.wire.stream_out_responses import responses_events
from tests.wire.responses import BODIES, streamed

R = Dialect.OPENAI_RESPONSES


@settings(max_examples=100)
@given(BODIES[R])
def test_a_responses_stream_has_the_documented_order(body: dict[str, Any]) -> None:
    events = streamed(R, body)
    datas = [json.loads(event.data) for event in events]
    assert [event.name for event in events] == [data["type"] for data in datas]
    assert [data["sequence_number"] for data in datas] == list(range(len(datas)))
    assert [data["type"] for data in datas[:2]] == ["response.created", "response.in_progress"]
    for snapshot in datas[:2]:
        assert snapshot["response"]["usage"] is None
        assert (snapshot["response"]["status"], snapshot["response"]["output"]) == ("in_progress", [])
    assert datas[-1] == {
        "type": f"response.{body['status']}",
        "response": body,
        "sequence_number": len(datas) - 1,
    }
    for index, item in enumerate(body["output"]):
        own = [data for data in datas if data.get("output_index") == index]
        assert own[0]["type"] == "response.output_item.added"
        assert own[-1] == {**own[-1], "type": "response.output_item.done", "item": item}


@settings(max_examples=100)
@given(BODIES[R])
def test_parts_are_added_before_their_deltas_and_deltas_join_to_what_is_done(body: dict[str, Any]) -> None:
    texts: dict[tuple[int, int], str] = {}
    for data in (json.loads(event.data) for event in streamed(R, body)):
        place = (data.get("output_index"), data.get("content_index"))
        if data["type"] == "response.content_part.added":
            texts[place] = ""
        elif data["type"] in ("response.output_text.delta", "response.refusal.delta"):
            texts[place] += data["delta"]
        elif data["type"] in ("response.output_text.done", "response.refusal.done"):
            assert texts[place] == data.get("text", data.get("refusal"))


@pytest.mark.parametrize(
    ("status", "final"),
    [
        ("completed", "response.completed"),
        ("incomplete", "response.incomplete"),
        ("failed", "response.failed"),
        ("cancelled", "response.cancelled"),
        (None, "response.completed"),
    ],
)
def test_the_last_event_says_how_it_ended(status: str | None, final: str) -> None:
    events = list(responses_events({"id": "r", "status": status, "output": []}, str.split, list))
    assert events[-1]["type"] == final


def test_arguments_are_cut_and_named_when_done() -> None:
    item = {"type": "function_call", "id": "f", "name": "g", "arguments": "{}", "status": "completed"}
    events = list(responses_events({"output": [item]}, str.split, list))
    assert events[2]["item"] == {**item, "arguments": "", "status": "in_progress"}
    assert [event["delta"] for event in events if event["type"].endswith("arguments.delta")] == ["{", "}"]
    done = next(event for event in events if event["type"].endswith("arguments.done"))
    assert (done["name"], done["arguments"]) == ("g", "{}")

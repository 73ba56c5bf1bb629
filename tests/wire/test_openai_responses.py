from __future__ import annotations

from typing import Any

import pytest

from penstock.wire.dialect import Dialect
from penstock.wire.segments import Level, Marker
from penstock.wire.view import View, read_request
from tests.wire.requests import view_of

R = Dialect.OPENAI_RESPONSES


def responses(given: Any = None, **members: Any) -> View:
    return view_of(R, {"model": "m", **({} if given is None else {"input": given}), **members})


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def test_tools_then_instructions_then_items() -> None:
    view = responses(
        [
            {"type": "message", "role": "developer", "content": "d"},
            user([{"type": "input_text", "text": "u"}, {"type": "input_image", "image_url": "i"}]),
            {"type": "reasoning", "id": "r", "summary": []},
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c", "output": "o"},
            {"type": "web_search_call", "id": "w"},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "a"}]},
            {"type": "item_reference", "id": "x"},
        ],
        instructions="be brief",
        tools=[{"type": "function", "name": "f"}],
    )
    assert [(one.level, one.kind, one.role, one.path, one.markable) for one in view.segments] == [
        (Level.TOOLS, "tool", "", ("tools", 0), False),
        (Level.SYSTEM, "text", "system", ("instructions",), False),
        (Level.SYSTEM, "text", "developer", ("input", 0, "content"), True),
        (Level.MESSAGES, "text", "user", ("input", 1, "content", 0), True),
        (Level.MESSAGES, "image", "user", ("input", 1, "content", 1), True),
        (Level.MESSAGES, "thinking", "assistant", ("input", 2), False),
        (Level.MESSAGES, "tool_use", "assistant", ("input", 3), False),
        (Level.MESSAGES, "tool_result", "tool", ("input", 4, "output"), False),
        (Level.MESSAGES, "tool_use", "assistant", ("input", 5), False),
        (Level.MESSAGES, "text", "assistant", ("input", 6, "content", 0), False),
        (Level.MESSAGES, "other", "assistant", ("input", 7), False),
    ]


def test_string_input_is_the_same_as_one_user_message() -> None:
    prefixes = {
        responses(given).segments[-1].prefix
        for given in ("hi", [user("hi")], [user([{"type": "input_text", "text": "hi"}])])
    }
    assert len(prefixes) == 1


def test_string_input_is_marked_by_becoming_a_message() -> None:
    view = responses("hi")
    assert (view.message_count, view.segments[0].path) == (1, ("input",))
    marked = read_request(R, view.apply([view.mark(view.segments[0], Marker("12h"))]))
    part = {"type": "input_text", "text": "hi", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "12h"}}
    assert marked.get("input") == [user([part])]
    assert [one.prefix for one in marked.segments] == [one.prefix for one in view.segments]


@pytest.mark.parametrize("given", [None, []])
def test_a_request_without_input_has_no_messages(given: Any) -> None:
    view = responses(given, prompt={"id": "stored"})
    assert (view.segments, view.message_count, view.system_text()) == ((), 0, "")


def test_markers_in_the_output_of_a_tool_are_read() -> None:
    part = {"type": "input_text", "text": "o", "prompt_cache_breakpoint": {"mode": "explicit"}}
    item = {"type": "function_call_output", "call_id": "c", "output": [part]}
    (segment,) = responses([item]).segments
    assert (segment.kind, segment.marker, segment.path) == ("tool_result", Marker("30m"), ("input", 0, "output", 0))


def test_the_call_that_an_output_answers_is_part_of_its_digest() -> None:
    views = [responses([{"type": "function_call_output", "call_id": name, "output": "r"}]) for name in ("a", "b")]
    assert views[0].segments[0].digest != views[1].segments[0].digest


@pytest.mark.parametrize(
    "item",
    [
        {"type": "message", "role": "user"},
        {"role": "user", "content": None},
        {"type": "function_call_output", "call_id": "c"},
        {"type": "computer_call_output", "call_id": "c", "output": {"type": "computer_screenshot"}},
        "text",
    ],
)
def test_an_odd_item_is_one_segment(item: Any) -> None:
    (segment,) = responses([item]).segments
    assert (segment.markable, segment.ends_message) == (False, True)


def test_the_system_text_is_the_instructions_and_the_initial_messages() -> None:
    view = responses(
        [{"role": "system", "content": "two"}, user("hi"), {"role": "system", "content": "x"}], instructions="one"
    )
    assert view.system_text() == "one\n\ntwo"
    assert responses("hi", instructions="one").system_text() == "one"


def test_tools_are_named_by_name_or_type() -> None:
    assert responses("hi", tools=[{"type": "function", "name": "f"}, {"type": "web_search"}]).tool_names() == (
        "f",
        "web_search",
    )


def test_the_response_schema_is_that_of_the_text_format() -> None:
    text = {"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}}}
    assert responses("hi", text=text).response_schema() == b'{"type": "object"}'
    assert responses("hi", text={"verbosity": "low"}).response_schema() is None
    assert responses("hi", text={"format": {"type": "text"}}).response_schema() is None


def test_no_member_of_a_body_can_pass_for_the_text_input() -> None:
    raw = b'{"model":"m","penstock:text-input":"forged","raw_input":"forged","input":"real"}'
    view = read_request(R, raw)
    assert [raw[slice(*view.span(one))] for one in view.segments] == [b'"real"']
    assert view.segments[0].digest == responses("real").segments[0].digest
    assert (view.get("raw_input"), view.get("penstock:text-input")) == ("forged", "forged")

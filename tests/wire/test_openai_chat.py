from __future__ import annotations

from typing import Any

import pytest

from penstock.wire.dialect import Dialect
from penstock.wire.segments import Level, Marker
from penstock.wire.view import View, read_request
from tests.wire.requests import view_of

C = Dialect.OPENAI_CHAT


def chat(*messages: Any, **members: Any) -> View:
    return view_of(C, {"model": "m", "messages": list(messages), **members})


def call(name: str) -> dict[str, Any]:
    return {"id": name, "type": "function", "function": {"name": name, "arguments": "{}"}}


def test_tools_come_first_then_the_initial_instructions_then_the_rest() -> None:
    view = chat(
        {"role": "system", "content": "s"},
        {"role": "developer", "content": [{"type": "text", "text": "d"}]},
        {"role": "user", "content": "u"},
        {"role": "assistant", "content": "a", "tool_calls": [call("f"), call("g")]},
        {"role": "tool", "tool_call_id": "f", "content": "r"},
        {"role": "system", "content": "late"},
        tools=[{"type": "function", "function": {"name": "f"}}],
    )
    assert [(one.level, one.kind, one.role, one.path, one.markable) for one in view.segments] == [
        (Level.TOOLS, "tool", "", ("tools", 0), False),
        (Level.SYSTEM, "text", "system", ("messages", 0, "content"), True),
        (Level.SYSTEM, "text", "developer", ("messages", 1, "content", 0), True),
        (Level.MESSAGES, "text", "user", ("messages", 2, "content"), True),
        (Level.MESSAGES, "text", "assistant", ("messages", 3, "content"), False),
        (Level.MESSAGES, "tool_use", "assistant", ("messages", 3, "tool_calls", 0), False),
        (Level.MESSAGES, "tool_use", "assistant", ("messages", 3, "tool_calls", 1), False),
        (Level.MESSAGES, "tool_result", "tool", ("messages", 4, "content"), False),
        (Level.MESSAGES, "text", "system", ("messages", 5, "content"), True),
    ]
    assert [one.path[1] for one in view.segments if one.ends_message] == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("part", "kind", "markable"),
    [
        ({"type": "text", "text": "a"}, "text", True),
        ({"type": "text", "text": ""}, "text", False),
        ({"type": "image_url", "image_url": {"url": "u"}}, "image", True),
        ({"type": "input_audio", "input_audio": {"data": "", "format": "wav"}}, "audio", True),
        ({"type": "file", "file": {"file_id": "f"}}, "document", True),
        ({"type": "refusal", "refusal": "no"}, "other", False),
    ],
)
def test_parts_of_input_messages_carry_breakpoints(part: dict[str, Any], kind: str, markable: bool) -> None:
    for role in ("user", "system", "developer"):
        (segment,) = chat({"role": role, "content": [part]}).segments
        assert (segment.kind, segment.markable) == (kind, markable)
    (segment,) = chat({"role": "assistant", "content": [part]}).segments
    assert not segment.markable


def test_a_string_is_the_same_segment_as_its_one_text_part_in_any_role() -> None:
    for role in ("system", "user", "assistant", "tool"):
        plain = chat({"role": role, "content": "x"}).segments
        listed = chat({"role": role, "content": [{"type": "text", "text": "x"}]}).segments
        assert [one.prefix for one in plain] == [one.prefix for one in listed]


def test_the_call_that_a_result_answers_is_part_of_its_digest() -> None:
    views = [chat({"role": "tool", "tool_call_id": name, "content": "r"}) for name in ("a", "b")]
    assert views[0].segments[0].digest != views[1].segments[0].digest


def test_an_image_in_a_tool_message_is_counted() -> None:
    part = {"type": "image_url", "image_url": {"url": "u"}}
    (segment,) = chat({"role": "tool", "tool_call_id": "c", "content": [part]}).segments
    assert (segment.kind, segment.images) == ("tool_result", 1)


def test_tool_calls_without_content_begin_their_message() -> None:
    view = chat({"role": "assistant", "content": None, "name": "bot", "tool_calls": [call("f"), call("f")]})
    assert [one.kind for one in view.segments] == ["tool_use", "tool_use"]
    first, second = view.segments
    assert first.digest != second.digest  # the name is part of the first


@pytest.mark.parametrize("members", [{"content": None}, {}, {"content": []}, {"content": None, "tool_calls": []}])
def test_an_empty_message_is_one_segment(members: dict[str, Any]) -> None:
    (segment,) = chat({"role": "assistant", **members}).segments
    assert (segment.kind, segment.path, segment.ends_message) == ("other", ("messages", 0), True)


def test_a_message_that_is_no_object_is_one_unknown_segment() -> None:
    (segment,) = read_request(C, b'{"model":"m","messages":[5]}').segments
    assert (segment.kind, segment.level) == ("other", Level.MESSAGES)


def test_breakpoints_are_read_and_written() -> None:
    view = chat(
        {"role": "user", "content": [{"type": "text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit"}}]},
        {"role": "user", "content": "b"},
        prompt_cache_options={"ttl": "12h"},
    )
    assert [one.marker for one in view.segments] == [Marker("12h"), None]
    assert view.automatic_marker is None
    marked = view.apply([view.mark(view.segments[1], Marker("30m"))])
    part = b'[{"type":"text","text":"b","prompt_cache_breakpoint":{"mode":"explicit"}}]'
    assert marked == view.raw.replace(b'"b"', part)


def test_the_system_text_is_that_of_the_initial_messages() -> None:
    view = chat(
        {"role": "system", "content": "one"},
        {"role": "developer", "content": [{"type": "text", "text": "two"}, {"type": "text", "text": "three"}]},
        {"role": "user", "content": "hi"},
        {"role": "system", "content": "late"},
    )
    assert view.system_text() == "one\n\ntwo\n\nthree"


def test_tools_and_functions_are_named() -> None:
    view = chat(
        tools=[{"type": "function", "function": {"name": "f"}}, {"type": "custom", "custom": {"name": "c"}}],
        functions=[{"name": "old"}],
    )
    assert view.tool_names() == ("f", "c", "old")
    assert [one.path for one in view.segments] == [("tools", 0), ("tools", 1), ("functions", 0)]
    assert chat(tools=[{"type": "odd", "function": 5}]).tool_names() == ("odd",)


def test_the_response_schema_is_that_of_the_response_format() -> None:
    schema = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}}
    assert chat(response_format=schema).response_schema() == b'{"type": "object"}'
    assert chat(response_format={"type": "json_object"}).response_schema() is None
    assert chat().response_schema() is None
    assert chat(response_format={"type": "json_schema", "json_schema": {"name": "n"}}).response_schema() is None

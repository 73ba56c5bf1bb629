from __future__ import annotations

import pytest

from penstock.wire.dialect import Dialect
from penstock.wire.segments import Level, Marker
from penstock.wire.view import View, read_request
from tests.wire.requests import view_of

A = Dialect.ANTHROPIC_MESSAGES
_IMAGE = {"type": "image", "source": {"type": "url", "url": "u"}}


def messages(*contents: object, **members: object) -> View:
    listed = [{"role": ("user", "assistant")[index % 2], "content": each} for index, each in enumerate(contents)]
    return view_of(A, {"model": "m", "messages": listed, **members})


def test_tools_then_system_then_messages_with_their_paths() -> None:
    view = view_of(
        A,
        {
            "messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": [_IMAGE, _IMAGE]}],
            "system": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}],
            "tools": [{"name": "t"}],
            "model": "m",
        },
    )
    assert [(one.level, one.kind, one.role, one.message, one.path) for one in view.segments] == [
        (Level.TOOLS, "tool", "", -1, ("tools", 0)),
        (Level.SYSTEM, "text", "system", -1, ("system", 0)),
        (Level.SYSTEM, "text", "system", -1, ("system", 1)),
        (Level.MESSAGES, "text", "user", 0, ("messages", 0, "content")),
        (Level.MESSAGES, "image", "assistant", 1, ("messages", 1, "content", 0)),
        (Level.MESSAGES, "image", "assistant", 1, ("messages", 1, "content", 1)),
    ]
    assert [one.ends_message for one in view.segments] == [False, False, True, True, False, True]


@pytest.mark.parametrize(
    ("part", "kind", "markable"),
    [
        ({"type": "text", "text": "a"}, "text", True),
        ({"type": "text", "text": ""}, "text", False),
        ({"type": "text", "text": "a", "citations": []}, "text", True),
        ({"type": "text", "text": "", "citations": []}, "text", False),
        (_IMAGE, "image", True),
        ({"type": "document", "source": {}}, "document", True),
        ({"type": "search_result", "content": []}, "document", True),
        ({"type": "tool_use", "id": "t", "name": "n", "input": {}}, "tool_use", True),
        ({"type": "server_tool_use", "id": "t", "name": "n", "input": {}}, "tool_use", True),
        ({"type": "tool_result", "tool_use_id": "t"}, "tool_result", True),
        ({"type": "web_search_tool_result", "tool_use_id": "t", "content": []}, "tool_result", True),
        ({"type": "thinking", "thinking": "a", "signature": "s"}, "thinking", False),
        ({"type": "redacted_thinking", "data": "a"}, "thinking", False),
        ({"type": "of_the_future"}, "other", False),
        ({"text": "no type"}, "other", False),
    ],
)
def test_block_types_have_their_kind_and_say_whether_a_marker_may_stand(
    part: dict[str, object], kind: str, markable: bool
) -> None:
    (segment,) = messages([part]).segments
    assert (segment.kind, segment.markable) == (kind, markable)


@pytest.mark.parametrize(
    ("control", "marker"),
    [
        ({"type": "ephemeral"}, Marker("5m")),
        ({"type": "ephemeral", "ttl": "1h"}, Marker("1h")),
        ({"type": "ephemeral", "ttl": 5}, Marker("5m")),
        ("odd", Marker("5m")),
        (None, None),
    ],
)
def test_t5_markers_are_read_with_their_lifetime_wherever_they_stand(control: object, marker: Marker | None) -> None:
    marked = {"type": "text", "text": "a", "cache_control": control}
    view = messages([marked], system=[marked], tools=[{"name": "t", "cache_control": control}], cache_control=control)
    assert [one.marker for one in view.segments] == [marker] * 3
    assert view.automatic_marker == marker
    assert messages("a").automatic_marker is None


def test_a_plain_string_is_the_same_segment_as_its_one_text_block() -> None:
    block = [{"type": "text", "text": "h\u00e9"}]
    plain, listed = messages("h\u00e9", system="h\u00e9"), messages(block, system=block)
    assert [one.prefix for one in plain.segments] == [one.prefix for one in listed.segments]
    assert [one.size for one in plain.segments] == [one.size for one in listed.segments]


@pytest.mark.parametrize("content", [None, [], 5, {"type": "text"}, ["text"]])
def test_content_that_is_no_list_of_blocks_is_one_unknown_segment(content: object) -> None:
    (segment,) = messages(content).segments
    assert (segment.kind, segment.markable, segment.ends_message) == ("other", False, True)


def test_a_message_that_is_no_object_is_one_unknown_segment() -> None:
    view = read_request(A, b'{"model":"m","messages":["hi",null]}')
    assert [(one.kind, one.path) for one in view.segments] == [("other", ("messages", 0)), ("other", ("messages", 1))]


def test_tools_that_are_no_list_are_one_unknown_segment() -> None:
    view = messages(tools={"name": "t"})
    assert [(one.kind, one.level, one.path) for one in view.segments] == [("other", Level.TOOLS, ("tools",))]


def test_the_system_text_joins_its_blocks() -> None:
    assert messages(system="one").system_text() == "one"
    assert (
        messages(system=[{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]).system_text()
        == "one\n\ntwo"
    )
    assert messages("hi").system_text() == ""


def test_tools_are_named_by_name_or_type() -> None:
    view = messages(tools=[{"name": "a"}, {"type": "web_search_20260318"}])
    assert view.tool_names() == ("a", "web_search_20260318")
    assert messages("hi").tool_names() == ()


def test_the_response_schema_is_that_of_the_output_format() -> None:
    raw = b'{"model":"m","messages":[],"output_config":{"format":{"type":"json_schema","schema":{"type" :"object"}}}}'
    assert read_request(A, raw).response_schema() == b'{"type" :"object"}'
    assert messages(output_config={"effort": "low"}).response_schema() is None
    assert messages(output_config={"format": {"schema": None}}).response_schema() is None


def test_marks_are_written_in_the_form_of_the_place() -> None:
    view = read_request(
        A,
        b'{"model":"m","tools":[{"name":"t"}],"system":"s","messages":[{"role":"user","content":[{"type":"text","text":"a"}]}]}',
    )
    operations = [view.mark(one, Marker(ttl)) for one, ttl in zip(view.segments, ("1h", "5m", "5m"), strict=True)]
    assert view.apply(operations) == (
        b'{"model":"m","tools":[{"name":"t","cache_control":{"type":"ephemeral","ttl":"1h"}}],'
        b'"system":[{"type":"text","text":"s","cache_control":{"type":"ephemeral"}}],'
        b'"messages":[{"role":"user","content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}}]}]}'
    )

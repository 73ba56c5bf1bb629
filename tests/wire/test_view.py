from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.errors import MalformedRequest
from penstock.wire.body import Operation, apply
from penstock.wire.dialect import Dialect
from penstock.wire.segments import Level, Marker
from penstock.wire.view import View, read_request
from tests.wire.formatted_json import DOCUMENTS
from tests.wire.requests import VIEWS, view_of

_LEVELS = [Level.TOOLS, Level.SYSTEM, Level.MESSAGES]


@settings(max_examples=200)
@given(VIEWS)
def test_segments_stand_in_render_order_and_their_spans_hold_json(view: View) -> None:
    ranks = [_LEVELS.index(segment.level) for segment in view.segments]
    assert ranks == sorted(ranks)
    for segment in view.segments:
        start, end = view.span(segment)
        json.loads(view.raw[start:end])
        assert view.span_of(segment.path) == (start, end)
    ends = [segment.message for segment in view.segments if segment.ends_message and segment.message >= 0]
    assert ends == list(range(view.message_count))


@settings(max_examples=200)
@given(VIEWS, st.data())
def test_moving_a_marker_moves_no_digest(view: View, data: st.DataObject) -> None:
    places = [index for index, segment in enumerate(view.segments) if segment.markable]
    chosen = data.draw(st.lists(st.sampled_from(places), unique=True, max_size=4)) if places else []
    ttl = "1h" if view.dialect is Dialect.ANTHROPIC_MESSAGES else "12h"
    operations = [view.mark(view.segments[index], Marker(ttl)) for index in chosen]
    marked = read_request(view.dialect, view.apply(operations))
    assert marked.raw == apply(view.raw, operations)
    assert [segment.prefix for segment in marked.segments] == [segment.prefix for segment in view.segments]
    assert [segment.size for segment in marked.segments] == [segment.size for segment in view.segments]
    assert [index for index, segment in enumerate(marked.segments) if segment.marker] == sorted(chosen)
    assert all(marked.segments[index].marker == Marker(ttl) for index in chosen)
    bare = read_request(view.dialect, marked.apply([marked.unmark(marked.segments[index]) for index in chosen]))
    assert not any(segment.marker for segment in bare.segments)
    assert [segment.digest for segment in bare.segments] == [segment.digest for segment in view.segments]


@settings(max_examples=100)
@given(VIEWS)
def test_marking_a_marked_part_replaces_its_marker(view: View) -> None:
    for index, segment in enumerate(view.segments):
        if segment.markable:
            once = read_request(view.dialect, view.apply([view.mark(segment, Marker("x"))]))
            twice = read_request(view.dialect, once.apply([once.mark(once.segments[index], Marker("y"))]))
            assert [one.marker for one in twice.segments if one.marker] == [Marker("y")]


@settings(max_examples=100)
@given(VIEWS)
def test_the_same_prompt_longer_has_the_same_prefixes(view: View) -> None:
    name = "input" if view.dialect is Dialect.OPENAI_RESPONSES else "messages"
    if not isinstance(view.get(name), list):
        return
    message = b'{"role":"user","content":"one more"}'
    longer = read_request(view.dialect, view.apply([Operation((name, view.message_count), "insert", message)]))
    count = len(view.segments)
    assert longer.segments[:count] == view.segments
    assert len(longer.segments) == count + 1


@pytest.mark.parametrize("dialect", list(Dialect))
@given(raw=st.binary(max_size=60))
def test_any_bytes_are_a_view_or_malformed(dialect: Dialect, raw: bytes) -> None:
    try:
        view = read_request(dialect, raw)
    except MalformedRequest:
        return
    assert isinstance(view.segments, tuple)


@settings(max_examples=150)
@given(st.sampled_from(list(Dialect)), DOCUMENTS, st.sampled_from([b"messages", b"input", b"tools", b"system"]))
def test_any_json_in_any_place_is_a_view_or_malformed(
    dialect: Dialect, document: tuple[bytes, object], name: bytes
) -> None:
    raw = b'{"model":"m","messages":[],"%b":%b,"max_tokens":true}' % (name, document[0])
    try:
        view = read_request(dialect, raw)
    except MalformedRequest:
        return
    for segment in view.segments:
        json.loads(raw[slice(*view.span(segment))])
    assert view.cap is None
    view.system_text()
    view.tool_names()
    view.response_schema()


@pytest.mark.parametrize("dialect", list(Dialect))
@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"null",
        b'{"messages":[],"input":"x"}',
        b'{"model":5,"messages":[],"input":"x"}',
        b'{"model":"m","messages":"x","input":5}',
        b'\xef\xbb\xbf{"model":"m","messages":[],"input":"x"}',
        b'{"model":"m","messages":[],"input":"x","user":"\xff"}',
        b'{"model":"m","messages":[],"input":"x"',
        b'{"model":"m","messages":[],"input":"x"} trailing',
        b'{"model":"m","messages":[],"input":"x","half":"\\ud800"}',
        b'{"model":"m","messages":[' + b"[" * 100_000 + b"]" * 100_000 + b'],"input":[]}',
    ],
)
def test_what_is_no_request_is_malformed(dialect: Dialect, raw: bytes) -> None:
    with pytest.raises(MalformedRequest):
        read_request(dialect, raw)


def test_two_hundred_levels_of_nesting_are_read() -> None:
    deep = b'{"a":[' * 100 + b"1" + b"]}" * 100
    view = read_request(
        Dialect.ANTHROPIC_MESSAGES,
        b'{"model":"m","x":%b,"messages":[{"role":"user","content":[{"type":"tool_use","input":%b}]}]}' % (deep, deep),
    )
    assert [segment.kind for segment in view.segments] == ["tool_use"]
    assert view.get("x", "a", 0, "a") is not None


def test_messages_of_prompt_errors_hold_no_prompt_text() -> None:
    with pytest.raises(MalformedRequest) as caught:
        read_request(Dialect.OPENAI_CHAT, b'{"model":"m","messages":"a secret"}')
    assert "secret" not in str(caught.value)


def test_parameters_are_the_members_that_are_not_the_prompt() -> None:
    view = read_request(
        Dialect.OPENAI_CHAT,
        b'{"temperature": 1e2,"messages":[],"model":"m","tools":[],"seed":123456789012345678901234567890,"x":null}',
    )
    assert {name: bytes(value) for name, value in view.params.items()} == {
        "temperature": b"1e2",
        "model": b'"m"',
        "seed": b"123456789012345678901234567890",
        "x": b"null",
    }
    assert view.params is view.params


def test_values_are_got_by_path_and_stay_exact() -> None:
    view = read_request(
        Dialect.OPENAI_CHAT,
        b'{"model":"m","seed":123456789012345678901234567890,"huge":1e999,"x":null,"stream_options":{"a":[1,{"b":2}]},'
        b'"messages":[{"role":"user","content":"hi"}],"raw_input":7}',
    )
    assert view.get("model") == "m"
    assert view.get("seed") == 123456789012345678901234567890
    assert view.get("huge") == float("inf")
    assert view.get("stream_options", "a", 1, "b") == 2
    assert view.get("messages", 0, "content") == "hi"
    assert view.get("raw_input") == 7
    assert view.get("stream_options", "a", 2) is view.get("stream_options", "a", -1) is view.get("nothing") is None
    assert view.get("stream_options", 0) is view.get("model", "x") is view.get("x") is view.get("messages", 1) is None
    assert view.get() == json.loads(view.raw)
    assert view.has("x")
    assert view.has("messages", 0)
    assert not view.has("messages", 1)
    assert not view.has("y")


@pytest.mark.parametrize(
    ("dialect", "members", "cap"),
    [
        (Dialect.ANTHROPIC_MESSAGES, '"max_tokens":5', ("max_tokens", 5)),
        (Dialect.ANTHROPIC_MESSAGES, '"max_tokens":true', None),
        (Dialect.ANTHROPIC_MESSAGES, '"max_tokens":5.5', None),
        (Dialect.OPENAI_CHAT, '"max_tokens":5', ("max_tokens", 5)),
        (Dialect.OPENAI_CHAT, '"max_tokens":5,"max_completion_tokens":7', ("max_completion_tokens", 7)),
        (Dialect.OPENAI_CHAT, '"max_tokens":5,"max_completion_tokens":null', ("max_tokens", 5)),
        (Dialect.OPENAI_RESPONSES, '"max_output_tokens":5', ("max_output_tokens", 5)),
        (Dialect.OPENAI_RESPONSES, '"max_tokens":5', None),
    ],
)
def test_t28_the_cap_is_read_under_the_names_of_its_dialect(
    dialect: Dialect, members: str, cap: tuple[str, int] | None
) -> None:
    assert read_request(dialect, f'{{"model":"m","messages":[],{members}}}'.encode()).cap == cap


@pytest.mark.parametrize(("text", "stream"), [("true", True), ("false", False), ("null", False), ('"true"', False)])
def test_a_stream_is_asked_for_with_true_alone(text: str, stream: bool) -> None:
    raw = f'{{"model":"m","messages":[],"stream": {text} }}'.encode()
    assert read_request(Dialect.OPENAI_CHAT, raw).stream is stream
    assert not read_request(Dialect.OPENAI_CHAT, b'{"model":"m","messages":[]}').stream


def test_images_are_seen_inside_tool_results_too() -> None:
    image = {"type": "image", "source": {"type": "url", "url": "u"}}
    result = {"type": "tool_result", "tool_use_id": "t", "content": [image]}
    bodies = [[{"role": "user", "content": [part]}] for part in (image, result, {"type": "text", "text": "image"})]
    views = [view_of(Dialect.ANTHROPIC_MESSAGES, {"model": "m", "messages": messages}) for messages in bodies]
    assert [view.has_images for view in views] == [True, True, False]


def test_a_segment_that_cannot_carry_a_marker_refuses_it() -> None:
    view = view_of(Dialect.ANTHROPIC_MESSAGES, {"model": "m", "messages": [{"role": "user", "content": ""}]})
    with pytest.raises(ValueError, match="marker"):
        view.mark(view.segments[0], Marker("5m"))
    with pytest.raises(ValueError, match="marker"):
        view.unmark(view.segments[0])


def test_repeated_messages_count_as_the_last() -> None:
    raw = b'{"model":"m","messages":[{"role":"user","content":"old"}],"messages":[{"role":"user","content":"new"}]}'
    view = read_request(Dialect.ANTHROPIC_MESSAGES, raw)
    assert [raw[slice(*view.span(segment))] for segment in view.segments] == [b'"new"']


@pytest.mark.parametrize("dialect", list(Dialect))
@pytest.mark.parametrize("parts", [False, True])
def test_a_parted_text_is_the_same_text_in_parts_of_its_own_kind(dialect: Dialect, parts: bool) -> None:
    kind = "input_text" if dialect is Dialect.OPENAI_RESPONSES else "text"
    name = "input" if dialect is Dialect.OPENAI_RESPONSES else "messages"
    whole = [{"type": kind, "text": "é one two"}, {"type": kind, "text": "last"}] if parts else "é one two"
    body = {"model": "m", name: [{"role": "user", "content": whole}]}
    view = read_request(dialect, json.dumps(body).encode())
    pieces = [json.dumps(piece).encode()[1:-1] for piece in ("é one", " two")]
    first, second = ({"type": kind, "text": text} for text in ("é one", " two"))
    rest = whole[1:] if isinstance(whole, list) else []
    near = json.loads(view.apply(view.parted(view.segments[0], pieces)))
    assert near[name][0]["content"] == [first, second, *rest]
    far = json.loads(view.apply(view.parted(view.segments[0], pieces, last=True)))
    assert far[name][0]["content"] == [first, *rest, second]

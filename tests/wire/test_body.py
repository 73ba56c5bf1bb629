from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from penstock.errors import MalformedRequest
from penstock.wire.body import Operation, apply, apply_to, locate
from penstock.wire.segments import Path
from penstock.wire.walk import Body
from tests.wire.formatted_json import DOCUMENTS, VALUES, Document

_ABSENT = object()


def after(raw: bytes, operations: list[Operation]) -> Any:
    """What the operations mean, done to decoded values."""
    return _after(json.loads(raw), (), operations)


def _after(value: Any, path: Path, operations: list[Operation]) -> Any:
    here = [operation for operation in operations if operation.path == path and operation.action != "insert"]
    if here:
        return json.loads(here[0].value) if here[0].action == "set" else _ABSENT
    below = [operation for operation in operations if operation.path[: len(path)] == path]
    if isinstance(value, dict):
        new = [step.path[-1] for step in below if step.action == "set" and len(step.path) == len(path) + 1]
        keys = [*value, *(key for key in new if key not in value)]
        found = {key: _after(value.get(key), (*path, key), below) for key in keys}
        return {key: item for key, item in found.items() if item is not _ABSENT}
    if isinstance(value, list):
        out: list[Any] = []
        for index in range(len(value) + 1):
            at = (*path, index)
            out += [json.loads(step.value) for step in below if step.path == at and step.action == "insert"]
            if index < len(value):
                item = _after(value[index], at, below)
                out += [] if item is _ABSENT else [item]
        return out
    return value


@st.composite
def operations_on(draw: st.DrawFn, document: Document) -> list[Operation]:
    """Operations that do not overlap, of all three kinds, at places of a document."""
    raw, spans = document
    root = json.loads(raw)
    chosen: list[Operation] = []
    owned: list[Path] = []
    for path in draw(st.lists(st.sampled_from(sorted(spans, key=repr)), max_size=6)):
        value = root
        for step in path:
            value = value[step]
        text = draw(VALUES)
        kinds = ["set", "delete"] if path else []
        kinds += ["new"] if isinstance(value, dict) else []
        kinds += ["insert"] if isinstance(value, list) else []
        kind = draw(st.sampled_from(kinds)) if kinds else ""
        if kind == "insert":
            operation = Operation((*path, draw(st.integers(0, len(value)))), "insert", text)
        elif kind == "new":
            operation = Operation((*path, draw(st.sampled_from(["new", "neu é", 'a"b']))), "set", text)
        elif kind:
            operation = Operation(path, kind, text if kind == "set" else b"")
        else:
            continue
        inside = any(operation.path[: len(other)] == other for other in owned)
        around = operation.action != "insert" and any(
            other.path[: len(operation.path)] == operation.path
            and not (other.action == "insert" and other.path == operation.path)
            for other in chosen
        )
        same = operation.action == "insert" and any(operation.path[:-1][: len(o)] == o for o in owned)
        if around or same or (inside and operation.action != "insert"):
            continue
        chosen.append(operation)
        if operation.action != "insert":
            owned.append(operation.path)
    return chosen


@given(DOCUMENTS)
def test_without_operations_the_very_same_bytes_come_back(document: Document) -> None:
    assert apply(document[0], []) is document[0]


@settings(max_examples=200)
@given(st.data())
def test_operations_do_what_they_mean(data: st.DataObject) -> None:
    document = data.draw(DOCUMENTS)
    operations = data.draw(operations_on(document))
    assert json.loads(apply(document[0], operations)) == after(document[0], operations)


@settings(max_examples=200)
@given(DOCUMENTS, st.data())
def test_setting_a_value_changes_only_its_span(document: Document, data: st.DataObject) -> None:
    raw, spans = document
    path = data.draw(st.sampled_from(sorted(spans, key=repr)))
    text = data.draw(VALUES)
    start, end = spans[path]
    assert apply(raw, [Operation(path, "set", text)]) == raw[:start] + text + raw[end:]


@settings(max_examples=200)
@given(DOCUMENTS, st.data())
def test_an_insertion_keeps_all_bytes_before_and_behind_its_place(document: Document, data: st.DataObject) -> None:
    raw, spans = document
    lists = [path for path in spans if raw[spans[path][0]] == ord("[")]
    assume(lists)
    path = data.draw(st.sampled_from(sorted(lists, key=repr)))
    count = len([other for other in spans if other[:-1] == path and len(other) == len(path) + 1])
    index = data.draw(st.integers(0, count))
    changed = apply(raw, [Operation((*path, index), "insert", b'"new"')])
    start = spans[*path, index][0] if index < count else spans[*path, count - 1][1] if count else spans[path][0] + 1
    assert changed[:start] == raw[:start]
    assert changed.endswith(raw[start:])
    assert len(changed) == len(raw) + len(b'"new"') + (count > 0)


def test_escapes_numbers_and_unknown_fields_survive_an_edit_beside_them() -> None:
    raw = b'{"x": 1e2,"big":123456789012345678901234567890 , "esc":"\\u00e9\\/","f":1.10,\n"unknown":{"a" :[]},"n":1}'
    assert apply(raw, [Operation(("n",), "set", b"2")]) == raw[:-2] + b"2}"


@pytest.mark.parametrize(
    ("raw", "operations", "expected"),
    [
        (b"{}", [Operation(("a",), "set", b"1"), Operation(("b",), "set", b"2")], b'{"a":1,"b":2}'),
        (b'{ "z": 0 }', [Operation(("a",), "set", b"1"), Operation(("b",), "set", b"2")], b'{ "z": 0,"a":1,"b":2 }'),
        (b"[ ]", [Operation((0,), "insert", b"1"), Operation((0,), "insert", b"2")], b"[1,2 ]"),
        (b"[1, 2]", [Operation((1,), "insert", b"8"), Operation((1,), "insert", b"9")], b"[1, 8,9,2]"),
        (b"[1, 2]", [Operation((2,), "insert", b"8"), Operation((2,), "insert", b"9")], b"[1, 2,8,9]"),
        (b"[1, 2 ,3]", [Operation((1,), "delete")], b"[1, 3]"),
        (b"[1, 2 ,3]", [Operation((2,), "delete")], b"[1, 2]"),
        (b"[1, 2 ,3]", [Operation((0,), "delete"), Operation((1,), "delete")], b"[3]"),
        (b"[ 1, 2 ]", [Operation((0,), "delete"), Operation((1,), "delete")], b"[  ]"),
        (b"[1,2]", [Operation((0,), "delete"), Operation((1,), "delete"), Operation((1,), "insert", b"7")], b"[7]"),
        (b"[1,2,3]", [Operation((1,), "delete"), Operation((1,), "insert", b"7")], b"[1,7,3]"),
        (b"[1,2,3]", [Operation((2,), "delete"), Operation((3,), "insert", b"7")], b"[1,2,7]"),
        (b"[1,2,3]", [Operation((2,), "set", b"9"), Operation((3,), "insert", b"7")], b"[1,2,9,7]"),
        (b'{"a":1,"b":2,"a":3}', [Operation(("a",), "delete")], b'{"b":2}'),
        (b'{"a":1,"b":2,"a":3}', [Operation(("a",), "set", b"4")], b'{"a":1,"b":2,"a":4}'),
        (b' {"a":1} ', [Operation((), "set", b"[]")], b" [] "),
    ],
)
def test_edits_read_as_expected(raw: bytes, operations: list[Operation], expected: bytes) -> None:
    assert apply(raw, operations) == expected


def test_a_body_with_known_offsets_is_edited_the_same_way() -> None:
    body = Body(b'{"a":[1,2]}')
    body.span(("a", 1))
    assert apply_to(body, [Operation(("a", 1), "set", b"3")]) == b'{"a":[1,3]}'


@pytest.mark.parametrize(
    "operations",
    [
        [Operation(("a",), "set", b"1"), Operation(("a",), "set", b"2")],
        [Operation(("a",), "set", b"1"), Operation(("a",), "delete")],
        [Operation(("a",), "set", b"1"), Operation(("a", "x"), "set", b"2")],
        [Operation(("a", "x"), "set", b"2"), Operation(("a",), "delete")],
        [Operation(("l", 0), "insert", b"2"), Operation(("l",), "delete")],
        [Operation((), "set", b"2"), Operation(("l",), "delete")],
        [Operation((), "delete")],
        [Operation(("a",), "rename", b"2")],
        [Operation(("a",), "insert", b"2")],
        [Operation(("a",), "set", b"")],
        [Operation(("a",), "set", b"{")],
        [Operation(("a",), "set", b'"\xff"')],
        [Operation(("a",), "delete", b"1")],
    ],
)
def test_operations_that_make_no_sense_are_refused(operations: list[Operation]) -> None:
    with pytest.raises(ValueError, match=r"."):
        apply(b'{"a":{"x":1},"l":[0]}', operations)


@pytest.mark.parametrize(
    "operation",
    [
        Operation(("b",), "delete"),
        Operation(("b", "c"), "set", b"1"),
        Operation(("l", 1), "set", b"1"),
        Operation(("l", -1), "delete"),
        Operation(("l", 2), "insert", b"1"),
        Operation(("l", -1), "insert", b"1"),
        Operation(("l", "x"), "set", b"1"),
        Operation(("a", 0), "set", b"1"),
    ],
)
def test_a_place_that_is_not_there_is_malformed(operation: Operation) -> None:
    with pytest.raises(MalformedRequest):
        apply(b'{"a":1,"l":[0]}', [operation])


def test_many_deletions_in_a_long_list_take_their_separators_along() -> None:
    raw = json.dumps(list(range(2000))).encode()
    operations = [Operation((index,), "delete") for index in range(1, 2000, 2)]
    assert json.loads(apply(raw, operations)) == list(range(0, 2000, 2))


def test_locate_gives_the_span_of_a_place() -> None:
    raw = b'{"a": [true, "x"]}'
    start, end = locate(raw, ("a", 1))
    assert raw[start:end] == b'"x"'
    with pytest.raises(MalformedRequest):
        locate(raw, ("a", 2))

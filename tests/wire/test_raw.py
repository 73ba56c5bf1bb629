from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.wire.raw import ABSENT, Raw, is_given, is_string, object_of, objects_of, text_of, texts_of


@given(st.text(st.characters(exclude_categories=["Cs"])), st.booleans())
def test_a_string_gives_its_text_whatever_its_escapes(text: str, ascii_only: bool) -> None:
    raw = Raw(json.dumps(text, ensure_ascii=ascii_only).encode())
    assert is_string(raw)
    assert text_of(raw) == text
    assert list(texts_of(raw)) == [text]


@pytest.mark.parametrize("other", [b"1", b"null", b"{}", b'["a"]', b"{", b'"\xff"'])
def test_what_is_no_string_has_no_text(other: bytes) -> None:
    assert text_of(Raw(other)) == ""


def test_the_texts_of_a_list_are_those_of_its_text_parts() -> None:
    content = b'[{"type":"text","text":"one"},{"type":"image","source":{}},{"type":"text","text":"two"}]'
    assert list(texts_of(Raw(content))) == ["one", "two"]
    assert list(texts_of(Raw(b"null"))) == list(texts_of(None)) == list(texts_of(Raw(b"5"))) == []


def test_null_and_absent_are_not_given() -> None:
    assert not is_given(ABSENT)
    assert not is_given(Raw(b"null"))
    assert is_given(Raw(b"0"))
    assert not is_string(ABSENT)


def test_objects_are_decoded_one_level_deep_and_anything_else_is_none() -> None:
    members = object_of(Raw(b'{"a": [1 ],"a":2e0}'))
    assert members is not None
    assert {key: bytes(value) for key, value in members.items()} == {"a": b"2e0"}
    listed = objects_of(Raw(b'[{},{"b":{} }]'))
    assert listed is not None
    assert bytes(listed[1]["b"]) == b"{}"
    for other in (b"[1]", b'"x"', b"[", b"[[]]"):
        assert objects_of(Raw(other)) is None
        assert object_of(Raw(other)) is None


def test_what_nests_too_deep_is_no_object() -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    assert object_of(Raw(b'{"a":' + deep + b"}")) is None
    assert objects_of(Raw(b'[{"a":' + deep + b"}]")) is None

from __future__ import annotations

import json
import math

import pytest

from penstock.wire.folding import Pieces, data_of, index_of, write
from penstock.wire.raw import Raw
from penstock.wire.sse import Event


@pytest.mark.parametrize("data", [b"", b"[DONE]", b"[1]", b"5", b"{", b'{"a":"\xff"}', b"[" * 5000])
def test_data_that_is_no_object_is_none(data: bytes) -> None:
    assert data_of(Event(None, data)) is None


def test_the_object_in_the_data_is_decoded() -> None:
    assert data_of(Event("x", b'{"a": 12345678901234567890123}')) == {"a": 12345678901234567890123}


def test_a_body_is_written_with_integers_of_any_size_and_raw_values_as_they_are() -> None:
    assert write({"a": 1, "r": Raw(b'{"x" : 1e2}')}) == b'{"a":1,"r":{"x" : 1e2}}'
    assert json.loads(write({"a": 2**80, "r": Raw(b'{"x" : 1}')})) == {"a": 2**80, "r": {"x": 1}}


def test_numbers_that_json_has_not_are_written_as_null() -> None:
    assert json.loads(write({"a": math.inf, "b": math.nan})) == {"a": None, "b": None}


@pytest.mark.parametrize("value", [-1, True, 1.0, "0", None, []])
def test_what_is_no_place_in_a_list_is_none(value: object) -> None:
    assert index_of({"index": value}) is None
    assert index_of({}) is None
    assert index_of({"at": 3}, "at") == 3


def test_pieces_are_joined_by_member() -> None:
    pieces = Pieces()
    for name, piece in (("b", "1"), ("a", "x"), ("b", "2"), ("b", None), ("c", 5)):
        pieces.add(name, piece)
    assert (pieces.text("b"), pieces.text("a"), pieces.text("c")) == ("12", "x", None)
    assert pieces.names() == ["b", "a"]

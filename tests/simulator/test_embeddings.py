from __future__ import annotations

import math
import struct
from base64 import b64decode
from typing import Any

import pytest

from penstock.simulator.embeddings import embed, vector_of
from penstock.simulator.errors import ApiError


def test_vectors_have_unit_length_and_the_same_text_the_same_vector() -> None:
    vector = vector_of("a red fox", 256)
    assert math.isclose(sum(value * value for value in vector), 1.0)
    assert vector == vector_of("A RED fox!", 256)
    assert vector_of("", 4) == [1.0, 0.0, 0.0, 0.0]


def test_an_answer_counts_its_tokens_and_packs_when_asked() -> None:
    body: dict[str, Any] = {"model": "text-embedding-3-small", "input": ["one two", "three"], "dimensions": 8}
    plain, tokens = embed(body)
    assert tokens == plain["usage"]["total_tokens"] == 3
    packed, _ = embed({**body, "encoding_format": "base64"})
    unpacked = struct.unpack("<8f", b64decode(packed["data"][0]["embedding"]))
    assert unpacked == pytest.approx(plain["data"][0]["embedding"])


def test_tokens_may_be_given_instead_of_text() -> None:
    assert len(embed({"model": "m", "input": [1, 2, 3]})[0]["data"]) == 1
    assert len(embed({"model": "m", "input": [[1, 2], [3]]})[0]["data"]) == 2


@pytest.mark.parametrize(
    "body", [{}, {"model": "m"}, {"model": "m", "input": []}, {"model": "m", "input": "x", "dimensions": 0}]
)
def test_what_the_endpoint_does_not_take_is_a_400(body: dict[str, Any]) -> None:
    with pytest.raises(ApiError) as refused:
        embed(body)
    assert refused.value.status == 400

from __future__ import annotations

import msgspec
import pytest

from penstock.simulator.conversations import Conversations
from penstock.simulator.errors import ApiError


def exchange(text: str) -> tuple[bytes, bytes]:
    said = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "yes"}]}
    return msgspec.json.encode({"input": text}), msgspec.json.encode({"output": [said]})


def test_earlier_items_stand_before_the_new_ones() -> None:
    kept = Conversations()
    kept.remember("r1", *exchange("first"))
    body = kept.expanded({"previous_response_id": "r1", "input": "second", "model": "m"})
    assert [item.get("content") for item in body["input"]] == [
        "first",
        [{"type": "output_text", "text": "yes"}],
        "second",
    ]
    assert body["model"] == "m"


def test_the_oldest_are_forgotten_beyond_the_bound() -> None:
    kept = Conversations(limit=300)
    for number in range(20):
        kept.remember(f"r{number}", *exchange("text"))
    assert kept.expanded({"previous_response_id": "r19"})["input"]
    with pytest.raises(ApiError):
        kept.expanded({"previous_response_id": "r0"})


@pytest.mark.parametrize("previous", ["unknown", 5, None])
def test_an_unknown_id_is_a_400(previous: object) -> None:
    with pytest.raises(ApiError) as refused:
        Conversations().expanded({"previous_response_id": previous})
    assert (refused.value.status, refused.value.code) == (400, "previous_response_not_found")

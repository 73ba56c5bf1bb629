from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.engine.hidden_chunk import UsageChunkFilter


def event(data: object, end: bytes = b"\n\n") -> bytes:
    return b"data: " + json.dumps(data).encode() + end


DELTA = {"id": "c", "choices": [{"index": 0, "delta": {"content": 'say "choices": [] now'}}], "usage": None}
USAGE = {"id": "c", "choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}}
FILTERED = {"id": "c", "choices": [], "prompt_filter_results": []}  # another provider's first chunk
DONE = b"data: [DONE]\n\n"
SEEN = event(FILTERED) + event(DELTA) * 2 + DONE
WIRE = event(FILTERED) + event(DELTA) * 2 + event(USAGE) + DONE


def through(pieces: list[bytes]) -> bytes:
    hide = UsageChunkFilter()
    return b"".join([hide.feed(piece) for piece in pieces] + [hide.close()])


@settings(max_examples=100)
@given(st.lists(st.integers(0, len(WIRE)), max_size=10))
def test_only_the_usage_chunk_is_taken_out_wherever_the_stream_is_split(cuts: list[int]) -> None:
    edges = sorted({0, len(WIRE), *cuts})
    assert through([WIRE[a:b] for a, b in pairwise(edges)]) == SEEN


@pytest.mark.parametrize("end", [b"\r\n\r\n", b"\r\r", b"\n\n"])
def test_every_line_ending_is_understood(end: bytes) -> None:
    assert through([event(DELTA, end), event(USAGE, end), event(DELTA, end)]) == event(DELTA, end) * 2


def test_a_piece_without_the_chunk_passes_as_the_same_object() -> None:
    piece = event(DELTA | {"choices": [{"index": 0}]})
    assert UsageChunkFilter().feed(piece) is piece


def test_a_cut_stream_ends_with_what_came() -> None:
    cut = event(DELTA)[:20]
    assert through([event(DELTA), cut]) == event(DELTA) + cut


def test_a_usage_chunk_without_its_last_line_feed_is_hidden_too() -> None:
    assert through([event(DELTA), event(USAGE, b"\n")]) == event(DELTA)

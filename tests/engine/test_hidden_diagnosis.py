from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.engine.hidden_diagnosis import DiagnosisFilter, shown_to_caller
from penstock.wire.dialect import Dialect

MESSAGES, RESPONSES = Dialect.ANTHROPIC_MESSAGES, Dialect.OPENAI_RESPONSES
REASON = {"cache_miss_reason": {"type": "tools_changed", "cache_missed_input_tokens": 12}}


def event(data: dict[str, Any], end: bytes = b"\n\n") -> bytes:
    line = end[: len(end) // 2]
    return b"event: " + data["type"].encode() + line + b"data: " + json.dumps(data).encode() + end


def message_start(diagnostics: Any) -> dict[str, Any]:
    return {"type": "message_start", "message": {"id": "msg_1", "content": [], "diagnostics": diagnostics}}


SAYS = 'I say "diagnostics": {"message_start"} and "prompt_cache_diagnostics": 1'
DELTA = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": SAYS}}


def snapshot(kind: str, said: Any, compared: str | None) -> dict[str, Any]:
    options = {"mode": "implicit", "comparison_response_id": compared}
    response = {"id": "resp_1", "prompt_cache_options": options, "prompt_cache_diagnostics": said}
    return {"type": kind, "response": response}


TEXT = {"type": "response.output_text.delta", "delta": SAYS}


def stream(dialect: Dialect, *, shown: bool, end: bytes = b"\n\n") -> bytes:
    if dialect is MESSAGES:
        events = [message_start(None if shown else REASON), DELTA, {"type": "message_stop"}]
    else:
        hit, name = (None, None) if shown else ({"type": "cache_hit"}, "resp_0")
        events = [
            snapshot("response.created", None, name),
            TEXT,
            snapshot("response.completed", hit, name),
        ]
    return b"".join(event(one, end) for one in events)


@settings(max_examples=60)
@given(st.sampled_from([MESSAGES, RESPONSES]), st.lists(st.integers(0, 900), max_size=10))
def test_only_the_diagnosis_is_taken_out_wherever_the_stream_is_split(dialect: Dialect, cuts: list[int]) -> None:
    wire, hide = stream(dialect, shown=False), DiagnosisFilter(dialect)
    edges = sorted({0, len(wire), *(min(cut, len(wire)) for cut in cuts)})
    seen = b"".join(hide.feed(wire[a:b]) for a, b in pairwise(edges)) + hide.close()
    assert seen == stream(dialect, shown=True)


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n", b"\r\r"])
@pytest.mark.parametrize("dialect", [MESSAGES, RESPONSES])
def test_every_line_ending_is_understood(dialect: Dialect, end: bytes) -> None:
    wire = stream(dialect, shown=False, end=end)
    assert shown_to_caller(dialect, wire, events=True) == stream(dialect, shown=True, end=end)


def test_a_stream_that_is_cut_before_its_first_event_passes_as_it_is() -> None:
    piece = stream(MESSAGES, shown=False)[:30]
    assert shown_to_caller(MESSAGES, piece, events=True) == piece


def test_a_whole_answer_is_shown_without_it() -> None:
    answer = json.dumps({"id": "msg_1", "diagnostics": REASON}).encode()
    assert json.loads(shown_to_caller(MESSAGES, answer, events=False)) == {"id": "msg_1", "diagnostics": None}

"""Plain response bodies of the three dialects, drawn for the tests of streams."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from penstock.wire.dialect import Dialect
from penstock.wire.sse import Event, EventStream
from penstock.wire.stream_out import stream_events

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
_NAMES = st.sampled_from(["search", "book"])
_INPUTS = st.dictionaries(
    TEXTS, st.none() | st.booleans() | st.integers(-(2**70), 2**70) | TEXTS | st.lists(TEXTS, max_size=3), max_size=3
)
_COUNT = st.integers(0, 10**6)

_BLOCKS = st.one_of(
    st.builds(lambda text: {"type": "text", "text": text}, TEXTS),
    st.builds(lambda text: {"type": "text", "text": text, "citations": [{"type": "page", "cited_text": text}]}, TEXTS),
    st.builds(lambda text: {"type": "thinking", "thinking": text, "signature": "c2ln"}, TEXTS),
    st.builds(lambda name, given: {"type": "tool_use", "id": "t", "name": name, "input": given}, _NAMES, _INPUTS),
    st.builds(lambda text: {"type": "redacted_thinking", "data": text}, TEXTS),
    st.builds(lambda text: {"type": "of_the_future", "payload": [text]}, TEXTS),
)
_ANTHROPIC = st.fixed_dictionaries(
    {
        "id": st.just("msg_1"),
        "type": st.just("message"),
        "role": st.just("assistant"),
        "model": st.just("claude-opus-5-5"),
        "content": st.lists(_BLOCKS, max_size=4),
        "stop_reason": st.sampled_from(["end_turn", "max_tokens", "tool_use", "refusal"]),
        "stop_sequence": st.none() | TEXTS,
        "usage": st.fixed_dictionaries(
            {
                "input_tokens": _COUNT,
                "cache_creation_input_tokens": st.just(7),
                "cache_read_input_tokens": _COUNT,
                "cache_creation": st.just({"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 4}),
                "output_tokens": _COUNT,
            },
            optional={"service_tier": st.just("standard"), "output_tokens_details": st.just({"thinking_tokens": 0})},
        ),
    },
    optional={"stop_details": st.none() | st.just({"type": "refusal"}), "container": st.none()},
)

_CALLS = st.builds(
    lambda name, text: {"id": "c", "type": "function", "function": {"name": name, "arguments": text}}, _NAMES, TEXTS
)
_CHOICE = st.fixed_dictionaries(
    {
        "message": st.fixed_dictionaries(
            {"role": st.just("assistant"), "content": st.none() | TEXTS, "refusal": st.none() | TEXTS},
            optional={
                "tool_calls": st.lists(_CALLS, min_size=1, max_size=3),
                "annotations": st.just([]),
                "reasoning_content": TEXTS,
            },
        ),
        "logprobs": st.none() | st.just({"content": [{"token": "a", "logprob": -0.5}], "refusal": None}),
        "finish_reason": st.sampled_from(["stop", "length", "tool_calls", "content_filter"]),
    }
)
_CHAT = st.fixed_dictionaries(
    {
        "id": st.just("chatcmpl-1"),
        "object": st.just("chat.completion"),
        "created": st.just(1),
        "model": st.just("gpt-6-sol"),
        "choices": st.lists(_CHOICE, min_size=1, max_size=3).map(
            lambda choices: [{"index": index, **choice} for index, choice in enumerate(choices)]
        ),
        "usage": st.builds(
            lambda total, output: {"prompt_tokens": total, "completion_tokens": output, "total_tokens": total + output},
            _COUNT,
            _COUNT,
        ),
    },
    optional={"service_tier": st.just("default"), "system_fingerprint": st.none()},
)

_ITEMS = st.one_of(
    st.builds(
        lambda texts: {
            "type": "message",
            "id": "m",
            "status": "completed",
            "role": "assistant",
            "content": [{"type": "output_text", "text": text, "annotations": []} for text in texts],
        },
        st.lists(TEXTS, max_size=2),
    ),
    st.builds(
        lambda text: {"type": "message", "id": "m", "content": [{"type": "refusal", "refusal": text}]},
        TEXTS,
    ),
    st.builds(
        lambda name, text: {"type": "function_call", "id": "f", "call_id": "c", "name": name, "arguments": text},
        _NAMES,
        TEXTS,
    ),
    st.builds(
        lambda texts: {
            "type": "reasoning",
            "id": "r",
            "summary": [{"type": "summary_text", "text": text} for text in texts],
        },
        st.lists(TEXTS, max_size=2),
    ),
    st.builds(lambda text: {"type": "of_the_future", "payload": text}, TEXTS),
)
_RESPONSES = st.builds(
    lambda items, total, output, end: {
        "id": "resp_1",
        "object": "response",
        "status": end[0],
        "error": None,
        "incomplete_details": end[1],
        "model": "gpt-6-sol",
        "output": items,
        "usage": {"input_tokens": total, "output_tokens": output, "total_tokens": total + output},
    },
    st.lists(_ITEMS, max_size=4),
    _COUNT,
    _COUNT,
    st.sampled_from([("completed", None), ("incomplete", {"reason": "max_output_tokens"})]),
)

BODIES: dict[Dialect, st.SearchStrategy[dict[str, Any]]] = {
    Dialect.ANTHROPIC_MESSAGES: _ANTHROPIC,
    Dialect.OPENAI_CHAT: _CHAT,
    Dialect.OPENAI_RESPONSES: _RESPONSES,
}
ANY_BODY = st.sampled_from(list(Dialect)).flatmap(
    lambda dialect: st.tuples(st.just(dialect), BODIES[dialect], st.integers(1, 5))
)
"""(dialect, body, words per event)."""


def streamed(dialect: Dialect, body: dict[str, Any], words: int = 2) -> list[Event]:
    """The events of the body's stream."""
    stream = EventStream()
    events = stream.feed(b"".join(stream_events(dialect, body, chunk_words=words)))
    return events + stream.close()

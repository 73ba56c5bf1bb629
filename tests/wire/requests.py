"""Requests of the three dialects for the tests: plain ones, and a strategy that draws many of them."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from penstock.wire.dialect import Dialect
from penstock.wire.view import View, read_request

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_NAMES = st.sampled_from(["search", "book", "pay"])


def view_of(dialect: Dialect, body: dict[str, Any], *, ascii_only: bool = True, indent: int | None = None) -> View:
    return read_request(dialect, json.dumps(body, ensure_ascii=ascii_only, indent=indent).encode())


def _list_or_string(text_type: str, others: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[Any]:
    text = st.builds(lambda text: {"type": text_type, "text": text}, TEXTS)
    return st.one_of(TEXTS, st.lists(st.one_of(text, text, others), min_size=1, max_size=4))


_ANTHROPIC_PARTS = st.one_of(
    st.builds(lambda text: {"type": "image", "source": {"type": "url", "url": text}}, TEXTS),
    st.builds(lambda name: {"type": "tool_use", "id": "t", "name": name, "input": {"a": 1e2}}, _NAMES),
    st.builds(lambda text: {"type": "tool_result", "tool_use_id": "t", "content": text}, TEXTS),
    st.builds(lambda text: {"type": "thinking", "thinking": text, "signature": "s"}, TEXTS),
    st.builds(lambda text: {"type": "of_the_future", "payload": text}, TEXTS),
)
_ANTHROPIC_CONTENT = _list_or_string("text", _ANTHROPIC_PARTS)
_ANTHROPIC = st.fixed_dictionaries(
    {
        "model": st.just("claude-opus-5-5"),
        "max_tokens": st.integers(1, 100),
        "messages": st.lists(
            st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant"]), "content": _ANTHROPIC_CONTENT}),
            max_size=5,
        ),
    },
    optional={
        "system": _list_or_string("text", st.nothing()),
        "tools": st.lists(st.fixed_dictionaries({"name": _NAMES, "input_schema": st.just({"type": "object"})})),
        "metadata": st.dictionaries(TEXTS, TEXTS, max_size=2),
    },
)

_CHAT_PARTS = st.one_of(
    st.builds(lambda text: {"type": "image_url", "image_url": {"url": text}}, TEXTS),
    st.builds(lambda text: {"type": "file", "file": {"file_id": text}}, TEXTS),
    st.builds(lambda text: {"type": "of_the_future", "payload": text}, TEXTS),
)
_CALL = st.builds(
    lambda name: {"id": "c", "type": "function", "function": {"name": name, "arguments": '{"a": 1}'}}, _NAMES
)
_CHAT_MESSAGE = st.one_of(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["system", "developer", "user"]), "content": _list_or_string("text", _CHAT_PARTS)},
        optional={"name": TEXTS},
    ),
    st.fixed_dictionaries(
        {"role": st.just("assistant"), "content": st.one_of(st.none(), TEXTS)},
        optional={"tool_calls": st.lists(_CALL, max_size=3)},
    ),
    st.fixed_dictionaries({"role": st.just("tool"), "tool_call_id": st.just("c"), "content": TEXTS}),
)
_CHAT = st.fixed_dictionaries(
    {"model": st.just("gpt-6-sol"), "messages": st.lists(_CHAT_MESSAGE, max_size=6)},
    optional={
        "tools": st.lists(st.builds(lambda name: {"type": "function", "function": {"name": name}}, _NAMES)),
        "max_completion_tokens": st.integers(1, 100),
    },
)

_RESPONSES_PARTS = st.one_of(
    st.builds(lambda text: {"type": "input_image", "image_url": text}, TEXTS),
    st.builds(lambda text: {"type": "of_the_future", "payload": text}, TEXTS),
)
_RESPONSES_ITEM = st.one_of(
    st.fixed_dictionaries(
        {
            "role": st.sampled_from(["system", "developer", "user", "assistant"]),
            "content": _list_or_string("input_text", _RESPONSES_PARTS),
        },
        optional={"type": st.just("message")},
    ),
    st.builds(lambda name: {"type": "function_call", "call_id": "c", "name": name, "arguments": "{}"}, _NAMES),
    st.builds(lambda text: {"type": "function_call_output", "call_id": "c", "output": text}, TEXTS),
    st.builds(lambda text: {"type": "reasoning", "id": text, "summary": []}, TEXTS),
    st.builds(lambda text: {"type": "of_the_future", "payload": text}, TEXTS),
)
_RESPONSES = st.fixed_dictionaries(
    {"model": st.just("gpt-6-sol"), "input": st.one_of(TEXTS, st.lists(_RESPONSES_ITEM, max_size=6))},
    optional={
        "instructions": TEXTS,
        "tools": st.lists(st.builds(lambda name: {"type": "function", "name": name}, _NAMES)),
        "max_output_tokens": st.integers(1, 100),
    },
)

BODIES: dict[Dialect, st.SearchStrategy[dict[str, Any]]] = {
    Dialect.ANTHROPIC_MESSAGES: _ANTHROPIC,
    Dialect.OPENAI_CHAT: _CHAT,
    Dialect.OPENAI_RESPONSES: _RESPONSES,
}
VIEWS = st.sampled_from(list(Dialect)).flatmap(
    lambda dialect: st.builds(
        lambda body, ascii_only, indent: view_of(dialect, body, ascii_only=ascii_only, indent=indent),
        BODIES[dialect],
        st.booleans(),
        st.sampled_from([None, 0, 2]),
    )
)

"""A plain response body as the event stream that the same call would have had (provider-semantics 1.12, 2.8, 2.9)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from penstock.wire.dialect import Dialect
from penstock.wire.folding import write
from penstock.wire.sse import Event
from penstock.wire.stream_out_responses import responses_events

_WORD = re.compile(r"\s*\S+\s?|\s+")
_FRAGMENT = 24
"""Characters of JSON arguments in one event."""

Split = Callable[[str], list[str]]
"""Cuts a text into the pieces that go out one by one."""


def stream_events(
    dialect: Dialect, body: Mapping[str, Any], *, chunk_words: int = 4, include_usage: bool = True
) -> Iterator[bytes]:
    """The stream's events, each as it goes over the wire.

    Args:
        dialect: whose stream.
        body: the plain response body, decoded.
        chunk_words: how many words of text go into one event.
        include_usage: Chat Completions only: whether the caller set ``stream_options.include_usage``.
    """

    def split(text: str) -> list[str]:
        words = _WORD.findall(text)
        return ["".join(words[start : start + chunk_words]) for start in range(0, len(words), chunk_words)]

    if dialect is Dialect.ANTHROPIC_MESSAGES:
        yield from (_named(data) for data in anthropic_events(body, split))
    elif dialect is Dialect.OPENAI_CHAT:
        yield from (Event(None, write(data)).encode() for data in chat_events(body, split, include_usage=include_usage))
        yield Event(None, b"[DONE]").encode()
    else:
        yield from (_named(data) for data in responses_events(body, split, fragments))


def fragments(text: str) -> list[str]:
    """JSON text cut into fragments of a few characters."""
    return [text[start : start + _FRAGMENT] for start in range(0, len(text), _FRAGMENT)]


def anthropic_events(body: Mapping[str, Any], split: Split) -> Iterator[dict[str, Any]]:
    """The data of a Messages stream's events."""
    usage = body.get("usage")
    held_back = {"content", "stop_reason", "stop_sequence", "stop_details"}
    message = {name: value for name, value in body.items() if name not in held_back}
    message |= {"content": [], "stop_reason": None, "stop_sequence": None}
    if isinstance(usage, Mapping):
        message["usage"] = {**usage, "output_tokens": 1}
    yield {"type": "message_start", "message": message}
    for index, block in enumerate(body.get("content") or ()):
        start, deltas = _block(block, split)
        yield {"type": "content_block_start", "index": index, "content_block": start}
        if index == 0:
            yield {"type": "ping"}
        for delta in deltas:
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    ended = {name: body.get(name) for name in ("stop_reason", "stop_sequence")}
    ended |= {name: body[name] for name in ("stop_details",) if name in body}
    last: dict[str, Any] = {"type": "message_delta", "delta": ended}
    if isinstance(usage, Mapping):
        last["usage"] = {name: value for name, value in usage.items() if name != "cache_creation"}
    yield last
    yield {"type": "message_stop"}


def _block(block: Mapping[str, Any], split: Split) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """How a content block starts, and the deltas that complete it."""
    kind = block.get("type")
    if kind == "text":
        start = {**block, "text": ""}
        deltas = [{"type": "text_delta", "text": piece} for piece in split(block.get("text") or "")]
        citations = block.get("citations")
        if citations:
            start["citations"] = []
            deltas += [{"type": "citations_delta", "citation": citation} for citation in citations]
        return start, deltas
    if kind == "thinking":
        start = {**block, "thinking": "", "signature": ""}
        deltas = [{"type": "thinking_delta", "thinking": piece} for piece in split(block.get("thinking") or "")]
        return start, [*deltas, {"type": "signature_delta", "signature": block.get("signature") or ""}]
    if kind in ("tool_use", "server_tool_use"):
        pieces = ["", *fragments(write(block.get("input", {})).decode())]
        return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
    return dict(block), []


def chat_events(body: Mapping[str, Any], split: Split, *, include_usage: bool) -> Iterator[dict[str, Any]]:
    """The data of a Chat Completions stream's chunks, all but the closing ``[DONE]``."""
    held_back = {"choices", "object", "usage"}
    head = {name: value for name, value in body.items() if name not in held_back}
    head["object"] = "chat.completion.chunk"
    usage = {"usage": None} if include_usage else {}
    for choice in body.get("choices") or ():
        index = choice.get("index", 0)
        for delta in _deltas(choice.get("message") or {}, split):
            yield {**head, "choices": [{"index": index, "delta": delta, "finish_reason": None}], **usage}
        rest = {name: value for name, value in choice.items() if name != "message"}
        yield {**head, "choices": [{**rest, "index": index, "delta": {}}], **usage}
    if include_usage and body.get("usage") is not None:
        yield {**head, "choices": [], "usage": body["usage"]}


def _deltas(message: Mapping[str, Any], split: Split) -> Iterator[dict[str, Any]]:
    content = message.get("content")
    first = {name: value for name, value in message.items() if name != "tool_calls"}
    yield {**first, "content": "" if isinstance(content, str) else content}
    for piece in split(content) if isinstance(content, str) else ():
        yield {"content": piece}
    for number, call in enumerate(message.get("tool_calls") or ()):
        function = call.get("function") or {}
        yield {"tool_calls": [{**call, "index": number, "function": {**function, "arguments": ""}}]}
        for piece in fragments(function.get("arguments") or ""):
            yield {"tool_calls": [{"index": number, "function": {"arguments": piece}}]}


def _named(data: dict[str, Any]) -> bytes:
    return Event(data["type"], write(data)).encode()

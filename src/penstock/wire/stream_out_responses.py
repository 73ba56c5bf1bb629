"""A plain Responses body as its event stream (provider-semantics 2.9)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import count
from typing import Any

Split = Callable[[str], list[str]]

_EMPTIED: Mapping[str, dict[str, Any]] = {
    "message": {"content": []},
    "function_call": {"arguments": ""},
    "reasoning": {"summary": []},
}
_FINAL = {"incomplete": "response.incomplete", "failed": "response.failed", "cancelled": "response.cancelled"}


def responses_events(body: Mapping[str, Any], split: Split, fragments: Split) -> Iterator[dict[str, Any]]:
    """The data of the stream's events, numbered from 0; ``split`` cuts text, ``fragments`` cuts JSON."""
    numbers = count()
    for data in _events(body, split, fragments):
        yield {**data, "sequence_number": next(numbers)}


def _events(body: Mapping[str, Any], split: Split, fragments: Split) -> Iterator[dict[str, Any]]:
    begun = {**body, "status": "in_progress", "output": [], "usage": None, "error": None, "incomplete_details": None}
    yield {"type": "response.created", "response": begun}
    yield {"type": "response.in_progress", "response": begun}
    for index, item in enumerate(body.get("output") or ()):
        yield from _item(index, item, split, fragments)
    yield {"type": _FINAL.get(body.get("status") or "", "response.completed"), "response": dict(body)}


def _item(index: int, item: Mapping[str, Any], split: Split, fragments: Split) -> Iterator[dict[str, Any]]:
    kind = item.get("type") or ""
    place = {"item_id": item.get("id"), "output_index": index}
    added = {**item, **_EMPTIED.get(kind, {})}
    if "status" in item:
        added["status"] = "in_progress"
    yield {"type": "response.output_item.added", "output_index": index, "item": added}
    if kind == "message":
        for number, part in enumerate(item.get("content") or ()):
            yield from _part({**place, "content_index": number}, part, split)
    elif kind == "function_call":
        arguments = item.get("arguments") or ""
        for piece in fragments(arguments):
            yield {"type": "response.function_call_arguments.delta", **place, "delta": piece}
        done = {"arguments": arguments, "name": item.get("name")}
        yield {"type": "response.function_call_arguments.done", **place, **done}
    elif kind == "reasoning":
        for number, part in enumerate(item.get("summary") or ()):
            yield from _summary({**place, "summary_index": number}, part, split)
    yield {"type": "response.output_item.done", "output_index": index, "item": dict(item)}


def _part(place: dict[str, Any], part: Mapping[str, Any], split: Split) -> Iterator[dict[str, Any]]:
    member, event = ("refusal", "refusal") if part.get("type") == "refusal" else ("text", "output_text")
    extra: dict[str, Any] = {"logprobs": []} if member == "text" else {}
    text = part.get(member) or ""
    yield {"type": "response.content_part.added", **place, "part": {**part, member: ""}}
    for piece in split(text):
        yield {"type": f"response.{event}.delta", **place, "delta": piece, **extra}
    yield {"type": f"response.{event}.done", **place, member: text, **extra}
    yield {"type": "response.content_part.done", **place, "part": dict(part)}


def _summary(place: dict[str, Any], part: Mapping[str, Any], split: Split) -> Iterator[dict[str, Any]]:
    text = part.get("text") or ""
    yield {"type": "response.reasoning_summary_part.added", **place, "part": {**part, "text": ""}}
    for piece in split(text):
        yield {"type": "response.reasoning_summary_text.delta", **place, "delta": piece}
    yield {"type": "response.reasoning_summary_text.done", **place, "text": text}
    yield {"type": "response.reasoning_summary_part.done", **place, "part": dict(part)}

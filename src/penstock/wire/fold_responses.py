"""Folding an OpenAI Responses stream (provider-semantics 2.9).

The last event carries the whole response, which is then the body byte for byte. Of a stream that was cut before it,
the body is the response as created with the items that had come, the last of them as far as its deltas went.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from penstock.wire.answer import responses_finish
from penstock.wire.dialect import Dialect
from penstock.wire.errors import ProviderError, read_error
from penstock.wire.folding import Pieces, data_of, index_of, write
from penstock.wire.raw import UNREADABLE
from penstock.wire.sse import Event
from penstock.wire.usage import Usage
from penstock.wire.usage_of import usage_of

_FINAL = frozenset({"response.completed", "response.incomplete", "response.failed", "response.cancelled"})
_PART_DELTAS = {
    "response.output_text.delta": "text",
    "response.refusal.delta": "refusal",
    "response.reasoning_text.delta": "text",
}


class _Wrapped(msgspec.Struct):
    response: msgspec.Raw = msgspec.Raw(b"")


_wrapped = msgspec.json.Decoder(_Wrapped)


class _Item:
    """An output item that grows."""

    __slots__ = ("done", "parts", "pieces", "start", "summaries")

    def __init__(self, start: dict[str, Any]) -> None:
        self.start = start
        self.done = False
        self.pieces = Pieces()
        self.parts: dict[int, tuple[dict[str, Any], Pieces]] = {}
        self.summaries: dict[int, Pieces] = {}

    def body(self) -> dict[str, Any]:
        if self.done:
            return self.start
        item = dict(self.start)
        for name in self.pieces.names():
            item[name] = self.pieces.text(name)
        if self.parts:
            item["content"] = [_part_body(*self.parts[index]) for index in sorted(self.parts)]
        if self.summaries:
            texts = [self.summaries[index].text("text") or "" for index in sorted(self.summaries)]
            item["summary"] = [{"type": "summary_text", "text": text} for text in texts]
        return item


def _part_body(part: dict[str, Any], pieces: Pieces) -> dict[str, Any]:
    return {**part, **{name: pieces.text(name) for name in pieces.names()}}


class ResponsesFold:
    """Folds the dialect ``openai.responses``."""

    def __init__(self) -> None:
        self.complete = False
        self.first_content_seen = False
        self.error: ProviderError | None = None
        self._final: bytes | None = None
        self._response: dict[str, Any] = {}
        self._items: dict[int, _Item] = {}

    def add_all(self, events: Sequence[Event]) -> None:
        """Take the next events."""
        for event in events:
            self._add(event)

    def _add(self, event: Event) -> None:
        data = data_of(event)
        if data is None:
            return
        kind = data.get("type", event.name)
        if kind == "error" or (kind not in _FINAL and data.get("error")):
            self.error = read_error(data) or ProviderError(kind="", message="")
        elif isinstance(data.get("response"), dict):
            self._response = data["response"]
            if kind in _FINAL:
                self._end(event)
        elif isinstance(kind, str) and kind.startswith("response."):
            self._grow(kind, data)

    def body(self) -> bytes:
        """The response so far."""
        if self._final is not None:
            return self._final
        if not self._response:
            return b"{}"
        return write({**self._response, "output": [self._items[index].body() for index in sorted(self._items)]})

    def usage(self) -> Usage | None:
        """From the latest snapshot of the response."""
        return usage_of(Dialect.OPENAI_RESPONSES, self._response)

    def finish(self) -> str | None:
        """From the final response's status."""
        if self._final is None:
            return None
        output = self._response.get("output")
        items = output if isinstance(output, list) else []
        called = any(isinstance(item, dict) and item.get("type") == "function_call" for item in items)
        return responses_finish(self._response, called=called)

    def _end(self, event: Event) -> None:
        self.complete = True
        try:
            self._final = bytes(_wrapped.decode(event.data).response)
        except UNREADABLE:
            self._final = write(self._response)
        if self._response.get("error"):
            self.error = read_error(self._response) or ProviderError(kind="", message="")

    def _grow(self, kind: str, data: dict[str, Any]) -> None:
        index = index_of(data, "output_index")
        if index is None:
            return
        self.first_content_seen = True
        if kind in ("response.output_item.added", "response.output_item.done"):
            if isinstance(data.get("item"), dict):
                self._items[index] = _Item(data["item"])
                self._items[index].done = kind.endswith("done")
            return
        item = self._items.get(index)
        if item is None:
            return
        place = index_of(data, "content_index")
        if kind == "response.content_part.added" and place is not None and isinstance(data.get("part"), dict):
            item.parts[place] = (data["part"], Pieces())
        elif kind in _PART_DELTAS and place in item.parts:
            item.parts[place][1].add(_PART_DELTAS[kind], data.get("delta"))
        elif kind == "response.function_call_arguments.delta":
            item.pieces.add("arguments", data.get("delta"))
        elif kind == "response.reasoning_summary_text.delta":
            summary = index_of(data, "summary_index") or 0
            item.summaries.setdefault(summary, Pieces()).add("text", data.get("delta"))

"""Folding an Anthropic Messages stream (provider-semantics 1.12).

``message_start`` carries the message with its input-side usage; blocks start, grow and stop by index;
``message_delta`` brings how it ended and overwrites the usage counters that it has, all but the ``cache_creation``
split, which only ``message_start`` knows; ``message_stop`` ends it. ``error`` can come at any time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from penstock.wire.answer import finish_of
from penstock.wire.dialect import Dialect
from penstock.wire.errors import ProviderError, read_error
from penstock.wire.folding import Pieces, Template, data_of, index_of, write
from penstock.wire.raw import UNREADABLE
from penstock.wire.sse import Event
from penstock.wire.usage import Usage
from penstock.wire.usage_of import usage_of

_ONLY_TEXT: dict[Any, str] = {"text_delta": "text", "thinking_delta": "thinking"}
_TEXT_DELTAS = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature"}


class _Block:
    """A content block that grows."""

    __slots__ = ("citations", "json", "pieces", "start")

    def __init__(self, start: dict[str, Any]) -> None:
        self.start = start
        self.pieces = Pieces()
        self.json: list[str] = []
        self.citations: list[Any] = []

    def add(self, delta: dict[str, Any]) -> None:
        kind = delta.get("type")
        if kind in _TEXT_DELTAS:
            name = _TEXT_DELTAS[kind]
            self.pieces.add(name, delta.get(name))
        elif kind == "input_json_delta" and isinstance(delta.get("partial_json"), str):
            self.json.append(delta["partial_json"])
        elif kind == "citations_delta":
            self.citations.append(delta.get("citation"))

    def body(self) -> dict[str, Any]:
        """The block so far; input that is not whole JSON yet stays as it started."""
        block = dict(self.start)
        for name in self.pieces.names():
            begun = block.get(name)
            block[name] = (begun if isinstance(begun, str) else "") + (self.pieces.text(name) or "")
        if self.citations:
            begun = block.get("citations")
            block["citations"] = [*(begun if isinstance(begun, list) else []), *self.citations]
        written = "".join(self.json).encode("utf-8", "surrogatepass")
        if written.strip():
            try:
                block["input"] = msgspec.Raw(msgspec.json.decode(written, type=msgspec.Raw))
            except UNREADABLE:
                return block
        return block


class AnthropicFold:
    """Folds the dialect ``anthropic.messages``."""

    def __init__(self) -> None:
        self.complete = False
        self.first_content_seen = False
        self.error: ProviderError | None = None
        self._message: dict[str, Any] = {}
        self._blocks: dict[int, _Block] = {}
        self._template = Template()
        self._growing: tuple[Pieces, str] | None = None

    def add_all(self, events: Sequence[Event]) -> None:
        """Take the next events."""
        at = 0
        while at < len(events):
            text, at = self._template.run(events, at)
            if text and self._growing is not None:
                pieces, member = self._growing
                pieces.add(member, text)
            if at < len(events):
                self._template.forget()
                self._add(events[at])
                at += 1

    def _add(self, event: Event) -> None:
        data = data_of(event)
        if data is None:
            return
        kind = data.get("type", event.name)
        if kind == "message_start" and isinstance(data.get("message"), dict):
            self._message = data["message"]
        elif kind in ("content_block_start", "content_block_delta"):
            self._block(kind, data)
            self._learn(event.data, data)
        elif kind == "message_delta":
            self._delta(data)
        elif kind == "message_stop":
            self.complete = True
        elif kind == "error":
            self.error = read_error(data) or ProviderError(kind="", message="")

    def body(self) -> bytes:
        """The message so far."""
        if not self._message:
            return b"{}"
        begun = self._message.get("content")
        blocks = [self._blocks[index].body() for index in sorted(self._blocks)]
        return write({**self._message, "content": [*(begun if isinstance(begun, list) else []), *blocks]})

    def usage(self) -> Usage | None:
        """The counters of ``message_start`` under those of ``message_delta``."""
        return usage_of(Dialect.ANTHROPIC_MESSAGES, self._message)

    def finish(self) -> str | None:
        """From the stop reason."""
        reason = self._message.get("stop_reason")
        return finish_of(reason) if isinstance(reason, str) else None

    def _block(self, kind: str, data: dict[str, Any]) -> None:
        index = index_of(data)
        inner = data.get("content_block" if kind == "content_block_start" else "delta")
        if index is None or not isinstance(inner, dict):
            return
        self.first_content_seen = True
        if kind == "content_block_start":
            self._blocks[index] = _Block(inner)
        elif index in self._blocks:
            self._blocks[index].add(inner)

    def _learn(self, raw: bytes, data: dict[str, Any]) -> None:
        """Remember an event that only adds text to a block."""
        delta, index = data.get("delta"), index_of(data)
        block = None if index is None else self._blocks.get(index)
        if data.get("type") != "content_block_delta" or not isinstance(delta, dict) or block is None:
            return
        member = _ONLY_TEXT.get(delta.get("type"))
        text = None if member is None else delta.get(member)
        if member is not None and isinstance(text, str):
            self._growing = (block.pieces, member)
            self._template.learn(raw, member, text)

    def _delta(self, data: dict[str, Any]) -> None:
        delta = data.get("delta")
        if isinstance(delta, dict):
            self._message.update(delta)
        usage = data.get("usage")
        if isinstance(usage, dict):
            begun = self._message.get("usage")
            merged = dict(begun) if isinstance(begun, dict) else {}
            for name, value in usage.items():
                if value is not None and not (name == "cache_creation" and merged.get(name) is not None):
                    merged[name] = value
            self._message["usage"] = merged
        for name, value in data.items():
            if name not in ("type", "delta", "usage"):
                self._message[name] = value

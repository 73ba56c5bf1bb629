"""A request body with meaning: model, parameters, ordered segments, and the operations that move cache markers.

A view is read in one C pass over the body; segments, parameters and offsets are worked out when first asked for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec

from penstock.errors import MalformedRequest
from penstock.wire.anthropic_messages import AnthropicMessages
from penstock.wire.body import Operation, apply_to
from penstock.wire.dialect import Dialect
from penstock.wire.openai_chat import OpenAIChat
from penstock.wire.openai_responses import OpenAIResponses
from penstock.wire.raw import UNREADABLE, Raw, is_given
from penstock.wire.reader import Fields, Reader
from penstock.wire.segments import Marker, Path, Segment
from penstock.wire.walk import Body

READERS: Mapping[Dialect, Reader] = {
    Dialect.ANTHROPIC_MESSAGES: AnthropicMessages(),
    Dialect.OPENAI_CHAT: OpenAIChat(),
    Dialect.OPENAI_RESPONSES: OpenAIResponses(),
}

_members = msgspec.json.Decoder(dict[str, Raw])
_missing = object()
_BRACKET = ord("[")


class View:
    """One request as its dialect reads it. Made by ``read_request``; never changes.

    Attributes:
        dialect: the API that the body is for.
        raw: the body, byte for byte.
        model: the model asked for.
    """

    __slots__ = ("_body", "_decoded", "_fields", "_params", "_reader", "_segments", "dialect", "model", "raw")

    def __init__(self, dialect: Dialect, raw: bytes, reader: Reader, fields: Fields) -> None:
        """For ``read_request``."""
        self.dialect = dialect
        self.raw = raw
        self.model = fields.model
        self._reader = reader
        self._fields = fields
        self._body: Body | None = None
        self._decoded: dict[str, Any] = {}
        self._params: Mapping[str, Raw] | None = None
        self._segments: tuple[Segment, ...] | None = None

    @property
    def stream(self) -> bool:
        """Whether the answer is asked for as a stream."""
        return bytes(self._fields.stream) == b"true"

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The prompt in render order: tools, system, messages."""
        if self._segments is None:
            self._segments = tuple(self._reader.segments(self._fields))
        return self._segments

    @property
    def params(self) -> Mapping[str, Raw]:
        """The top-level members that are not the prompt, as raw JSON, in the order of the body."""
        if self._params is None:
            prompt = self._reader.prompt_fields
            members = _members.decode(self.raw)
            found = {key: value for key, value in members.items() if key not in prompt}
            self._params = MappingProxyType(found)
        return self._params

    @property
    def automatic_marker(self) -> Marker | None:
        """The marker that the provider is asked to place by itself (Anthropic's top-level ``cache_control``)."""
        return self._reader.automatic_marker(self._fields)

    @property
    def cap(self) -> tuple[str, int] | None:
        """Name and value of the output cap, or None when the request sets none (or one that is no whole number)."""
        for name in self._reader.cap_fields:
            value = self.get(name)
            if isinstance(value, int) and not isinstance(value, bool):
                return name, value
        return None

    @property
    def message_count(self) -> int:
        """How many messages or input items the request has."""
        return len(self._reader.messages(self._fields)[1])

    @property
    def has_images(self) -> bool:
        """Whether an image stands anywhere in the prompt."""
        return any(segment.images for segment in self.segments)

    def get(self, *path: str | int) -> Any:
        """The decoded value at a path; None when it is absent or null. Integers of any size stay exact."""
        if not path or not isinstance(path[0], str) or path[0] in self._reader.prompt_fields:
            return self._located(path)
        value = self._top(path[0])
        for step in path[1:]:
            if isinstance(value, dict) and isinstance(step, str):
                value = value.get(step)
            elif isinstance(value, list) and isinstance(step, int) and 0 <= step < len(value):
                value = value[step]
            else:
                return None
        return value

    def has(self, *path: str | int) -> bool:
        """Whether something stands at a path, null included."""
        try:
            self.body.span(path)
        except MalformedRequest:
            return False
        return True

    def span(self, segment: Segment) -> tuple[int, int]:
        """Half-open byte offsets of a segment's JSON value in ``raw``."""
        return self.body.span(segment.path)

    def span_of(self, path: Path) -> tuple[int, int]:
        """Half-open byte offsets of the value at a path; MalformedRequest when nothing stands there."""
        return self.body.span(path)

    def apply(self, operations: Sequence[Operation]) -> bytes:
        """The body after some operations, as ``body.apply`` makes it; offsets found before are used again."""
        return apply_to(self.body, operations)

    @property
    def body(self) -> Body:
        """The body with its offsets; the messages are not decoded again to find them."""
        if self._body is None:
            self._body = Body(self.raw)
            name, messages = self._reader.messages(self._fields)
            if messages and self.raw[(start := self._body.span((name,))[0])] == _BRACKET:
                self._body.adopt(start, messages)
        return self._body

    def mark(self, segment: Segment, marker: Marker) -> Operation:
        """The operation that puts a cache marker on a segment; plain text becomes a list of one marked part.

        Raises:
            ValueError: when the segment cannot carry a marker.
        """
        if not segment.markable:
            raise ValueError("no marker may stand on that segment")
        value = self._reader.marker_json(marker)
        start, end = self.span(segment)
        if self.raw[start : start + 1] != b'"':
            return Operation((*segment.path, self._reader.marker_key), "set", value)
        part = b'[{"type":"%b","text":%b,"%b":%b}]' % (
            self._reader.text_type.encode(),
            self.raw[start:end],
            self._reader.marker_key.encode(),
            value,
        )
        return Operation(segment.path, "set", self._reader.wrap_text(segment.path, part))

    def parted(self, segment: Segment, pieces: Sequence[bytes], *, last: bool = False) -> list[Operation]:
        """The operations that put several text parts in a text's place.

        Args:
            segment: a text.
            pieces: JSON texts without their quotes, none blank, in order.
            last: whether the pieces after the first go to the end of the list that the text stands in.
        """
        kind = self._reader.text_type.encode()
        start, _ = self.span(segment)
        if self.raw[start : start + 1] == b'"':
            parts = b",".join(b'{"type":"%b","text":"%b"}' % (kind, piece) for piece in pieces)
            return [Operation(segment.path, "set", self._reader.wrap_text(segment.path, b"[" + parts + b"]"))]
        first, last_span = self.span_of((*segment.path, "type"))
        kind = self.raw[first:last_span]
        *above, index = segment.path
        beside = [one.path[-1] for one in self.segments if one.path[:-1] == segment.path[:-1]]
        place = 1 + max(at for at in (beside if last else [index]) if isinstance(at, int))
        return [
            Operation((*segment.path, "text"), "set", b'"%b"' % pieces[0]),
            *(Operation((*above, place), "insert", b'{"type":%b,"text":"%b"}' % (kind, one)) for one in pieces[1:]),
        ]

    def unmark(self, segment: Segment) -> Operation:
        """The operation that takes a segment's cache marker away; ValueError when it has none."""
        if segment.marker is None:
            raise ValueError("that segment has no marker")
        return Operation((*segment.path, self._reader.marker_key), "delete")

    def system_text(self) -> str:
        """The text of the system prompt, parts joined by a blank line."""
        return self._reader.system_text(self._fields)

    def tool_names(self) -> tuple[str, ...]:
        """The names of the tools, in their order."""
        return self._reader.tool_names(self._fields)

    def response_schema(self) -> bytes | None:
        """The JSON of the output schema that the request asks for, or None."""
        schema = self._reader.response_schema(self._fields)
        return None if schema is None else bytes(schema)

    def _top(self, name: str) -> Any:
        known = self._decoded.get(name, _missing)
        if known is _missing:
            raw = getattr(self._fields, name, None) if name in self._fields.__struct_encode_fields__ else None
            if not isinstance(raw, Raw):
                raw = self.params.get(name)
            known = self._decoded[name] = None if raw is None or not is_given(raw) else decoded(raw)
        return known

    def _located(self, path: Path) -> Any:
        try:
            start, end = self.body.span(path)
        except MalformedRequest:
            return None
        return decoded(memoryview(self.raw)[start:end])


def read_request(dialect: Dialect, raw: bytes) -> View:
    """The view of a request body.

    Raises:
        MalformedRequest: when the bytes are not UTF-8 JSON of the dialect's outer shape, or nest too deep to read.
            Nothing else, whatever the bytes are.
    """
    reader = READERS[dialect]
    try:
        if not raw.isascii():
            raw.decode()
        fields = reader.decode(raw)
    except msgspec.ValidationError:
        raise MalformedRequest(f"the body is not a request of {dialect.value}") from None
    except UNREADABLE:
        raise MalformedRequest("the body is not JSON") from None
    return View(dialect, raw, reader, fields)


def decoded(value: Raw | memoryview) -> Any:
    """A JSON value as Python objects; a number beyond a float's range is infinite, as in the standard library."""
    try:
        return msgspec.json.decode(value)
    except msgspec.ValidationError:
        return json.loads(bytes(value))
    except UNREADABLE:
        raise MalformedRequest("the body is not JSON") from None

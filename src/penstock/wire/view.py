"""A request body with meaning: model, parameters, ordered segments, and the operations that move cache markers.

A view is read in one C pass over the body; segments, parameters and offsets are worked out when first asked for. A view
made by `View.edited` from cache markers and parameters shares the segments of the one that it was made from.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from operator import attrgetter
from types import MappingProxyType
from typing import Any

import msgspec
from xxhash import xxh3_128_digest

from penstock.errors import MalformedRequest
from penstock.wire.anthropic_messages import AnthropicMessages
from penstock.wire.body import Operation, apply_to
from penstock.wire.dialect import Dialect
from penstock.wire.edited import edit_of
from penstock.wire.offsets import Top, element, inside, top_of
from penstock.wire.openai_chat import OpenAIChat
from penstock.wire.openai_responses import OpenAIResponses
from penstock.wire.outline import Hashes, Outline, hashes_of, outline_of
from penstock.wire.raw import UNREADABLE, Raw, is_given
from penstock.wire.reader import Fields, Reader
from penstock.wire.segments import Marker, Path, Segment
from penstock.wire.walk import Body

READERS: Mapping[Dialect, Reader] = {
    Dialect.ANTHROPIC_MESSAGES: AnthropicMessages(),
    Dialect.OPENAI_CHAT: OpenAIChat(),
    Dialect.OPENAI_RESPONSES: OpenAIResponses(),
}

_NAMES = tuple(name for name in Fields.__struct_fields__ if name not in ("model", "tools"))
_KNOWN = frozenset(_NAMES)
_params_of: Callable[[Fields], tuple[Raw, ...]] = attrgetter(*_NAMES)
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

    __slots__ = (
        "_body",
        "_decoded",
        "_fields",
        "_hashes",
        "_marks",
        "_outline",
        "_params",
        "_params_digest",
        "_reader",
        "_stale",
        "_top",
        "dialect",
        "model",
        "raw",
    )

    def __init__(self, dialect: Dialect, raw: bytes, reader: Reader, fields: Fields) -> None:
        """For ``read_request``."""
        self.dialect = dialect
        self.raw = raw
        self.model = fields.model
        self._reader = reader
        self._fields = fields
        self._stale = False
        self._body: Body | None = None
        self._top: Top | None = None
        self._decoded: dict[str, Any] = {}
        self._params: Mapping[str, Raw] | None = None
        self._params_digest: bytes | None = None
        self._hashes: Hashes | None = None
        self._outline: Outline | None = None
        self._marks: dict[tuple[Path, bytes], tuple[Segment, Marker]] = {}

    @property
    def stream(self) -> bool:
        """Whether the answer is asked for as a stream."""
        return bytes(self._fields.stream) == b"true"

    @property
    def outline(self) -> Outline:
        """The segments with the summaries that were asked of them."""
        if self._outline is None:
            hashes = self._hashes if self._hashes is not None else self.hash_prompt()
            self._outline = outline_of(self._reader.frame(self._prompt), hashes)
        return self._outline

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The prompt in render order: tools, system, messages."""
        return self.outline.segments

    @property
    def params_digest(self) -> bytes:
        """16 bytes of the raw JSON of the parameters that `Fields` names, as they stand; tools are not among them."""
        if self._params_digest is None:
            self._params_digest = xxh3_128_digest(b"\0".join(_params_of(self._fields)))
        return self._params_digest

    @property
    def tools_digest(self) -> bytes:
        """16 bytes of the raw JSON of the tools, markers included."""
        tools = self._fields.tools
        return xxh3_128_digest(tools) if len(tools) else b""

    def hash_prompt(self) -> Hashes:
        """Hash every message; what they hash to finds what is known of the prompt."""
        self._hashes = hashes_of(self._reader.frame(self._prompt))
        return self._hashes

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
        names = self._reader.cap_fields
        if self.lacks_all(names):
            return None
        for name in names:
            value = self.get(name)
            if isinstance(value, int) and not isinstance(value, bool):
                return name, value
        return None

    @property
    def message_count(self) -> int:
        """How many messages or input items the request has."""
        return len(self._reader.messages(self._fields)[1])  # markers move no message

    @property
    def has_images(self) -> bool:
        """Whether an image stands anywhere in the prompt."""
        return self.outline.tally.images > 0

    def get(self, *path: str | int) -> Any:
        """The decoded value at a path; None when it is absent or null. Integers of any size stay exact."""
        if not path or not isinstance(path[0], str) or path[0] in self._reader.prompt_fields:
            return self._located(path)
        value = self._member(path[0])
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
        if len(path) == 1 and path[0] in _KNOWN and path[0] not in self._reader.prompt_fields:
            return len(getattr(self._fields, path[0])) > 0
        try:
            self.body.span(path)
        except MalformedRequest:
            return False
        return True

    def span(self, segment: Segment) -> tuple[int, int]:
        """Half-open byte offsets of a segment's JSON value in ``raw``."""
        found = self._found(segment.path)
        return found if found is not None else self.body.span(segment.path)

    def span_of(self, path: Path) -> tuple[int, int]:
        """Half-open byte offsets of the value at a path; MalformedRequest when nothing stands there."""
        return self.body.span(path)

    def apply(self, operations: Sequence[Operation]) -> bytes:
        """The body after some operations, as ``body.apply`` makes it; offsets found before are used again."""
        return apply_to(self.body, operations)

    def edited(self, operations: Sequence[Operation]) -> View:
        """The request after some operations; MalformedRequest or ValueError as ``read_request`` and ``apply`` have it.

        Markers that ``mark`` made and parameters leave the text as it is, so it is not read again.
        """
        changes = edit_of(self, operations)
        if changes is None:
            return read_request(self.dialect, self.apply(operations))
        raw, fields, outline = changes
        view = View(self.dialect, raw, self._reader, fields)
        view._outline = outline
        view._stale = outline is not self._outline
        if fields is self._fields:  # markers are no parameters
            view._params_digest = self._params_digest
        return view

    @property
    def fields(self) -> Fields:
        """The top level as it was decoded; after an edit that only marks, the prompt's members as they were before."""
        return self._fields

    def marked_by(self, operation: Operation) -> tuple[int, Segment, Marker] | None:
        """Position, segment and marker of an operation that ``mark`` made."""
        found = self._marks.get((operation.path, operation.value))
        if found is None or operation.action != "set":
            return None
        segment, marker = found
        segments = self.segments
        for at in range(len(segments)) if segment.message < 0 else range(len(segments) - 1, -1, -1):
            if segments[at] is segment:
                return at, segment, marker
        return None

    def lacks(self, name: str) -> bool:
        """Whether a parameter that ``Fields`` names is not in the body."""
        return name in _KNOWN and name not in self._reader.prompt_fields and not len(getattr(self._fields, name))

    def lacks_all(self, names: tuple[str, ...]) -> bool:
        """Whether none of several parameters that ``Fields`` names is in the body."""
        return not any(_given(names)(self._fields))

    def reads_alike(self, fields: Fields) -> bool:
        """Whether the prompt reads the same with other fields: whether a marker without a lifetime lives as long."""
        return fields is self._fields or self._reader.frame(fields).content is self._reader.frame(self._fields).content

    @property
    def body(self) -> Body:
        """The body with its offsets; the messages are not decoded again to find them."""
        if self._body is None:
            self._body = Body(self.raw)
            name, messages = self._reader.messages(self._prompt)
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
        if isinstance(segment.path[-1], int):
            operation = Operation((*segment.path, self._reader.marker_key), "set", value)
        else:
            start, end = self.span(segment)
            part = b'[{"type":"%b","text":%b,"%b":%b}]' % (
                self._reader.text_type.encode(),
                self.raw[start:end],
                self._reader.marker_key.encode(),
                value,
            )
            operation = Operation(segment.path, "set", self._reader.wrap_text(segment.path, part))
        self._marks[operation.path, operation.value] = (segment, marker)
        return operation

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
        return self._reader.system_text(self._prompt)

    def tool_names(self) -> tuple[str, ...]:
        """The names of the tools, in their order."""
        return self._reader.tool_names(self._fields)  # markers rename no tool

    def response_schema(self) -> bytes | None:
        """The JSON of the output schema that the request asks for, or None."""
        schema = self._reader.response_schema(self._fields)
        return None if schema is None else bytes(schema)

    @property
    def _prompt(self) -> Fields:
        """The fields with the prompt as it stands in the body."""
        if self._stale:
            self._fields = self._reader.decode(self.raw)
            self._stale = False
        return self._fields

    def _found(self, path: Path) -> tuple[int, int] | None:
        """The span of a value in the prompt by the lengths of what was decoded; None where that does not tell."""
        top = self.top
        if top is None or not path or not isinstance(path[0], str):
            return None
        name, items = self._reader.messages(self._prompt)
        if path[0] != name:
            value = getattr(self._fields, path[0], None)
            span = top.spans.get(path[0])
            rest = path[1:]
        else:
            if len(path) == 1 or not isinstance(path[1], int) or path[1] >= len(items):
                return None
            span, value, rest = element(self.raw, top.arrays[name], path[1]), items[path[1]], path[2:]
        if span is None or not isinstance(value, Raw):
            return None
        found = inside(self.raw, span, value, rest)
        return None if found is None else found[0]

    @property
    def top(self) -> Top | None:
        """Where the members of the top level stand, if the lengths of what was decoded tell."""
        if self._top is None:
            name, items = self._reader.messages(self._prompt)
            self._top = top_of(self.raw, self._raw_field, name, items)
        return self._top

    def _raw_field(self, name: str) -> Raw | None:
        value = getattr(self._fields, name, None)
        return value if isinstance(value, Raw) else None

    def _member(self, name: str) -> Any:
        known = self._decoded.get(name, _missing)
        if known is _missing:
            raw = getattr(self._fields, name) if name in _KNOWN else self.params.get(name)
            known = self._decoded[name] = None if raw is None or not is_given(raw) else decoded(raw)
        return known

    def _located(self, path: Path) -> Any:
        try:
            found = self._found(path)
            start, end = found if found is not None else self.body.span(path)
        except MalformedRequest:
            return None
        return decoded(memoryview(self.raw)[start:end])


@lru_cache(maxsize=64)
def _given(names: tuple[str, ...]) -> Callable[[Fields], tuple[Raw, ...]]:
    """What reads the raw JSON of several fields, which is empty where one is absent."""
    return attrgetter(*names, names[0])  # of a single name it would not make a tuple


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

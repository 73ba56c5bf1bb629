"""Where the values of a JSON body stand, as byte offsets.

A value is found by walking, never by searching: each object or array on the path is decoded one level deep into
``msgspec.Raw`` slices and the offsets follow from the slices' lengths. The cost is one C pass over each container on
the path plus a step per entry; big values are never scanned in Python. An object with a repeated key does not match
that walk (the last value counts, as in every JSON reader) and falls back to a tokenising scan.
"""

from __future__ import annotations

import re

import msgspec

from penstock.errors import MalformedRequest
from penstock.wire.raw import UNREADABLE
from penstock.wire.segments import Path

_Raw = msgspec.Raw
_SPACES = b" \t\n\r"
_SPACE = re.compile(rb"[ \t\n\r]*")
_KEY = re.compile(rb'[ \t\n\r]*"((?:[^"\\]++|\\.)*+)"[ \t\n\r]*:[ \t\n\r]*')
_SEPARATOR = re.compile(rb"[ \t\n\r]*([,\]}])[ \t\n\r]*")
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[\[\]{}]')
_SCALAR = re.compile(rb"[^ \t\n\r,\]}]+")
_COMMA, _SPACE_BYTE, _CLOSING_BRACE = b", }"

_object = msgspec.json.Decoder(dict[str, _Raw])
_array = msgspec.json.Decoder(list[_Raw])
_anything = msgspec.json.Decoder(_Raw)


class Container(msgspec.Struct):
    """The entries of one object or array in the order of the body, repeated keys included; offsets in bytes.

    Attributes:
        inside: the first byte after the opening bracket.
        starts: where each member (its key's quote) or element starts.
        values: where each value starts; for an array the same as ``starts``.
        ends: one past each value's last byte.
        keys: each member's name; None for an array.
        last: for an object the index of the entry that counts for each key.
    """

    inside: int
    starts: list[int]
    values: list[int]
    ends: list[int]
    keys: list[str] | None = None
    last: dict[str, int] = {}

    @property
    def is_object(self) -> bool:
        """Whether it is an object."""
        return self.keys is not None

    def find(self, step: str | int) -> int | None:
        """The index of the entry under a key or of an array element; None when there is none."""
        if isinstance(step, str):
            return self.last.get(step)
        return step if self.keys is None and 0 <= step < len(self.starts) else None


class Body:
    """A JSON body with the offsets found so far. Unchanging from outside; keeps what it has located."""

    __slots__ = ("_containers", "raw")

    def __init__(self, raw: bytes) -> None:
        """Takes the bytes as they are; nothing is read until a place is asked for."""
        self.raw = raw
        self._containers: dict[int, Container] = {}

    def span(self, path: Path) -> tuple[int, int]:
        """Half-open byte offsets of the value at a path.

        Raises:
            MalformedRequest: when the body is not JSON or has nothing at that place.
        """
        start = _space_end(self.raw, 0)
        end = len(self.raw)
        if not path:
            return start, start + self._root_length()
        for step in path:
            container = self.container((start, end))
            index = container.find(step)
            if index is None:
                raise MalformedRequest("the body has nothing at that path")
            start, end = container.values[index], container.ends[index]
        return start, end

    def container(self, span: tuple[int, int]) -> Container:
        """The entries of the object or array in a span; MalformedRequest when it is a scalar.

        White space may follow the value in its span.
        """
        known = self._containers.get(span[0])
        if known is None:
            known = self._containers[span[0]] = _read_container(self.raw, *span)
        return known

    def adopt(self, start: int, elements: list[msgspec.Raw]) -> None:
        """Take over the elements of the array that starts at an offset, decoded by someone else."""
        self._containers[start] = _walk_array(self.raw, start, elements)

    def _root_length(self) -> int:
        try:
            return len(_anything.decode(self.raw))
        except UNREADABLE:
            raise MalformedRequest("the body is not JSON") from None


def _read_container(raw: bytes, start: int, end: int) -> Container:
    first = raw[start : start + 1]
    try:
        if first == b"{":
            members = _object.decode(memoryview(raw)[start:end])
            return _walk_object(raw, start, members) or _scan_object(raw, start)
        if first == b"[":
            return _walk_array(raw, start, _array.decode(memoryview(raw)[start:end]))
    except UNREADABLE:
        raise MalformedRequest("the body is not JSON") from None
    raise MalformedRequest("the body has nothing at that path")


def _walk_array(raw: bytes, start: int, values: list[msgspec.Raw]) -> Container:
    position = _space_end(raw, start + 1)
    starts: list[int] = []
    ends: list[int] = []
    for value in values:
        stop = position + len(value)
        starts.append(position)
        ends.append(stop)
        # The two usual separators, then any other.
        if raw[stop] == _COMMA and raw[stop + 1] not in _SPACES:
            position = stop + 1
        elif raw[stop] == _COMMA and raw[stop + 1] == _SPACE_BYTE and raw[stop + 2] not in _SPACES:
            position = stop + 2
        else:
            position = _separator(raw, stop)[1]
    return Container(start + 1, starts, starts, ends)


def _walk_object(raw: bytes, start: int, members: dict[str, msgspec.Raw]) -> Container | None:
    """None when the members do not stand in the body one after the other: some key is repeated.

    Each key and each value is compared with the body where the walk expects it. A JSON value that is followed by a
    separator is delimited by itself, so a walk that matches up to the closing brace has seen every member once.
    """
    position = start + 1
    found = Container(start + 1, [], [], [], list(members))
    mark = _CLOSING_BRACE
    for key, value in members.items():
        name = _KEY.match(raw, position)
        if name is None or _key_text(name[1]) != key or not raw.startswith(value, name.end()):
            return None
        stop = name.end() + len(value)
        found.starts.append(name.start(1) - 1)
        found.values.append(name.end())
        found.ends.append(stop)
        mark, position = _separator(raw, stop)
    if mark != _CLOSING_BRACE:
        return None
    found.last = {key: index for index, key in enumerate(members)}
    return found


def _scan_object(raw: bytes, start: int) -> Container:
    """The same by tokens, repeated keys included. What starts there is known to be a well-formed object."""
    position = start + 1
    keys: list[str] = []
    found = Container(start + 1, [], [], [], keys)
    mark = _COMMA
    while mark == _COMMA:
        name = _KEY.match(raw, position)
        if name is None:
            raise MalformedRequest("the body is not JSON")
        stop = value_end(raw, name.end())
        keys.append(_key_text(name[1]))
        found.starts.append(name.start(1) - 1)
        found.values.append(name.end())
        found.ends.append(stop)
        mark, position = _separator(raw, stop)
    found.last = {key: index for index, key in enumerate(keys)}
    return found


def value_end(raw: bytes, position: int) -> int:
    """One past the last byte of the value that starts at a position of a well-formed body, by its tokens."""
    if raw[position] not in b'"[{':
        scalar = _SCALAR.match(raw, position)
        return scalar.end() if scalar else position
    depth = 0
    for token in _TOKEN.finditer(raw, position):
        mark = raw[token.start()]
        if mark in b"[{":
            depth += 1
        elif mark in b"]}":
            depth -= 1
        if depth == 0:
            return token.end()
    raise MalformedRequest("the body is not JSON")


def _separator(raw: bytes, position: int) -> tuple[int, int]:
    """The separator or bracket after a value, and where what follows it starts; (0, position) if there is none."""
    found = _SEPARATOR.match(raw, position)
    return (raw[found.start(1)], found.end()) if found else (0, position)


def _space_end(raw: bytes, position: int) -> int:
    found = _SPACE.match(raw, position)
    return found.end() if found else position


def _key_text(key: bytes) -> str:
    if b"\\" in key:
        text: str = msgspec.json.decode(b'"' + key + b'"', type=str)
        return text
    return key.decode("utf-8", "replace")

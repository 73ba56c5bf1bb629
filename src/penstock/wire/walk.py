"""Where the values of a JSON body stand, as byte offsets.

A value is found by walking, never by searching: each object or array on the path is decoded one level deep into
``msgspec.Raw`` slices and the offsets follow from the slices' lengths. The cost is one C pass over each container on
the path plus a step per entry; big values are never scanned in Python. An object with a repeated key does not match
that walk (the last value counts, as in every JSON reader) and falls back to a tokenising scan.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import msgspec

from penstock.errors import MalformedRequest
from penstock.wire.segments import Path

_Raw = msgspec.Raw
_KEY = re.compile(rb'[ \t\n\r]*"((?:[^"\\]++|\\.)*+)"[ \t\n\r]*:[ \t\n\r]*')
_SPACE = re.compile(rb"[ \t\n\r]*")
_SEPARATOR = re.compile(rb"[ \t\n\r]*([,\]}])[ \t\n\r]*")
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[\[\]{}]')
_SCALAR = re.compile(rb"[^ \t\n\r,\]}]+")

_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_object = msgspec.json.Decoder(dict[str, _Raw])
_array = msgspec.json.Decoder(list[_Raw])
_anything = msgspec.json.Decoder(_Raw)


class Entry(NamedTuple):
    """One member of an object or element of an array, as byte offsets in the body.

    Attributes:
        key: the member's name, None in an array.
        start: where the member starts: its key's quote, or the element's first byte.
        value: where its value starts.
        end: one past its value's last byte.
    """

    key: str | None
    start: int
    value: int
    end: int


class Container(NamedTuple):
    """The entries of one object or array.

    Attributes:
        is_object: whether it is an object.
        inside: the first byte after the opening bracket.
        entries: in the order of the body, repeated keys included.
        last: for an object the index in ``entries`` that counts for each key.
    """

    is_object: bool
    inside: int
    entries: list[Entry]
    last: dict[str, int]


class Body:
    """A JSON body with the offsets found so far. Immutable from outside; keeps what it has located."""

    __slots__ = ("_containers", "_root", "raw")

    def __init__(self, raw: bytes) -> None:
        """Takes the bytes as they are; nothing is read until a place is asked for."""
        self.raw = raw
        self._containers: dict[int, Container] = {}
        self._root: tuple[int, int] | None = None

    def span(self, path: Path) -> tuple[int, int]:
        """Half-open byte offsets of the value at a path.

        Raises:
            MalformedRequest: when the body is not JSON or has nothing at that place.
        """
        span = self._root_span()
        for step in path:
            span = self._step(span, step)
        return span

    def container(self, span: tuple[int, int]) -> Container:
        """The entries of the object or array that fills a span; MalformedRequest when it is a scalar."""
        known = self._containers.get(span[0])
        if known is None:
            known = self._containers[span[0]] = _read_container(self.raw, span)
        return known

    def _root_span(self) -> tuple[int, int]:
        if self._root is None:
            try:
                value = _anything.decode(self.raw)
            except _UNREADABLE:
                raise MalformedRequest("the body is not JSON") from None
            start = _space_end(self.raw, 0)
            self._root = (start, start + len(value))
        return self._root

    def _step(self, span: tuple[int, int], step: str | int) -> tuple[int, int]:
        container = self.container(span)
        index = find(container, step)
        if index is None:
            raise MalformedRequest("the body has nothing at that path")
        entry = container.entries[index]
        return entry.value, entry.end


def find(container: Container, step: str | int) -> int | None:
    """The index in ``entries`` of a key or of an array index, or None when the container has no such entry."""
    if isinstance(step, str):
        return container.last.get(step) if container.is_object else None
    if container.is_object or not 0 <= step < len(container.entries):
        return None
    return step


def _read_container(raw: bytes, span: tuple[int, int]) -> Container:
    start, end = span
    first = raw[start : start + 1]
    try:
        if first == b"{":
            members = _object.decode(memoryview(raw)[start:end])
            return _walk_object(raw, span, members) or _scan_object(raw, span)
        if first == b"[":
            return _walk_array(raw, start, _array.decode(memoryview(raw)[start:end]))
    except _UNREADABLE:
        raise MalformedRequest("the body is not JSON") from None
    raise MalformedRequest("the body has nothing at that path")


def _walk_array(raw: bytes, start: int, values: list[msgspec.Raw]) -> Container:
    position = _space_end(raw, start + 1)
    entries: list[Entry] = []
    for value in values:
        stop = position + len(value)
        entries.append(Entry(None, position, position, stop))
        position = _separator(raw, stop)[1]
    return Container(is_object=False, inside=start + 1, entries=entries, last={})


def _walk_object(raw: bytes, span: tuple[int, int], members: dict[str, msgspec.Raw]) -> Container | None:
    """None when the members do not stand in the body one after the other: some key is repeated."""
    start, end = span
    position = start + 1
    entries: list[Entry] = []
    last: dict[str, int] = {}
    mark = 0
    for key, value in members.items():
        found = _KEY.match(raw, position)
        if found is None or _key_text(found[1]) != key or not raw.startswith(value, found.end()):
            return None
        stop = found.end() + len(value)
        last[key] = len(entries)
        entries.append(Entry(key, found.start(1) - 1, found.end(), stop))
        mark, position = _separator(raw, stop)
    if entries and (mark != ord("}") or position < end):
        return None
    return Container(is_object=True, inside=start + 1, entries=entries, last=last)


def _scan_object(raw: bytes, span: tuple[int, int]) -> Container:
    """The same by tokens, repeated keys included. The span is known to hold a well-formed object."""
    position = span[0] + 1
    entries: list[Entry] = []
    last: dict[str, int] = {}
    mark = ord(",")
    while mark == ord(","):
        found = _KEY.match(raw, position)
        if found is None:
            raise MalformedRequest("the body is not JSON")
        key = _key_text(found[1])
        stop = _value_end(raw, found.end())
        last[key] = len(entries)
        entries.append(Entry(key, found.start(1) - 1, found.end(), stop))
        mark, position = _separator(raw, stop)
    return Container(is_object=True, inside=span[0] + 1, entries=entries, last=last)


def _value_end(raw: bytes, position: int) -> int:
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
        decoded: str = msgspec.json.decode(b'"' + key + b'"', type=str)
        return decoded
    return key.decode("utf-8", "surrogateescape")

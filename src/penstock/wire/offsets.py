"""Where a few values of a body stand, worked out from the lengths of what was decoded already.

A body whose top level and messages are known as raw JSON needs no second pass to find a message: its offset is the sum
of the lengths before it. What is found is compared with the body; where anything does not fit (a repeated key, white
space that varies), nothing is claimed, and `walk.Body` finds the place by walking.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from penstock.wire.raw import Raw, list_of, object_of
from penstock.wire.segments import Path
from penstock.wire.walk import value_end

_KEY = re.compile(rb'[ \t\n\r]*"([^"\\]*+)"[ \t\n\r]*:[ \t\n\r]*')
_NEXT = re.compile(rb'[ \t\n\r]*(?:,[ \t\n\r]*"([^"\\]*+)"[ \t\n\r]*:[ \t\n\r]*|})')
_SPACE = re.compile(rb"[ \t\n\r]*")
_SPACE_BYTE, _BRACKET, _CLOSING, _BRACE = b" [}{"
_CLOSING_BRACKET = ord("]")

Span = tuple[int, int]
"""Half-open byte offsets."""


class Array(NamedTuple):
    """An array of which every element is known: the first one's offset, bytes between two, and one past the last."""

    first: int
    gap: int
    end: int
    items: Sequence[Raw]


class Top(NamedTuple):
    """The top level of a body: where each member's value stands, and the arrays among them that were decoded."""

    spans: Mapping[str, Span]
    arrays: Mapping[str, Array]
    end: int
    """One past the last member's value: where another member can be added."""


def top_of(raw: bytes, known: Callable[[str], Raw | None], name: str, items: Sequence[Raw]) -> Top | None:
    """The top level of a body that was decoded, or None when it does not fit.

    Args:
        raw: the body.
        known: the raw JSON of the member of a name, where it was decoded.
        name: of the member that holds the messages.
        items: its elements.
    """
    position = _space_end(raw, 0)
    if raw[position] != _BRACE:
        return None
    spans: dict[str, Span] = {}
    arrays: dict[str, Array] = {}
    found = _KEY.match(raw, position + 1)
    while True:
        if found is None:
            return None
        key, start = found[1].decode("ascii", "replace"), found.end()
        if key in spans:
            return None
        if key == name:
            array = array_at(raw, start, items)
            if array is None:
                return None
            arrays[key] = array
            end = _space_end(raw, array.end) + 1
        else:
            value = known(key)
            if value is not None and len(value):
                if not raw.startswith(value, start):
                    return None
                end = start + len(value)
            else:
                end = value_end(raw, start)
        spans[key] = (start, end)
        found = _NEXT.match(raw, end)
        if found is not None and found[1] is None:
            return Top(spans, arrays, end)


def array_at(raw: bytes, start: int, items: Sequence[Raw]) -> Array | None:
    """The array of known elements that starts at an offset, when the same bytes stand between any two of them."""
    if not items or raw[start] != _BRACKET:
        return None
    first = _space_end(raw, start + 1)
    gap = 0
    if len(items) > 1:
        after = first + len(items[0])
        gap = _space_end(raw, _space_end(raw, after) + 1) - after
    end = first + sum(map(len, items)) + gap * (len(items) - 1)
    closing = _space_end(raw, end)
    if closing >= len(raw) or raw[closing] != _CLOSING_BRACKET or not raw.startswith(items[-1], end - len(items[-1])):
        return None
    return Array(first, gap, end, items)


def element(raw: bytes, array: Array, index: int) -> Span | None:
    """Where an element stands."""
    items = array.items
    if not 0 <= index < len(items):
        return None
    if index >= len(items) // 2:
        start = array.end - sum(map(len, items[index:])) - array.gap * (len(items) - 1 - index)
    else:
        start = array.first + sum(map(len, items[:index])) + array.gap * index
    value = items[index]
    return (start, start + len(value)) if raw.startswith(value, start) else None


def inside(raw: bytes, span: Span, value: Raw, path: Path) -> tuple[Span, Raw] | None:
    """The value at a path inside a value that stands at a span."""
    for step in path:
        found = _member(raw, span[0], value, step) if isinstance(step, str) else _element(raw, span[0], value, step)
        if found is None:
            return None
        span, value = found
    return span, value


def _member(raw: bytes, start: int, value: Raw, key: str) -> tuple[Span, Raw] | None:
    members = object_of(value)
    if not members:
        return None
    last = next(reversed(members))
    if last == key:
        inner, end, named = members[key], start + len(value) - 1, _named(key)
        begin = end - len(inner)
        colon = begin - (raw[begin - 1] == _SPACE_BYTE)
        if raw.startswith(inner, begin) and raw.startswith(named, colon - len(named)):
            return (begin, end), inner
    position = start + 1
    found = None
    for name, inner in members.items():
        match = _KEY.match(raw, position)
        if match is None or match[1] != name.encode() or not raw.startswith(inner, match.end()):
            return None
        end = match.end() + len(inner)
        if name == key:
            found = ((match.end(), end), inner)
        position = _space_end(raw, end) + 1
    return found if raw[position - 1] == _CLOSING else None


def _element(raw: bytes, start: int, value: Raw, index: int) -> tuple[Span, Raw] | None:
    items = list_of(value)
    if items is None:
        return None
    if index == len(items) - 1:
        end = start + len(value) - 1
        begin = end - len(items[index])
        if raw.startswith(items[index], begin):
            return (begin, end), items[index]
    array = array_at(raw, start, items)
    span = None if array is None else element(raw, array, index)
    return None if span is None else (span, items[index])


@lru_cache(maxsize=64)
def _named(key: str) -> bytes:
    """A member's name and its colon without a space; a key that would be escaped never matches."""
    return b'"%b":' % key.encode()


def _space_end(raw: bytes, position: int) -> int:
    if position < len(raw) and raw[position] > _SPACE_BYTE:
        return position
    found = _SPACE.match(raw, position)
    return found.end() if found else position

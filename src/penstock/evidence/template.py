"""Which lines of a system prompt stay the same from call to call, which vary, and of what kind these are.

Lines are known by their hashes; of the varying ones a few are kept until their kind is told.

The lines that the first three different texts share are the template. A text whose other lines are few and short, and
whose shared lines are those of the template in their order, is a filled-in template; any other text is left alone. A
template that stopped fitting loses the lines that changed (a date that turned), and never wins one back, so it cannot
waver.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from xxhash import xxh3_64_intdigest

from penstock.evidence.variation import varying_spans

MOST_LINES = 8
MOST_BYTES = 2_000
"""Varying lines beyond either are content, which has its place in the prompt."""
_FEWEST = 3
_COMPARED = 4
"""Texts whose varying lines are compared before their kinds are settled."""
_LEAST_SHARE = 0.8
_LONGEST = 4_000  # lines of a text that is looked at
_LINE_END = re.compile(rb"(?<!\\)(?:\\\\)*\\n")


class Line(NamedTuple):
    """One line of a JSON text: half-open byte offsets without the line's end, and a hash of it."""

    start: int
    end: int
    key: int


class Named(NamedTuple):
    """What varies in a line: its kind (`evidence.variation.Span`), and where, as half-open byte offsets in the text."""

    kind: str
    start: int
    end: int


class _Kind(NamedTuple):
    """The same, by the line's number among the varying ones and offsets in it."""

    line: int
    kind: str
    start: int
    end: int


def lines_of(text: bytes) -> list[Line]:
    """The lines of a JSON text (without its quotes), parted at its line ends."""
    found = []
    start = 0
    for match in _LINE_END.finditer(text):
        end = match.end() - 2
        found.append(Line(start, end, xxh3_64_intdigest(text[start:end])))
        start = match.end()
    found.append(Line(start, len(text), xxh3_64_intdigest(text[start:])))
    return found


class Template:
    """The template of one task's system prompt."""

    def __init__(self) -> None:
        self._shared: frozenset[int] | None = None
        self._texts = 0
        self._static: frozenset[int] = frozenset()
        self._order = 0
        self._versions: list[tuple[str, ...]] = []
        self._kinds: tuple[_Kind, ...] | None = None

    def varying(self, text: Sequence[Line]) -> tuple[tuple[int, int], ...]:
        """Offsets of the varying lines of a filled-in template when one of them stands before a static line."""
        if not self._static or _order([line for line in text if line.key in self._static]) != self._order:
            return ()
        varying = [index for index, line in enumerate(text) if line.key not in self._static]
        if not varying or not _few([text[index] for index in varying]):
            return ()
        last_static = max(index for index, line in enumerate(text) if line.key in self._static)
        if varying[0] > last_static:
            return ()
        return tuple((text[index].start, text[index].end) for index in varying)

    def named(self, text: bytes, varying: Sequence[tuple[int, int]]) -> tuple[Named, ...]:
        """What stands in the varying lines of a text; empty as long as there is nothing to compare it with.

        The lines of the first few texts are compared; what is found is kept and they are forgotten.
        """
        if not varying:
            return ()
        kinds = self._kinds
        if kinds is None:
            # One character for each byte, so that offsets are those of the text.
            lines = tuple(text[start:end].decode("latin-1") for start, end in varying)
            if self._versions and len(lines) != len(self._versions[0]):
                return ()
            if lines not in self._versions:
                self._versions.append(lines)
            kinds = _compared(self._versions)
            if len(self._versions) == _COMPARED:
                self._versions, self._kinds = [], kinds
        return tuple(
            Named(one.kind, varying[one.line][0] + one.start, min(varying[one.line][0] + one.end, varying[one.line][1]))
            for one in kinds
            if one.line < len(varying)
        )

    def add(self, text: Sequence[Line]) -> None:
        """A text that was not seen before."""
        if len(text) > _LONGEST:
            return
        keys = frozenset(line.key for line in text)
        if self._static and _order([line for line in text if line.key in self._static]) == self._order:
            self._shared, self._texts = None, 0
            return
        self._shared = keys if self._shared is None else self._shared & keys
        self._texts += 1
        if self._texts < _FEWEST:
            return
        static = self._shared & self._static if self._static else self._shared
        if not _fills(text, static):
            static = self._shared
        self._shared, self._texts = None, 0
        if _fills(text, static):
            self._static = static
            self._order = _order([line for line in text if line.key in static])


def _compared(versions: Sequence[tuple[str, ...]]) -> tuple[_Kind, ...]:
    """The kinds of what varies in some lines, offsets in the newest version."""
    newest, *others = reversed(versions)
    return tuple(
        _Kind(number, span.kind, span.start, span.end)
        for number, line in enumerate(newest)
        for span in varying_spans([line, *(other[number] for other in others)])
    )


def _fills(text: Sequence[Line], static: frozenset[int]) -> bool:
    """Whether most of a text is static."""
    whole = sum(line.end - line.start for line in text)
    return sum(line.end - line.start for line in text if line.key in static) >= _LEAST_SHARE * max(1, whole)


def _few(lines: Sequence[Line]) -> bool:
    return len(lines) <= MOST_LINES and sum(line.end - line.start for line in lines) <= MOST_BYTES


def _order(lines: Sequence[Line]) -> int:
    return xxh3_64_intdigest(b"".join(line.key.to_bytes(8, "big") for line in lines))

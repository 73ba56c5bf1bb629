"""A prompt's segments, remembered by the bytes that they were built from, so that a longer prompt costs what is new.

The head of a prompt (tools, system text) and each of its messages are hashed. A prompt that begins with the messages of
one that was seen before begins with that one's outline, found by the hashes, from the end back; only what follows is
read. Summaries of segments (`Outline.fold`) grow in the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec
from xxhash import xxh3_128_digest

from penstock.wire.chain import Build, Chain, Content
from penstock.wire.memo import Memo
from penstock.wire.raw import Raw
from penstock.wire.segments import Marker, Path, Segment
from penstock.wire.tally import NOTHING, Tally

V = TypeVar("V")

_DIGEST = 16
_MOST_FOLDS = 24
_SHARED = 6
"""A segment that an outline shares with a shorter one costs about so many times less memory than a new one."""
_missing: Any = object()


class Frame(NamedTuple):
    """A request's prompt before it is read.

    Attributes:
        content: how the dialect's parts are read.
        head: tools and system text: a name, what reads it, and its raw JSON.
        items: the messages or input items.
        build: what reads one of them.
    """

    content: Content
    head: Sequence[tuple[bytes, Build, Raw]]
    items: Sequence[Raw]
    build: Build


class Hashes(NamedTuple):
    """What a frame's bytes hash to: ``top`` for the head and the reading of it, 16 bytes of ``items`` for each item."""

    top: bytes
    items: bytes


class Outline:
    """A prompt's segments in render order, with the summaries that were asked of them. Unchanging from outside.

    Attributes:
        segments: tools, system, messages.
        marked: positions of those that carry a marker, in order.
        tally: what they add up to.
    """

    __slots__ = ("_folds", "_initial", "_parent", "_passing", "marked", "segments", "tally")

    def __init__(
        self,
        segments: tuple[Segment, ...] = (),
        parent: Outline | None = None,
        *,
        initial: bool = True,
        passing: bool = False,
    ) -> None:
        """``passing`` is an outline that nobody has asked for yet: no summary is made of it on the way to another."""
        self.segments = segments
        start = 0 if parent is None else len(parent.segments)
        before: tuple[int, ...] = () if parent is None else parent.marked
        tally: Tally = NOTHING if parent is None else parent.tally
        added = segments[start:]
        new = [position for position, segment in enumerate(added, start) if segment.marker is not None]
        self.marked: tuple[int, ...] = (*before, *new) if new else before
        self.tally: Tally = tally.adding(added)
        self._parent = parent
        self._passing = passing
        self._initial = initial
        self._folds: dict[Hashable, Any] = {}

    def fold(self, key: Hashable, step: Callable[[V, Sequence[Segment]], V], start: V) -> V:
        """A summary of all segments, worked out from that of a shorter prompt where it is known.

        Args:
            key: names the summary; equal keys have equal steps.
            step: the summary of more segments, from that of those before them. It may look at all of a segment but
                its marker and its path.
            start: the summary of none.
        """
        known: V = self._folds.get(key, _missing)
        if known is _missing:
            parent = self._settled_parent()
            if parent is None:
                known = step(start, self.segments)
            else:
                known = step(parent.fold(key, step, start), self.segments[len(parent.segments) :])
            if len(self._folds) >= _MOST_FOLDS:
                self._folds.clear()
            self._folds[key] = known
        return known

    def alike(self, other: Outline) -> bool:
        """Whether another outline is of the same text, because one was made from the other by moving markers."""
        return self._folds is other._folds

    def remembered(self, key: Hashable) -> Any:
        """A summary that was asked for before, or None."""
        return self._folds.get(key)

    def remarked(self, changes: Mapping[int, tuple[Marker | None, Path]]) -> Outline:
        """The same text with other markers: position -> the marker and the path of the segment that carries it."""
        segments = list(self.segments)
        for position, (marker, path) in changes.items():
            segments[position] = msgspec.structs.replace(segments[position], marker=marker, path=path)
        other = Outline.__new__(Outline)
        other.segments = tuple(segments)
        marked = {*self.marked, *changes}
        other.marked = tuple(position for position in sorted(marked) if segments[position].marker is not None)
        other.tally = self.tally
        other._parent, other._initial, other._folds = self._parent, self._initial, self._folds  # noqa: SLF001
        other._passing = False  # noqa: SLF001
        return other

    def _settled_parent(self) -> Outline | None:
        """The nearest outline before it that somebody asked for."""
        parent = self._parent
        while parent is not None and parent._passing:  # noqa: SLF001 - another outline
            parent = parent._parent  # noqa: SLF001
        return parent

    def settle(self) -> None:
        """Somebody asks for it: what it grew from is forgotten once its own summaries are known."""
        if not self._passing:
            self._parent = None
            return
        self._passing = False
        self._parent = parent = self._settled_parent()
        if parent is not None:
            parent._parent = None  # noqa: SLF001 - another outline

    def grown(self, frame: Frame, first: int, ends: Sequence[int]) -> list[Outline]:
        """The outlines with the items from ``first`` up to, not including, each end; only the last one is asked for."""
        chain = Chain(frame.content, self.segments, initial=self._initial)
        found: list[Outline] = []
        before = self
        for end in ends:
            for index in range(first, end):
                frame.build(chain, frame.items[index], index)
            first = end
            before = Outline(tuple(chain.segments), before, initial=chain.initial, passing=end < ends[-1])
            found.append(before)
        return found


MOST = 16_000
"""Segments of prompts seen lately, in each of two generations; about half a kilobyte each with what is kept of them."""

_known: Memo[bytes, Outline] = Memo(MOST)


def hashes_of(frame: Frame) -> Hashes:
    """The hashes of a prompt: one pass over its bytes."""
    names = [frame.content.context.encode(), frame.build.__name__.encode()]
    for name, _, value in frame.head:
        names += (name, xxh3_128_digest(value))
    return Hashes(xxh3_128_digest(b"\0".join(names)), b"".join(map(xxh3_128_digest, frame.items)))


def outline_of(frame: Frame, hashes: Hashes) -> Outline:
    """The outline of a prompt; what was read before is not read again."""
    top, items = hashes
    count = len(frame.items)
    view = memoryview(items)
    outline = None
    for start in range(count, -1, -1):
        outline = _known.get(top + xxh3_128_digest(view[: start * _DIGEST]))
        if outline is not None:
            break
    else:
        start = 0
        chain = Chain(frame.content)
        for _, build, value in frame.head:
            build(chain, value, -1)
        outline = Outline(tuple(chain.segments), initial=chain.initial)
        _known.put(top + xxh3_128_digest(b""), outline, _weight(outline))
    outline.settle()
    ends = _kept(start, count)
    grown = outline.grown(frame, start, ends)
    for end, one in zip(ends, grown, strict=True):
        _known.put(top + xxh3_128_digest(view[: end * _DIGEST]), one, _weight(one))
    return grown[-1] if grown else outline


def _kept(start: int, count: int) -> list[int]:
    """After how many items an outline is kept: at the end, and 1, 2, 4, 8... items before it.

    The next turn goes on from the end, a sibling from before the last message, and a client that moves its markers
    changes a few of the last messages.
    """
    if start >= count:
        return []
    ends = [count]
    back = 1
    while count - back > start:
        ends.append(count - back)
        back *= 2
    ends.reverse()
    return ends


def _weight(outline: Outline) -> int:
    parent = outline._parent  # noqa: SLF001 - this module's own class
    shared = 0 if parent is None else len(parent.segments)
    return len(outline.segments) - shared + shared // _SHARED + 1

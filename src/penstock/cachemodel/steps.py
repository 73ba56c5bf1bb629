"""A prompt as the rules walk it: where each block ends, what names each prefix, and where the markers stand.

It is worked out from blocks, or taken from a view's outline, which knows it of all but the newest blocks.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import accumulate
from typing import Protocol

import msgspec
from xxhash import xxh3_128_digest

from penstock.wire.segments import Level, Segment
from penstock.wire.view import View


class Part(Protocol):
    """A block of a prompt in render order: a ``prompt.Block``, or a view's segment."""

    @property
    def level(self) -> Level:
        """Tools, system or messages."""

    @property
    def kind(self) -> str:
        """As ``wire.segments.Segment.kind``."""

    @property
    def role(self) -> str:
        """As ``wire.segments.Segment.role``."""

    @property
    def message(self) -> int:
        """Index of its message, -1 for tools and top-level system text."""

    @property
    def ends_message(self) -> bool:
        """Whether it is the last block of its message."""

    @property
    def markable(self) -> bool:
        """Whether a marker may stand on it."""

    @property
    def digest(self) -> Hashable:
        """Equal digests are equal bytes."""


class MarkedPart(Part, Protocol):
    """A block that says its own tokens and marker."""

    @property
    def tokens(self) -> int:
        """The provider's count."""

    @property
    def marker(self) -> str | None:
        """The lifetime of its marker; empty for the request's default, None for no marker."""


class Steps(msgspec.Struct, frozen=True):
    """A prompt, block by block.

    Attributes:
        parts: the blocks.
        ends: tokens up to the end of each.
        prefixes: a name of everything up to the end of each; equal names are equal prefixes.
        marks: index and lifetime of each marked block, in order; an empty lifetime is the request's default.
        has_image: whether one of them is an image.
        has_thinking: whether one of them is thinking.
    """

    parts: Sequence[Part]
    ends: Sequence[int]
    prefixes: Sequence[Hashable]
    marks: Sequence[tuple[int, str]] = ()
    has_image: bool = False
    has_thinking: bool = False

    @property
    def total(self) -> int:
        """Tokens of the whole prompt."""
        return self.ends[-1] if self.ends else 0

    def tokens(self, index: int) -> int:
        """Tokens of one block."""
        return self.ends[index] - (self.ends[index - 1] if index else 0)


def steps_of(blocks: Sequence[MarkedPart]) -> Steps:
    """The steps of a prompt that is given by its blocks."""
    kinds = {block.kind for block in blocks}
    return Steps(
        parts=blocks,
        ends=list(accumulate(block.tokens for block in blocks)),
        prefixes=_prefixes(blocks),
        marks=[(index, block.marker) for index, block in enumerate(blocks) if block.marker is not None],
        has_image="image" in kinds,
        has_thinking=any(kind.endswith("thinking") for kind in kinds),
    )


def steps_of_view(view: View, ends: Sequence[int]) -> Steps:
    """The steps of a request; ``ends`` are the tokens up to the end of each of its segments.

    Raises:
        ValueError: when ends and segments differ in number.
    """
    outline = view.outline
    segments = outline.segments
    if len(ends) != len(segments):
        raise ValueError("as many counts as segments are needed")
    marks = [(at, marker.ttl) for at in outline.marked if (marker := segments[at].marker) is not None]
    tally = outline.tally
    prefixes = outline.fold("prefixes", _grown, _NO_PREFIXES)
    return Steps(segments, ends, prefixes, marks, tally.pictures > 0, tally.thinking > 0)


def kept(steps: Steps, indexes: Sequence[int]) -> Steps:
    """The steps of a prompt of which only some blocks are left."""
    parts = [steps.parts[index] for index in indexes]
    place = {index: position for position, index in enumerate(indexes)}
    return Steps(
        parts=parts,
        ends=list(accumulate(steps.tokens(index) for index in indexes)),
        prefixes=_prefixes(parts),
        marks=[(place[index], ttl) for index, ttl in steps.marks if index in place],
        has_image=steps.has_image,
        has_thinking=steps.has_thinking,
    )


def _prefixes(parts: Sequence[Part]) -> list[Hashable]:
    """Rolling digests, the same as ``Segment.prefix`` where the parts are segments."""
    found: list[Hashable] = []
    prefix = b""
    for part in parts:
        digest = part.digest
        prefix = xxh3_128_digest(prefix + (digest if isinstance(digest, bytes) else repr(digest).encode()))
        found.append(prefix)
    return found


_NO_PREFIXES: tuple[bytes, ...] = ()


def _grown(before: tuple[bytes, ...], segments: Sequence[Segment]) -> tuple[bytes, ...]:
    return (*before, *[segment.prefix for segment in segments])

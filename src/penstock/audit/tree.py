"""All prompts of a log as one tree of segments: a shared prefix is kept once, and a prompt is the node it ends at.

Memory grows with what is new in each call and not with the length of conversations; no text is kept.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from penstock.wire.segments import Level, Segment

ROOT = -1
"""The parent of first segments, and the end of an empty prompt."""


class Node(msgspec.Struct, frozen=True, gc=False):
    """One segment after one prefix.

    Attributes:
        parent: node of the segment before, or `ROOT`.
        digest: of the segment itself, 16 bytes.
        estimate: tokens by the cheap estimate of its family, before any calibration.
        depth: segments before it.
        level: tools, system or messages.
        kind: as in `Segment`.
        role: as in `Segment`.
        message: index of its message, -1 for tools and top-level system text.
        markable: whether a marker may stand on it.
        ends_message: whether it is the last segment of its message.
    """

    parent: int
    digest: bytes
    estimate: float
    depth: int
    level: Level
    kind: str
    role: str
    message: int
    markable: bool
    ends_message: bool


class PrefixTree:
    """Segments by the prefix that they end."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self._by_prefix: dict[bytes, int] = {}

    def add(self, segments: Sequence[Segment], estimates: Sequence[float]) -> int:
        """The node that a prompt ends at; new segments are added. ``estimates`` are tokens for each segment."""
        node = ROOT
        for depth, (segment, estimate) in enumerate(zip(segments, estimates, strict=True)):
            known = self._by_prefix.get(segment.prefix)
            if known is None:
                known = self._by_prefix[segment.prefix] = len(self.nodes)
                self.nodes.append(
                    Node(
                        parent=node,
                        digest=segment.digest,
                        estimate=estimate,
                        depth=depth,
                        level=segment.level,
                        kind=segment.kind,
                        role=segment.role,
                        message=segment.message,
                        markable=segment.markable,
                        ends_message=segment.ends_message,
                    )
                )
            node = known
        return node

    def chain(self, leaf: int) -> list[int]:
        """The nodes of a prompt, first segment first."""
        found = []
        node = leaf
        while node != ROOT:
            found.append(node)
            node = self.nodes[node].parent
        found.reverse()
        return found

    def ancestor(self, leaf: int, depth: int) -> int | None:
        """The node of a prompt at a depth, or None when the prompt is shorter."""
        node = leaf
        while node != ROOT and self.nodes[node].depth > depth:
            node = self.nodes[node].parent
        return node if node != ROOT and self.nodes[node].depth == depth else None

"""What a prompt's segments add up to, counted while they are read: every call asks for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from penstock.wire.segments import Level, Segment


class Tally(NamedTuple):
    """Counts over a prompt; markers and paths do not change them.

    Attributes:
        tools: tool definitions, with which a prompt begins.
        head: the prefix digest of tools and system prompt together; empty without any.
        images: images, also those inside tool results.
        pictures: segments that are an image.
        documents: segments that are a document.
        thinking: segments that are a thinking block.
        stripped: of those the ones before the latest plain user text, which a model that keeps none drops (T13).
    """

    tools: int = 0
    head: bytes = b""
    images: int = 0
    pictures: int = 0
    documents: int = 0
    thinking: int = 0
    stripped: int = 0

    def adding(self, segments: Sequence[Segment]) -> Tally:
        """The counts with some segments that follow."""
        tools, head, images, pictures, documents, thinking, stripped = self
        for segment in segments:
            kind = segment.kind
            if segment.level is not Level.MESSAGES:
                head = segment.prefix
                tools += segment.level is Level.TOOLS
            images += segment.images
            if kind == "image":
                pictures += 1
            elif kind == "document":
                documents += 1
            elif kind == "thinking":
                thinking += 1
            if segment.role == "user" and kind not in ("tool_result", "thinking"):
                stripped = thinking
        return Tally(tools, head, images, pictures, documents, thinking, stripped)


NOTHING = Tally()
"""Of a prompt without segments."""

"""A request's prompt as ordered segments with rolling prefix digests.

Segments stand in the provider's render order: tools, system, messages (provider-semantics 1.2). A segment's digest is
of the bytes that the model reads, without cache markers, so that moving a marker moves no digest; text as a plain
string and as a one-part list have the same digest. Where a segment stands in the body is asked of its view
(``View.span``), because most calls never need it.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

Path = tuple[str | int, ...]
"""A place in a JSON body: keys and array indexes from the root."""


class Level(StrEnum):
    """The part of the prompt that a segment stands in; caches are invalidated level by level."""

    TOOLS = "tools"
    SYSTEM = "system"
    MESSAGES = "messages"


class Marker(msgspec.Struct, frozen=True):
    """A cache marker that a request carries.

    Attributes:
        ttl: ``5m`` or ``1h`` (Anthropic), ``30m`` or ``12h`` (OpenAI 5.6 and later).
    """

    ttl: str


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """One tool definition, system block, or message part.

    Attributes:
        level: tools, system or messages.
        kind: ``tool``, ``text``, ``image``, ``document``, ``audio``, ``tool_use``, ``tool_result``, ``thinking`` or
            ``other`` (a part type that we do not know).
        role: ``user``, ``assistant``, ``system``, ``developer`` or ``tool``; empty for tools.
        message: index in ``messages`` or ``input``, -1 for tools and top-level system text.
        path: where the segment's value stands in the body; for plain-string content the path of that string.
        size: bytes of the content that the model reads: the quotes of a string, cache markers and base64 attachments
            are not counted.
        images: how many images it is or holds (a tool's result can hold some).
        attached: bytes of base64 in it: images, documents, audio.
        digest: 16 bytes, of level, role, kind and content.
        prefix: 16 bytes, rolling over all segments up to this one inclusive.
        marker: the cache marker that the client put on it, or None.
        markable: whether the provider allows a marker here (1.2 for Anthropic, 2.2 for OpenAI).
        ends_message: whether it is the last segment of its message.
    """

    level: Level
    kind: str
    role: str
    message: int
    path: Path
    size: int
    digest: bytes
    prefix: bytes
    marker: Marker | None = None
    markable: bool = True
    ends_message: bool = False
    images: int = 0
    attached: int = 0

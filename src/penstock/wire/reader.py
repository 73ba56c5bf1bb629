"""What a dialect has to say about its requests, and the walk through message content that all dialects share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

import msgspec

from penstock.wire.chain import (
    Chain,
    Members,
    Place,
    Raw,
    digest_of_members,
    digest_of_value,
    is_given,
    is_string,
    objects_of,
    seed_of,
    text_of,
)
from penstock.wire.segments import Level, Marker, Path, Segment

ABSENT = Raw(b"")


class Fields(msgspec.Struct, kw_only=True):
    """A request's top level decoded in one pass, members as raw JSON; an absent member is empty."""

    model: str
    stream: Raw = ABSENT
    service_tier: Raw = ABSENT
    tool_choice: Raw = ABSENT
    tools: Raw = ABSENT


class Reader(Protocol):
    """One dialect's reading of a request. Everything takes the ``Fields`` that its own ``decode`` made.

    Attributes:
        prompt_fields: the top-level members that are the prompt; all others are parameters.
        cap_fields: names of the output cap, the one that counts first.
        marker_key: the member of a part that holds a cache marker.
        text_type: the ``type`` of a plain text part in a user message.
    """

    prompt_fields: ClassVar[frozenset[str]]
    cap_fields: ClassVar[tuple[str, ...]]
    marker_key: ClassVar[str]
    text_type: ClassVar[str]

    def decode(self, raw: bytes) -> Fields:
        """The top level of a body; a msgspec error when it is not what the dialect says."""
        ...

    def segments(self, fields: Any) -> list[Segment]:
        """Tools, system and messages in render order; never raises on what ``decode`` accepted."""
        ...

    def message_count(self, fields: Any) -> int:
        """How many messages or input items the request has."""
        ...

    def automatic_marker(self, fields: Any) -> Marker | None:
        """The marker that the provider is asked to place by itself (Anthropic's top-level ``cache_control``)."""
        ...

    def system_text(self, fields: Any) -> str:
        """The text of the system prompt, parts joined by a blank line."""
        ...

    def tool_names(self, fields: Any) -> tuple[str, ...]:
        """The names of the tools, in their order."""
        ...

    def response_schema(self, fields: Any) -> Raw | None:
        """The JSON of the output schema that the request asks for."""
        ...

    def marker_json(self, marker: Marker) -> bytes:
        """A marker as this dialect writes it."""
        ...

    def wrap_text(self, path: Path, parts: bytes) -> bytes:
        """What takes the place of a plain string at a path so that it holds a list of parts."""
        ...


class Content(msgspec.Struct, frozen=True):
    """How one dialect's message parts are read.

    Attributes:
        kinds: the part types that we know, each with its segment kind.
        markable: the part types on which a marker may stand.
        marker_of: reads the marker member of a part.
    """

    kinds: Mapping[str, str]
    markable: frozenset[str]

    def marker_of(self, value: Raw | None) -> Marker | None:
        """The marker in a part's marker member, or None."""
        raise NotImplementedError


def add_content(chain: Chain, content: Content, place: Place, value: Raw, *, last: bool = True) -> bool:
    """Append the segments of string or list content; ``last`` when the message has nothing after it.

    Returns:
        Whether any segment was appended.
    """
    if not is_given(value):
        return False
    if is_string(value):
        _add_string(chain, place, value, last=last)
        return True
    parts = objects_of(value)
    if parts is None:
        digest = digest_of_value(seed_of(place.level, place.role, "other"), value, place.extras)
        chain.add(place, "other", place.path, digest, len(value), markable=False, last=last)
        return True
    final = len(parts) - 1
    for index, part in enumerate(parts):
        add_part(
            chain,
            content,
            place if index == 0 or not place.extras else msgspec.structs.replace(place, extras=b""),
            part,
            (*place.path, index),
            last=last and index == final,
        )
    return bool(parts)


def add_part(chain: Chain, content: Content, place: Place, part: Members, path: Path, *, last: bool) -> None:
    """Append one part of a content list."""
    name = text_of(part.get("type"))
    kind = place.kind or content.kinds.get(name, "other")
    marked = part.get(chain.marker_key)
    text = part.get("text")
    seed = seed_of(place.level, place.role, kind)
    markable = place.markable and name in content.markable
    if text is not None and kind == "text" and len(part) == (2 if marked is None else 3) and "type" in part:
        digest, size = digest_of_value(seed, text, place.extras), len(text) - 2
        markable = markable and size > 0
    else:
        digest, size = digest_of_members(seed, part, chain.marker_key, place.extras)
        markable = markable and not (kind == "text" and text is not None and len(text) <= 2)  # noqa: PLR2004 - two quotes
    chain.add(
        place,
        kind,
        path,
        digest,
        size,
        marker=None if marked is None else content.marker_of(marked),
        markable=markable,
        last=last,
    )


def _add_string(chain: Chain, place: Place, value: Raw, *, last: bool) -> None:
    kind = place.kind or "text"
    size = len(value) - 2
    chain.add(
        place,
        kind,
        place.path,
        digest_of_value(seed_of(place.level, place.role, kind), value, place.extras),
        size,
        markable=place.markable and size > 0,
        last=last,
    )


def add_tools(chain: Chain, content: Content, name: str, value: Raw, *, markable: bool) -> None:
    """Append one segment for each tool definition of a top-level list."""
    if not is_given(value):
        return
    place = Place(level=Level.TOOLS, role="", message=-1, path=(name,))
    seed = seed_of(Level.TOOLS, "", "tool")
    tools = objects_of(value)
    if tools is None:
        chain.add(place, "other", place.path, digest_of_value(seed, value), len(value), markable=False)
        return
    for index, tool in enumerate(tools):
        digest, size = digest_of_members(seed, tool, chain.marker_key)
        marked = tool.get(chain.marker_key)
        marker = None if marked is None else content.marker_of(marked)
        chain.add(place, "tool", (name, index), digest, size, marker=marker, markable=markable)


def add_whole(chain: Chain, place: Place, members: Members) -> None:
    """Append a message or item without content as one segment."""
    kind = place.kind or "other"
    digest, size = digest_of_members(seed_of(place.level, place.role, kind), members, chain.marker_key)
    chain.add(place, kind, place.path, digest, size, markable=False, last=True)

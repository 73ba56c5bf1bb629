"""What a dialect has to say about its requests, and the walk through message content that all dialects share."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol

import msgspec

from penstock.wire.chain import Chain, Place, digest_of_members, digest_of_value, seed_of
from penstock.wire.outline import Frame
from penstock.wire.raw import ABSENT, Members, Raw, is_given, is_string, objects_of, text_of
from penstock.wire.segments import Level, Marker, Path
from penstock.wire.weight import Weight, weigh

_QUOTES = 2


class Fields(msgspec.Struct, kw_only=True):
    """A request's top level decoded in one pass, members as raw JSON; an absent member is empty.

    Every parameter that each call is asked for is here, whatever the dialect, so that no call decodes its body twice.
    """

    model: str
    stream: Raw = ABSENT
    tools: Raw = ABSENT
    max_tokens: Raw = ABSENT
    max_completion_tokens: Raw = ABSENT
    max_output_tokens: Raw = ABSENT
    service_tier: Raw = ABSENT
    speed: Raw = ABSENT
    inference_geo: Raw = ABSENT
    tool_choice: Raw = ABSENT
    parallel_tool_calls: Raw = ABSENT
    thinking: Raw = ABSENT
    output_config: Raw = ABSENT
    reasoning: Raw = ABSENT
    reasoning_effort: Raw = ABSENT
    response_format: Raw = ABSENT
    text: Raw = ABSENT
    verbosity: Raw = ABSENT
    cache_control: Raw = ABSENT
    prompt_cache_key: Raw = ABSENT
    prompt_cache_options: Raw = ABSENT
    prompt_cache_retention: Raw = ABSENT
    context_management: Raw = ABSENT
    previous_response_id: Raw = ABSENT
    conversation: Raw = ABSENT
    n: Raw = ABSENT
    prediction: Raw = ABSENT


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

    def frame(self, fields: Any) -> Frame:
        """Tools, system and messages in render order; reading them never raises on what ``decode`` accepted."""
        ...

    def messages(self, fields: Any) -> tuple[str, list[Raw]]:
        """The name of the top-level member that holds the messages or input items, and the raw items."""
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


def add_content(chain: Chain, place: Place, value: Raw, *, last: bool = True) -> bool:
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
        kind = place.kind or "other"
        digest = digest_of_value(seed_of(place.level, place.role, kind), value, place.extras)
        chain.add(place, kind, place.path, digest, weigh(value), markable=False, last=last)
        return True
    for index, part in enumerate(parts):
        add_part(chain, place, part, (*place.path, index), last=last and index == len(parts) - 1)
        place = without_extras(place)
    return bool(parts)


def add_part(chain: Chain, place: Place, part: Members, path: Path, *, last: bool) -> None:
    """Append one part of a content list."""
    name = text_of(part.get("type"))
    known = chain.content.kinds.get(name, "other")
    kind = place.kind or known
    marked = part.get(chain.content.marker_key)
    text = part.get("text") if known == "text" else None
    seed = seed_of(place.level, place.role, kind)
    if text is not None and len(part) == _PLAIN_TEXT + (marked is not None):
        digest, weight = digest_of_value(seed, text, place.extras), Weight(len(text) - _QUOTES)
    else:
        digest, weight = digest_of_members(seed, part, chain.content.marker_key, place.extras)
        if known == "image":
            weight += Weight(0, images=1)
    marker = None if marked is None else chain.content.marker_of(marked)
    markable = place.markable and name in chain.content.markable and (text is None or len(text) > _QUOTES)
    chain.add(place, kind, path, digest, weight, marker=marker, markable=markable, last=last)


_PLAIN_TEXT = 2  # members of a text part that has only its type and its text


def _add_string(chain: Chain, place: Place, value: Raw, *, last: bool) -> None:
    kind = place.kind or "text"
    digest = digest_of_value(seed_of(place.level, place.role, kind), value, place.extras)
    weight = Weight(len(value) - _QUOTES)
    chain.add(place, kind, place.path, digest, weight, markable=place.markable and weight.size > 0, last=last)


def add_tools(chain: Chain, name: str, value: Raw, *, markable: bool) -> None:
    """Append one segment for each tool definition of a top-level list."""
    place = Place(level=Level.TOOLS, role="", message=-1, path=(name,))
    seed = seed_of(Level.TOOLS, "", "tool")
    tools = objects_of(value)
    if tools is None:
        chain.add(place, "other", place.path, digest_of_value(seed, value), weigh(value), markable=False)
        return
    for index, tool in enumerate(tools):
        digest, weight = digest_of_members(seed, tool, chain.content.marker_key)
        marked = tool.get(chain.content.marker_key)
        marker = None if marked is None else chain.content.marker_of(marked)
        chain.add(place, "tool", (name, index), digest, weight, marker=marker, markable=markable)


def add_whole(chain: Chain, place: Place, members: Members) -> None:
    """Append a message or item without content as one segment."""
    kind = place.kind or "other"
    digest, weight = digest_of_members(seed_of(place.level, place.role, kind), members, chain.content.marker_key)
    chain.add(place, kind, place.path, digest, weight, markable=False, last=True)


def add_unknown(chain: Chain, level: Level, path: Path, message: int, value: Raw) -> None:
    """Append a message that is not even an object as one segment."""
    place = Place(level=level, role="", message=message, path=path)
    digest = digest_of_value(seed_of(level, "", "other"), value)
    chain.add(place, "other", path, digest, weigh(value), markable=False, last=True)


def without_extras(place: Place) -> Place:
    """The place of what follows the first segment of a message."""
    return msgspec.structs.replace(place, extras=b"") if place.extras else place

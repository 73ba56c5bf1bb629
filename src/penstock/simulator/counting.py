"""Prompt tokens per segment by the simulator's rule, with images by size and the hidden prompts that tools bring.

Counts are kept by segment digest, so a long conversation costs only what is new in it.
"""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from penstock.models.profile import Profile
from penstock.simulator.asked import forces_tool
from penstock.simulator.images import DEFAULT_SIZE, image_tokens, size_of_base64
from penstock.simulator.tokens import base_count, scaled
from penstock.wire.segments import Level, Segment
from penstock.wire.view import View

MESSAGE_FRAMING = 4
"""Tokens of a message's role and delimiters, counted with its last segment."""

TOOL_FRAMING = 8
"""Tokens of a tool definition's delimiters."""

PAGE_TOKENS = 1500
"""Tokens of one page of a PDF document."""

HIDDEN_TOOL_PROMPT: Mapping[str, tuple[int, int]] = {
    # model: (automatic or no choice, forced choice); provider-semantics 1.7
    "claude-opus-5": (286, 406),
    "claude-sonnet-5": (354, 474),
    "claude-opus-4-7": (675, 804),
    "claude-haiku-4-5": (496, 588),
    "claude-sonnet-4-5": (496, 588),
    "claude-sonnet-4-6": (497, 589),
    "claude-3-5-haiku": (264, 355),
}
DEFAULT_TOOL_PROMPT = (346, 466)
"""For Claude models whose hidden prompt is not published: an assumption of the simulator."""

_CACHE_LIMIT = 200_000
_NOT_READ = frozenset({"cache_control", "prompt_cache_breakpoint", "citations", "signature", "encrypted_content"})
_PAGE = re.compile(rb"/Type\s*/Page(?!s)")
_STRUCTURE_ONLY = frozenset(
    {"type", "id", "call_id", "tool_use_id", "tool_call_id", "media_type", "detail", "index", "role"}
)


class TokenCounter:
    """Counts prompts, remembering each segment by its digest."""

    def __init__(self) -> None:
        self._known: dict[tuple[bytes, str], tuple[int, int]] = {}

    def segments(self, view: View, profile: Profile) -> list[int]:
        """Tokens of each segment, framing and hidden prompts included; thinking that the model drops counts 0."""
        anthropic = profile.provider == "anthropic"
        provider = "anthropic" if anthropic else "openai"
        known, factor = self._known, profile.tokenizer_factor
        body: Any = None
        counts: list[int] = []
        for segment in view.segments:
            measured = known.get((segment.digest, provider))
            if measured is None:
                if body is None:
                    body = msgspec.json.decode(view.raw)
                measured = _measure(segment, _value_at(body, segment.path), provider)
                self._remember((segment.digest, provider), measured)
            text, fixed = measured
            counts.append(scaled(text, factor) + fixed + (MESSAGE_FRAMING if segment.ends_message else 0))
        if not profile.keeps_thinking:
            _drop_thinking(view.segments, counts)
        if anthropic:
            _add_tool_prompt(view, profile, counts)
        return counts

    def _remember(self, key: tuple[bytes, str], measured: tuple[int, int]) -> None:
        if len(self._known) >= _CACHE_LIMIT:
            self._known.clear()
        self._known[key] = measured


def _measure(segment: Segment, value: Any, provider: str) -> tuple[int, int]:
    """A segment's text by the rule, which the tokenizer's factor applies to, and its fixed tokens (images, pages)."""
    if segment.kind == "document":
        pages = _pages(value)
        if pages:
            return 0, pages * PAGE_TOKENS
    if segment.level is Level.TOOLS:
        return TOOL_FRAMING + base_count(msgspec.json.encode(_without_markers(value)).decode()), 0
    if segment.kind in ("tool_use", "other") and isinstance(value, Mapping):
        return base_count(msgspec.json.encode(_without_markers(value)).decode()), 0
    return _read(value, provider)


def _read(value: Any, provider: str) -> tuple[int, int]:
    """All text in a value and all images in it; names of structure are left out."""
    if isinstance(value, str):
        return base_count(value), 0
    if isinstance(value, list):
        parts = [_read(each, provider) for each in value]
    elif isinstance(value, Mapping):
        if value.get("type") in ("image", "image_url", "input_image"):
            return 0, _image(value, provider)
        parts = [
            _read(each, provider) for key, each in value.items() if key not in _NOT_READ and key not in _STRUCTURE_ONLY
        ]
    else:
        return (0 if value is None else 1), 0
    return sum(text for text, _ in parts), sum(fixed for _, fixed in parts)


def _image(value: Any, provider: str) -> int:
    detail: Any = None
    size = DEFAULT_SIZE
    if isinstance(value, Mapping):
        source = value.get("source")
        link = value.get("image_url")
        if isinstance(link, Mapping):
            detail, link = link.get("detail"), link.get("url")
        else:
            detail = value.get("detail")
        if isinstance(source, Mapping) and isinstance(source.get("data"), str):
            size = size_of_base64(source["data"])
        elif isinstance(link, str) and link.startswith("data:"):
            size = size_of_base64(link)
    return image_tokens(provider, size, detail if isinstance(detail, str) else None)


def _pages(value: Any) -> int:
    """Pages of a document given as base64 PDF data; 0 when it is given as text or by reference."""
    if not isinstance(value, Mapping):
        return 0
    source = value.get("source")
    inner = value.get("file") if isinstance(value.get("file"), Mapping) else value
    data = source.get("data") if isinstance(source, Mapping) and source.get("type") == "base64" else None
    data = data if isinstance(data, str) else inner.get("file_data") if isinstance(inner, Mapping) else None
    if not isinstance(data, str):
        return 0
    if data.startswith("data:"):
        data = data.partition(",")[2]
    try:
        return max(1, len(_PAGE.findall(b64decode(data))))
    except (Base64Error, ValueError):
        return 1


def _drop_thinking(segments: Sequence[Segment], counts: list[int]) -> None:
    """Thinking of earlier turns is taken out of the prompt by models that do not keep it (provider-semantics 1.10)."""
    newest_user = max(
        (each.message for each in segments if each.role == "user" and each.kind != "tool_result"), default=-1
    )
    for index, segment in enumerate(segments):
        if segment.kind == "thinking" and segment.message < newest_user:
            counts[index] = 0


def _add_tool_prompt(view: View, profile: Profile, counts: list[int]) -> None:
    """The hidden tool prompt: its automatic part with the last tool, what a forced choice adds with the first message.

    A change of the tool choice keeps the caches of tools and system (provider-semantics 1.5), so the difference cannot
    stand in them.
    """
    tools = sum(1 for segment in view.segments if segment.level is Level.TOOLS)
    if not tools:
        return
    automatic, forced = HIDDEN_TOOL_PROMPT.get(profile.model, DEFAULT_TOOL_PROMPT)
    counts[tools - 1] += automatic
    if forces_tool(view):
        first = next((i for i, each in enumerate(view.segments) if each.level is Level.MESSAGES), None)
        if first is not None:
            counts[first] += forced - automatic


def _value_at(body: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        body = body[step]
    return body


def _without_markers(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: each for key, each in value.items() if key not in _NOT_READ}
    return value

"""Why a prompt could not reuse an earlier one, as the providers' cache diagnostics say it (semantics 1.10, 2.2)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import msgspec

from penstock.wire.dialect import Dialect
from penstock.wire.segments import Level
from penstock.wire.view import View

_MOST = 4096


# Settings that OpenAI's diagnostics name when they differ (semantics 2.2, rule 7), in front of and behind the input.
_Setting = tuple[str, ...]
_BEFORE_TOOLS: tuple[_Setting, ...] = (("prompt_cache_key",),)
_AFTER_TOOLS: tuple[_Setting, ...] = (("text", "format"), ("reasoning", "effort"), ("text", "verbosity"))
_AFTER_INPUT: tuple[_Setting, ...] = (("service_tier",),)
_NAMES: dict[_Setting, str] = {
    ("text", "format"): "text_format",
    ("reasoning", "effort"): "reasoning_effort",
    ("text", "verbosity"): "verbosity",
}


class _Earlier(msgspec.Struct, frozen=True):
    """A prompt: its prefixes, where its tools and system end, its tokens by segment, and its settings."""

    model: str
    prefixes: tuple[bytes, ...]
    ends: tuple[int, int]
    tokens: tuple[int, ...]
    settings: dict[_Setting, Any] = {}


class Diagnoses:
    """Remembers the prompts of answers by response id, the newest few thousand."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, _Earlier] = OrderedDict()

    def remember(self, response_id: str, request: dict[str, Any], view: View, tokens: Sequence[int]) -> None:
        """Keep a prompt's digests under its response id."""
        self._known[response_id] = _earlier(request, view, tokens)
        if len(self._known) > _MOST:
            self._known.popitem(last=False)

    def anthropic(self, request: dict[str, Any], view: View, tokens: Sequence[int]) -> Any:
        """The ``diagnostics`` member of a Messages answer; None when nothing diverged or nothing was asked."""
        asked = request.get("diagnostics")
        previous = asked.get("previous_message_id") if isinstance(asked, dict) else None
        if previous is None:
            return None
        earlier = self._known.get(previous)
        if earlier is None:
            return {"cache_miss_reason": {"type": "previous_message_not_found"}}
        reason, missed, _ = _compare(earlier, _earlier({}, view, tokens))
        if reason is None:
            return None
        names = {"input": "messages_changed"}
        kind = names.get(reason, f"{reason}_changed")
        return {"cache_miss_reason": {"type": kind, "cache_missed_input_tokens": missed}}

    def openai(self, request: dict[str, Any], view: View, tokens: Sequence[int]) -> Any:
        """The ``prompt_cache_diagnostics`` member of a Responses answer; None when nothing was asked."""
        options = request.get("prompt_cache_options")
        previous = options.get("comparison_response_id") if isinstance(options, dict) else None
        if previous is None:
            return None
        earlier = self._known.get(previous)
        if earlier is None:
            return {"type": "comparison_response_not_found"}
        later = _earlier(request, view, tokens)
        reason, missed, reusable = _compare(earlier, later)
        # The first of them in the order of the API's own list counts.
        if reason != "model" and (setting := _differs(earlier, later, _BEFORE_TOOLS)) is not None:
            reason, missed, reusable = setting, sum(earlier.tokens), 0
        if reason not in ("model", "prompt_cache_key", "tools"):
            setting = _differs(earlier, later, _AFTER_TOOLS)
            if setting is not None:
                reason, missed, reusable = setting, sum(earlier.tokens), 0
        if reason is None:
            reason = _differs(earlier, later, _AFTER_INPUT)
            missed, reusable = sum(earlier.tokens), 0
        if reason is None:
            return {"type": "cache_hit"}
        kind = "input_changed" if reason in ("system", "input") else f"{reason}_changed"
        return {
            "type": "cache_miss",
            "reason": kind,
            "cache_missed_tokens": missed,
            "comparison_reusable_tokens": reusable,
        }


def wants_memory(request: dict[str, Any], view: View) -> bool:
    """Whether a later call may ask for a comparison with this one."""
    if view.dialect is Dialect.ANTHROPIC_MESSAGES:
        return request.get("diagnostics") is not None
    return view.dialect is Dialect.OPENAI_RESPONSES


def _earlier(request: dict[str, Any], view: View, tokens: Sequence[int]) -> _Earlier:
    levels = [segment.level for segment in view.segments]
    tools = levels.count(Level.TOOLS)
    system = tools + levels.count(Level.SYSTEM)
    settings = {path: _setting(request, path) for path in (*_BEFORE_TOOLS, *_AFTER_TOOLS, *_AFTER_INPUT)}
    prefixes = tuple(each.prefix for each in view.segments)
    return _Earlier(view.model, prefixes, (tools, system), tuple(tokens), settings)


def _setting(request: dict[str, Any], path: _Setting) -> Any:
    value: Any = request
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _differs(earlier: _Earlier, later: _Earlier, paths: Sequence[_Setting]) -> str | None:
    """The name of the first setting that is not the same."""
    changed = next((path for path in paths if earlier.settings.get(path) != later.settings.get(path)), None)
    return None if changed is None else _NAMES.get(changed, changed[-1])


def _compare(earlier: _Earlier, later: _Earlier) -> tuple[str | None, int, int]:
    """The first part that differs (``model``, ``tools``, ``system``, ``input``), the tokens behind and before it."""
    if earlier.model != later.model:
        return "model", sum(earlier.tokens), 0
    same = 0
    for before, after in zip(earlier.prefixes, later.prefixes, strict=False):
        if before != after:
            break
        same += 1
    if same == len(earlier.prefixes):
        return None, 0, sum(earlier.tokens)
    missed, reusable = sum(earlier.tokens[same:]), sum(earlier.tokens[:same])
    tools, system = earlier.ends
    if same < tools or later.ends[0] != tools:
        return "tools", missed, reusable
    if same < system or later.ends[1] != system:
        return "system", missed, reusable
    return "input", missed, reusable

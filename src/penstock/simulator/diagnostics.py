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


class _Earlier(msgspec.Struct, frozen=True):
    model: str
    prefixes: tuple[bytes, ...]
    ends: tuple[int, int]
    tokens: tuple[int, ...]


class Diagnoses:
    """Remembers the prompts of answers by response id, the newest few thousand."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, _Earlier] = OrderedDict()

    def remember(self, response_id: str, view: View, tokens: Sequence[int]) -> None:
        """Keep a prompt's digests under its response id."""
        self._known[response_id] = _earlier(view, tokens)
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
        reason, missed = _compare(earlier, _earlier(view, tokens))
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
        reason, missed = _compare(earlier, _earlier(view, tokens))
        if reason is None:
            return {"type": "cache_hit"}
        kind = f"{reason}_changed" if reason in ("model", "tools") else "input_changed"
        return {"type": "cache_miss", "reason": kind, "cache_missed_tokens": missed}


def wants_memory(request: dict[str, Any], view: View) -> bool:
    """Whether a later call may ask for a comparison with this one."""
    if view.dialect is Dialect.ANTHROPIC_MESSAGES:
        return request.get("diagnostics") is not None
    return view.dialect is Dialect.OPENAI_RESPONSES


def _earlier(view: View, tokens: Sequence[int]) -> _Earlier:
    levels = [segment.level for segment in view.segments]
    tools = levels.count(Level.TOOLS)
    system = tools + levels.count(Level.SYSTEM)
    return _Earlier(view.model, tuple(each.prefix for each in view.segments), (tools, system), tuple(tokens))


def _compare(earlier: _Earlier, later: _Earlier) -> tuple[str | None, int]:
    """The first part that differs (``model``, ``tools``, ``system``, ``input``) and the tokens behind that point."""
    if earlier.model != later.model:
        return "model", sum(earlier.tokens)
    same = 0
    for before, after in zip(earlier.prefixes, later.prefixes, strict=False):
        if before != after:
            break
        same += 1
    if same == len(earlier.prefixes):
        return None, 0
    missed = sum(earlier.tokens[same:])
    tools, system = earlier.ends
    if same < tools or later.ends[0] != tools:
        return "tools", missed
    if same < system or later.ends[1] != system:
        return "system", missed
    return "input", missed

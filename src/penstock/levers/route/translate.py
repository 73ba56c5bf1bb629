"""What else must change when a request goes to another model, or why it cannot go there.

Cache hints and legacy names are translated, sampling parameters that the target rejects are left out, thinking and
effort become the nearest that it has. What the caller would notice (log probabilities, a region, a forced tool) is
never dropped: the route is refused instead (T28).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from penstock.models.profile import Profile, Regime
from penstock.unknown import Unknown
from penstock.wire.body import Operation
from penstock.wire.dialect import Dialect
from penstock.wire.view import View

_SAMPLING = frozenset({"temperature", "top_p", "top_k", "presence_penalty", "frequency_penalty", "verbosity"})
_CACHE_HINTS = frozenset({"prompt_cache_options", "prompt_cache_retention", "cache_control"})
_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
_SMALLEST_BUDGET = 1024


class Refused(msgspec.Struct, frozen=True):
    """Why a request cannot go to a model; one clause."""

    why: str


def translated(view: View, target: Profile, *, prompt_tokens: int, own: bool = False) -> list[Operation] | Refused:
    """The operations that make a request fit for another model of its dialect, the model's name excepted.

    Args:
        view: the request.
        target: the other model.
        prompt_tokens: of the prompt under the target's tokenizer, on the high side.
        own: whether the target gave every answer of the conversation, so that its thinking and its stored turns are the
            target's own.
    """
    why = next(_obstacles(view, target, prompt_tokens, own=own), None)
    if why is not None:
        return Refused(why)
    operations = [*_forbidden(view, target), *_effort(view, target), *_unmarked(view, target)]
    thinking = _thinking(view, target)
    if isinstance(thinking, Refused):
        return thinking
    cap = _cap(view, target)
    return [*operations, *thinking, *cap]


def _obstacles(view: View, target: Profile, prompt_tokens: int, *, own: bool) -> Iterator[str]:
    """What no translation can mend."""
    if target.provider != view.dialect.provider:
        yield f"it is of {target.provider}, and the request is in the dialect of {view.dialect.provider}"
    for name in view.params:
        if name in target.forbidden_params and not (name in _SAMPLING | _CACHE_HINTS or name in _cap_names(view)):
            if name in ("reasoning", "reasoning_effort") and not target.efforts:
                continue
            yield f"it rejects `{name}`"
    if _forced_tool(view) and not target.forced_tool_choice_allowed:
        yield "it rejects a forced tool choice"
    roles = [segment.role for segment in view.segments if segment.message >= 0]
    if not target.accepts_prefill and roles and roles[-1] == "assistant":
        yield "it rejects a prefilled answer"
    if not target.accepts_system_messages and any(role in ("system", "developer") for role in roles):
        yield "it rejects system messages inside the conversation"
    if not own and any(segment.kind == "thinking" for segment in view.segments):
        yield "the conversation holds another model's thinking"
    if not own and (view.get("previous_response_id") is not None or view.get("conversation") is not None):
        yield "the earlier turns are kept at the provider for another model"
    window = target.context_window
    cap = view.cap
    if isinstance(window, Unknown):
        yield "its context window is unknown"
    elif prompt_tokens + (cap[1] if cap is not None else 0) > window:
        yield f"the prompt may not fit its context window of {window:,} tokens"


def _cap_names(view: View) -> frozenset[str]:
    own = view.cap
    return frozenset() if own is None else frozenset({own[0]})


def _forced_tool(view: View) -> bool:
    choice = view.get("tool_choice")
    if isinstance(choice, str):
        return choice in ("required", "any")
    return isinstance(choice, dict) and choice.get("type") not in ("auto", "none", "allowed_tools")


def _forbidden(view: View, target: Profile) -> Iterator[Operation]:
    for name in view.params:
        if name in target.forbidden_params and name not in _cap_names(view):
            yield Operation((name,), "delete")
    if target.regime is Regime.OPENAI_BREAKPOINTS and "prompt_cache_retention" in view.params:
        yield Operation(("prompt_cache_retention",), "delete")


def _unmarked(view: View, target: Profile) -> Iterator[Operation]:
    """Breakpoints that only gpt-5.6 and later know (T12)."""
    if target.regime in (Regime.OPENAI_GRID, Regime.NONE) and view.dialect.provider == "openai":
        for segment in view.segments:
            if segment.marker is not None:
                yield view.unmark(segment)


def _effort(view: View, target: Profile) -> Iterator[Operation]:
    """The nearest effort that the target has; the lower of two that are as near."""
    for path in (("output_config", "effort"), ("reasoning", "effort"), ("reasoning_effort",)):
        asked = view.get(*path)
        if not isinstance(asked, str) or asked in target.efforts or path[0] in target.forbidden_params:
            continue
        if not target.efforts:
            yield Operation(path, "delete")
        elif asked in _EFFORTS:
            rank = _EFFORTS.index(asked)
            nearest = min(target.efforts, key=lambda one: (abs(_rank(one) - rank), _rank(one)))
            yield Operation(path, "set", msgspec.json.encode(nearest))


def _rank(effort: str) -> int:
    return _EFFORTS.index(effort) if effort in _EFFORTS else len(_EFFORTS)


def _thinking(view: View, target: Profile) -> list[Operation] | Refused:
    """Anthropic's ``thinking`` in the terms of the target."""
    if view.dialect is not Dialect.ANTHROPIC_MESSAGES:
        return []
    asked = view.get("thinking", "type")
    if not isinstance(asked, str) or asked in target.thinking_types:
        if target.always_thinks and asked is None:
            return Refused("it always thinks, and the request does not ask for that")
        return []
    if asked == "disabled":
        return Refused("it always thinks, and the request turns that off")
    if "adaptive" in target.thinking_types:
        return [_set_thinking({"type": "adaptive"})]
    if "enabled" not in target.thinking_types:
        return [Operation(("thinking",), "delete")]
    cap = view.cap
    budget = cap[1] // 2 if cap is not None else 0
    if budget < _SMALLEST_BUDGET:
        return Refused("it needs a thinking budget, and the output cap leaves no room for one")
    return [_set_thinking({"type": "enabled", "budget_tokens": budget})]


def _set_thinking(value: dict[str, Any]) -> Operation:
    return Operation(("thinking",), "set", msgspec.json.encode(value))


def _cap(view: View, target: Profile) -> list[Operation]:
    """The output cap under a name and at a size that the target accepts."""
    own = view.cap
    if own is None:
        return []
    name, tokens = own
    most = target.max_output
    lowered = tokens if isinstance(most, Unknown) else min(tokens, most)
    if name in target.forbidden_params:
        accepted = target.cap_param(view.dialect)
        return [Operation((name,), "delete"), Operation((accepted,), "set", str(lowered).encode())]
    return [] if lowered == tokens else [Operation((name,), "set", str(lowered).encode())]

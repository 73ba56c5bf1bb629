"""What a request's answer is made of, as far as a cap is concerned."""

from __future__ import annotations

from penstock.models.profile import Profile
from penstock.unknown import Unknown
from penstock.wire.view import View

_THINKING = frozenset({"enabled", "adaptive", "between_tools"})
_JSON_FORMATS = frozenset({"json_object", "json_schema"})


def guarded(view: View, profile: Profile | Unknown) -> str | None:
    """Why a cut answer of this request would be worthless, or None: such requests need headroom and a retry (T26)."""
    if thinks(view, profile):
        return "reasoning counts against the cap"
    if view.tool_names():
        return "a cut tool call cannot be read"
    return "cut JSON cannot be read" if structured(view) else None


def thinks(view: View, profile: Profile | Unknown) -> bool:
    """Whether output tokens go to reasoning, as far as the request and the model's data say."""
    asked = view.get("thinking", "type")
    if isinstance(asked, str):
        return asked in _THINKING
    if isinstance(profile, Unknown):
        return False
    effort = view.get("reasoning", "effort") or view.get("reasoning_effort") or profile.default_effort
    return profile.default_thinking in _THINKING or (profile.reasons and effort != "none")


def thinking_budget(view: View) -> int:
    """``thinking.budget_tokens``; 0 when there is none. A cap must be larger than it (T26)."""
    budget = view.get("thinking", "budget_tokens")
    return budget if isinstance(budget, int) else 0


def structured(view: View) -> bool:
    """Whether the answer has to be JSON."""
    if view.response_schema() is not None:
        return True
    asked = view.get("response_format", "type") or view.get("text", "format", "type")
    return asked in _JSON_FORMATS

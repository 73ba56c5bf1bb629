"""How much a simulated model thinks before it answers, when its reply does not say (provider-semantics 1.10, 2.4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from penstock.models.profile import Profile
from penstock.simulator.drawing import log_normal

MEDIAN: Mapping[str, int] = {
    "none": 0,
    "minimal": 16,
    "low": 64,
    "medium": 192,
    "high": 384,
    "xhigh": 768,
    "max": 1536,
}
"""Median tokens of thinking by effort: assumptions of the simulator."""

_SPREAD = 0.4


def thinks(body: Mapping[str, Any], profile: Profile) -> bool:
    """Whether this request makes the model think."""
    if profile.provider == "anthropic":
        thinking = body.get("thinking")
        kind = thinking.get("type") if isinstance(thinking, Mapping) else profile.default_thinking
        return profile.always_thinks or kind not in (None, "disabled")
    return profile.reasons and effort_of(body, profile) != "none"


def effort_of(body: Mapping[str, Any], profile: Profile) -> str:
    """The effort that a request asks for, else the model's own, else ``medium``."""
    holder: Any = body.get("output_config") if profile.provider == "anthropic" else body.get("reasoning")
    effort = holder.get("effort") if isinstance(holder, Mapping) else None
    effort = effort if effort is not None else body.get("reasoning_effort")
    return effort if isinstance(effort, str) and effort in MEDIAN else profile.default_effort or "medium"


def thinking_tokens(body: Mapping[str, Any], profile: Profile, digest: bytes, seed: int) -> int:
    """Tokens of thinking for a prompt: log-normal around the effort's median, the same for the same prompt."""
    if not thinks(body, profile):
        return 0
    drawn = round(log_normal(MEDIAN[effort_of(body, profile)], _SPREAD, digest, seed, b"thinking"))
    thinking = body.get("thinking")
    budget = thinking.get("budget_tokens") if isinstance(thinking, Mapping) else None
    return min(drawn, budget) if isinstance(budget, int) else drawn

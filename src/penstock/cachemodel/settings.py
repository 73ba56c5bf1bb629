"""Request settings that change the cached prefix, in one normal form: a setting at its default is absent.

Anthropic (provider-semantics 1.5): ``tool_choice``, ``disable_parallel_tool_use``, ``thinking``, ``effort``,
``web_search``, ``web_fetch``, ``citations``, ``speed``. OpenAI (2.2 rule 7): ``prompt_cache_key``, ``service_tier``,
``effort``, ``verbosity``, ``output_format``, ``parallel_tool_calls``, ``compaction``, and not ``tool_choice``.
Values that equal the model's default, such as an explicit effort, are absent too.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from penstock.models.profile import Profile

Settings = dict[str, Hashable]

_PLAIN_TIERS = ("auto", "default", "standard")


def anthropic_settings(fields: Mapping[str, Any], profile: Profile) -> Settings:
    """The settings of a Messages request.

    Args:
        fields: decoded ``tool_choice``, ``thinking``, ``output_config`` and ``speed`` as the API has them, and the
            flags ``web_search``, ``web_fetch``, ``citations`` and ``disable_parallel_tool_use``.
        profile: the model that is asked, for its defaults.
    """
    settings: Settings = {}
    choice = fields.get("tool_choice")
    if isinstance(choice, Mapping) and choice.get("disable_parallel_tool_use"):
        settings["disable_parallel_tool_use"] = True
    _put(settings, "tool_choice", _named(choice, "name"), default=("auto",))
    _put(settings, "thinking", _named(fields.get("thinking"), "budget_tokens"), default=(profile.default_thinking,))
    output = fields.get("output_config")
    effort = output.get("effort") if isinstance(output, Mapping) else None
    _put(settings, "effort", frozen(effort), default=profile.default_effort)
    _put(settings, "speed", frozen(fields.get("speed")), default="standard")
    for flag in ("web_search", "web_fetch", "citations", "disable_parallel_tool_use"):
        if fields.get(flag):
            settings[flag] = True
    return settings


def openai_settings(fields: Mapping[str, Any], profile: Profile) -> Settings:
    """The settings of a Chat or Responses request.

    Args:
        fields: decoded ``prompt_cache_key``, ``service_tier``, ``effort``, ``verbosity``, ``output_format``,
            ``parallel_tool_calls`` and ``compaction``, each wherever the dialect keeps it.
        profile: the model that is asked, for its defaults.
    """
    settings: Settings = {}
    _put(settings, "prompt_cache_key", frozen(fields.get("prompt_cache_key")), default="")
    tier = fields.get("service_tier")
    if tier not in _PLAIN_TIERS:
        # one tier under two names (2.5)
        _put(settings, "service_tier", "fast" if tier == "priority" else frozen(tier), default=None)
    _put(settings, "effort", frozen(fields.get("effort")), default=profile.default_effort)
    _put(settings, "verbosity", frozen(fields.get("verbosity")), default="medium")
    output = fields.get("output_format")
    kind = output.get("type") if isinstance(output, Mapping) else output
    if kind != "text":
        _put(settings, "output_format", frozen(output), default=None)
    if fields.get("parallel_tool_calls") is False:
        settings["parallel_tool_calls"] = False
    _put(settings, "compaction", frozen(fields.get("compaction")), default=None)
    return settings


def frozen(value: Any) -> Hashable:
    """A decoded JSON value as one that can be a key; objects keep their order, which is part of the bytes."""
    if isinstance(value, Mapping):
        return tuple((key, frozen(inner)) for key, inner in value.items())
    if isinstance(value, list | tuple):
        return tuple(frozen(inner) for inner in value)
    result: Hashable = value
    return result


def _named(value: Any, detail: str) -> Hashable:
    """``{"type": T, detail: D}`` or plain ``T`` as ``(T,)`` or ``(T, D)``; None when absent."""
    if value is None:
        return None
    if not isinstance(value, Mapping):
        return (frozen(value),)
    kind, extra = frozen(value.get("type")), frozen(value.get(detail))
    return (kind,) if extra is None else (kind, extra)


def _put(settings: Settings, name: str, value: Hashable, *, default: Hashable) -> None:
    if value is not None and value != default:
        settings[name] = value

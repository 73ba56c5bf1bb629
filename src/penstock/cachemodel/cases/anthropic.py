"""A Messages request of a case as the cache rules see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from penstock.cachemodel.cases.fields import CaseError, Fields
from penstock.cachemodel.prompt import Block, Prompt
from penstock.cachemodel.settings import anthropic_settings
from penstock.models.profile import Profile, Regime
from penstock.models.tiers import Tier
from penstock.wire.segments import Level

# Sampling, stop sequences and labels are no part of the key (provider-semantics 1.5).
_NOT_IN_THE_KEY = ("temperature", "top_p", "top_k", "stop_sequences", "metadata", "betas", "anthropic_version")
_UNMARKABLE = ("thinking", "redacted_thinking")


def read(request: Fields, params: Fields, profile: Profile, minimum: int) -> tuple[Prompt, Tier]:
    """The prompt and the tier of one request; CaseError on what has no rule here."""
    blocks = [
        *_blocks(request.objects("tools"), Level.TOOLS, "tool", role="", message=-1),
        *_blocks(request.objects("system"), Level.SYSTEM, "text", role="system", message=-1),
    ]
    for index, message in enumerate(request.objects("messages")):
        role = message.text("role") or "user"
        blocks += _blocks(message.objects("blocks", "content"), Level.MESSAGES, "text", role=role, message=index)
        message.finish()
    settings = _settings(params, blocks, profile)
    images = params.take("images", "images_present", "has_images", "image")
    if images:
        settings["images"] = True
    automatic = _ttl(params.take("top_level_cache_control", "cache_control"), "top_level_cache_control")
    output = params.take("output_format", "output_config_format", "structured_output")
    batch = params.flag("batch") or params.text("service_tier") == "batch"
    prompt = Prompt(
        model=profile.model,
        regime=Regime.ANTHROPIC,
        minimum_prefix=minimum,
        blocks=tuple(block for block, _ in blocks),
        settings=settings,
        automatic=automatic,
        max_tokens=params.count("max_tokens"),
        stream=params.flag("stream"),
        batch=batch,
        structured=bool(output) or bool(settings.pop("structured", False)),
        api="messages",
        scope="/".join(str(part) for name in _SCOPE if (part := params.take(name)) is not None),
        keeps_thinking=profile.keeps_thinking,
    )
    geo = params.text("inference_geo")
    params.finish(*_NOT_IN_THE_KEY)
    if batch:
        return prompt, Tier("batch", geo)
    return prompt, Tier("fast" if settings.get("speed") == "fast" else "standard", geo)


_SCOPE = ("organization", "organization_id", "organisation", "workspace", "workspace_id", "scope")


def _blocks(items: list[Fields], level: Level, kind: str, *, role: str, message: int) -> list[tuple[Block, bool]]:
    """Blocks of one message or level, each with whether it has citations on."""
    blocks = []
    for number, item in enumerate(items, 1):
        identity = item.take("id")
        tokens = item.count("tokens")
        if identity is None or tokens is None:
            raise CaseError("a block has no id or no tokens")
        given = item.text("type", "kind") or kind
        marker = _ttl(item.take("cache_control"), "cache_control")
        citations = item.take("citations")
        block = Block(
            id=(str(identity), bool(item.take("detail"))),
            tokens=tokens,
            level=level,
            kind=given,
            role=role,
            message=message,
            marker=marker,
            ends_message=number == len(items),
            markable=given not in _UNMARKABLE and not item.flag("empty"),
        )
        blocks.append((block, _is_on(citations)))
        item.finish("name", "text")
    return blocks


def _settings(params: Fields, blocks: list[tuple[Block, bool]], profile: Profile) -> dict[str, Any]:
    thinking = params.take("thinking", "thinking_type", "thinking_mode")
    budget = params.count("thinking_budget", "thinking_budget_tokens", "budget_tokens")
    if isinstance(thinking, bool):
        thinking = "enabled" if thinking else "disabled"
    if budget is not None and not isinstance(thinking, Mapping):
        thinking = {"type": thinking or "enabled", "budget_tokens": budget}
    output = params.take("output_config")
    effort = params.take("effort", "output_config_effort")
    output = dict(output) if isinstance(output, Mapping) else {}
    if effort is not None:
        output["effort"] = effort
    fields = {
        "tool_choice": params.take("tool_choice"),
        "thinking": thinking,
        "output_config": output,
        "speed": params.take("speed"),
        "web_search": _is_on(params.take("web_search")) or _has_tool(blocks, "web_search"),
        "web_fetch": _is_on(params.take("web_fetch")) or _has_tool(blocks, "web_fetch"),
        "citations": _is_on(params.take("citations")) or any(cites for _, cites in blocks),
        "disable_parallel_tool_use": params.flag("disable_parallel_tool_use"),
    }
    settings: dict[str, Any] = anthropic_settings(fields, profile)
    if output.get("format"):
        settings["structured"] = True
    return settings


def _has_tool(blocks: list[tuple[Block, bool]], kind: str) -> bool:
    return any(block.level is Level.TOOLS and block.kind.startswith(kind) for block, _ in blocks)


def _is_on(value: Any) -> bool:
    """Whether a toggle is on, as ``true``, ``"on"`` or ``{"enabled": true}``."""
    if isinstance(value, Mapping):
        return bool(value.get("enabled"))
    return value not in (None, False, "off", "disabled", "none", 0)


def _ttl(value: Any, what: str) -> str | None:
    """A marker as a lifetime, from ``"1h"``, ``true`` or ``{"type": "ephemeral", "ttl": "1h"}``."""
    if value is None or value is False:
        return None
    if isinstance(value, Mapping):
        value = value.get("ttl", "5m")
    if value in (True, "ephemeral"):
        return "5m"
    if not isinstance(value, str):
        raise CaseError(f"{what} is no lifetime")
    return value

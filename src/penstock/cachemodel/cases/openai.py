"""A Chat or Responses request of a case as the cache rules see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from penstock.cachemodel.cases.fields import CaseError, Fields
from penstock.cachemodel.prompt import Block, Prompt
from penstock.cachemodel.settings import frozen, openai_settings
from penstock.models.profile import Profile, Regime
from penstock.models.tiers import Tier, tier_of
from penstock.wire.dialect import Dialect
from penstock.wire.segments import Level

_SCOPE = ("organization", "organization_id", "organisation", "project", "project_id", "region", "scope")
_NOT_IN_THE_KEY = (
    "tool_choice",
    "temperature",
    "top_p",
    "stream",
    "store",
    "metadata",
    "safety_identifier",
    "user",
    "max_tokens",
    "max_completion_tokens",
    "max_output_tokens",
    "previous_response_id",
    "comparison_response_id",
)
_OUTPUTS = {"function_call_output", "tool_result", "tool_output", "custom_tool_call_output"}
_INPUT_ROLES = ("user", "developer", "system")


def read(request: Fields, params: Fields, profile: Profile, minimum: int) -> tuple[Prompt, Tier]:
    """The prompt and the tier of one request; CaseError on what has no rule here."""
    options = params.take("prompt_cache_options")
    options = Fields(options if options is not None else {}, "prompt_cache_options")
    blocks = [*_tools(request, params), *_instructions(request)]
    for index, item in enumerate(request.objects("items", "messages", "input")):
        blocks += _item(item, index)
    interval, hidden = _grid(request, params, profile)
    tier = params.text("service_tier")
    geo = params.text("inference_geo", "data_residency", "regional_processing")
    batch = params.flag("batch")
    prompt = Prompt(
        model=profile.model,
        regime=profile.regime,
        minimum_prefix=minimum,
        blocks=tuple(blocks),
        settings=_settings(params, tier, profile),
        automatic=options.text("ttl") or params.text("ttl", "prompt_cache_ttl"),
        mode=options.text("mode") or params.text("mode", "prompt_cache_mode") or "implicit",
        batch=batch,
        prewarm=options.flag("prewarm") or params.flag("prewarm"),
        api=_api(params.text("api", "endpoint")),
        scope="/".join(str(part) for name in _SCOPE if (part := params.take(name)) is not None),
        retention=_retention(params, profile),
        interval=interval,
        hidden_tokens=hidden,
    )
    options.finish("comparison_response_id")
    params.finish(*_NOT_IN_THE_KEY)
    processing = tier_of(Dialect.OPENAI_RESPONSES, {"service_tier": tier}, batch=batch).processing
    return prompt, Tier(processing, geo)


def _grid(request: Fields, params: Fields, profile: Profile) -> tuple[int, int]:
    """Interval and hidden tokens of the older cache.

    A model's own boundaries can be placed only where the hidden tokens before the prompt are given; a case that says
    nothing of them means the plain grid of 128 (provider-semantics 6, decision 5).
    """
    hidden = _either(request, params, "hidden_system_tokens", "hidden_tokens")
    interval = _either(
        request,
        params,
        "interval",
        "cache_interval",
        "interval_tokens",
        "boundary_interval",
        "boundary_interval_tokens",
    )
    if interval is None:
        interval = profile.cache_interval if hidden is not None else 128
    return max(interval, 1), hidden or 0


def _either(request: Fields, params: Fields, *names: str) -> int | None:
    found = (params.count(*names), request.count(*names))
    return next((value for value in found if value is not None), None)


def _api(given: str | None) -> str:
    name = (given or "").lower()
    return next((api for api in ("chat", "responses") if api in name), name)


def _retention(params: Fields, profile: Profile) -> str:
    asked = params.text("prompt_cache_retention", "retention")
    if asked is not None:
        return asked.replace("-", "_")
    return profile.ttls[0] if profile.regime is Regime.OPENAI_GRID else "in_memory"


def _settings(params: Fields, tier: str | None, profile: Profile) -> Mapping[str, Any]:
    reasoning = params.take("reasoning")
    text = params.take("text")
    effort = params.take("reasoning_effort", "effort")
    verbosity = params.take("verbosity", "text_verbosity")
    output = params.take(
        "text_format", "response_format", "output_format", "output_schema", "schema", "schema_id", "format"
    )
    fields = {
        "prompt_cache_key": params.take("prompt_cache_key", "cache_key"),
        "service_tier": tier,
        "effort": effort if effort is not None else _inside(reasoning, "effort"),
        "verbosity": verbosity if verbosity is not None else _inside(text, "verbosity"),
        "output_format": output if output is not None else _inside(text, "format"),
        "parallel_tool_calls": params.take("parallel_tool_calls"),
        "compaction": params.take("compaction", "context_management", "truncation"),
    }
    return openai_settings(fields, profile)


def _inside(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else None


def _tools(request: Fields, params: Fields) -> list[Block]:
    tokens, identity = request.count("tools_tokens"), params.take("tools_id", "tools")
    blocks = [
        _part(tool, Level.TOOLS, "", message=-1, kind="tool", markable=False) for tool in request.objects("tools")
    ]
    if tokens or identity is not None:
        name = ("tools", frozen(identity))
        blocks.append(Block(id=name, tokens=tokens or 0, level=Level.TOOLS, kind="tool", role=""))
    return blocks


def _instructions(request: Fields) -> list[Block]:
    value = request.take("instructions")
    if value is None:
        return []
    return [
        _part(Fields(part, "instructions"), Level.SYSTEM, "system", message=-1, kind="text", markable=False)
        for part in (value if isinstance(value, list) else [value])
    ]


def _item(item: Fields, index: int) -> list[Block]:
    kind = item.text("type") or "message"
    role = item.text("role") or ("tool" if kind in _OUTPUTS else "assistant")
    parts = item.objects("parts", "blocks", "content")
    if not parts:
        parts = [Fields({"id": item.take("id"), "tokens": item.count("tokens")}, f"item {index + 1}")]
    block_kind = "tool_result" if role == "tool" or kind in _OUTPUTS else "text"
    blocks = [
        _part(part, Level.MESSAGES, role, message=index, kind=block_kind, markable=role in _INPUT_ROLES)
        for part in parts
    ]
    item.finish("id", "call_id", "name")
    ends = Block(**{name: getattr(blocks[-1], name) for name in Block.__struct_fields__} | {"ends_message": True})
    return [*blocks[:-1], ends]


def _part(part: Fields, level: Level, role: str, *, message: int, kind: str, markable: bool) -> Block:
    identity, tokens = part.take("id"), part.count("tokens")
    if identity is None or tokens is None:
        raise CaseError("a part has no id or no tokens")
    given = part.text("type", "kind")
    block = Block(
        id=(str(identity), frozen(part.take("detail"))),
        tokens=tokens,
        level=level,
        kind=given if given and kind == "text" else kind,
        role=role,
        message=message,
        marker=_marker(part),
        markable=markable,
    )
    part.finish("text", "name")
    return block


def _marker(part: Fields) -> str | None:
    """A breakpoint as a lifetime; empty for the request's default."""
    given = part.take("breakpoint", "prompt_cache_breakpoint")
    ttl = part.text("ttl", "breakpoint_ttl", "cache_ttl")
    if given is None or given is False:
        return None
    if isinstance(given, Mapping):
        ttl = given.get("ttl", ttl)
    elif isinstance(given, str):
        ttl = given if given != "explicit" else ttl
    return ttl or ""

"""What the cache rules see of a request: blocks with token counts, markers, and the settings that change the prefix."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import msgspec

from penstock.cachemodel.settings import Settings, anthropic_settings, openai_settings
from penstock.cachemodel.steps import Steps, steps_of, steps_of_view
from penstock.models.profile import Profile, Regime
from penstock.unknown import Unknown
from penstock.wire.dialect import Dialect
from penstock.wire.memo import Memo
from penstock.wire.segments import Level
from penstock.wire.view import View

UNREACHABLE = 1 << 62
"""The minimum prefix of a model whose own is not known: nothing is promised to be cached."""

_APIS = {
    Dialect.ANTHROPIC_MESSAGES: "messages",
    Dialect.OPENAI_CHAT: "chat",
    Dialect.OPENAI_RESPONSES: "responses",
}


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """One block of a prompt, in render order.

    Attributes:
        id: equal ids are equal bytes, different ids different bytes; any hashable value.
        tokens: the provider's count, with its share of framing.
        level: tools, system or messages.
        kind: as ``wire.segments.Segment.kind``.
        role: ``user``, ``assistant``, ``system``, ``developer`` or ``tool``; empty for tools.
        message: index of its message, -1 for tools and top-level system text.
        marker: the lifetime of the cache marker on it; empty for "the request's default"; None for no marker.
        ends_message: it is the last block of its message.
        markable: a marker may stand on it.
    """

    id: Hashable
    tokens: int
    level: Level = Level.MESSAGES
    kind: str = "text"
    role: str = "user"
    message: int = -1
    marker: str | None = None
    ends_message: bool = False
    markable: bool = True

    @property
    def digest(self) -> Hashable:
        """The id, by the name that segments have for it."""
        return self.id


class Prompt(msgspec.Struct, frozen=True, kw_only=True):
    """A request as the cache rules see it.

    Attributes:
        model: canonical id; entries of different models never meet.
        regime: whose rules apply.
        minimum_prefix: shortest cached prefix, tokens, inclusive.
        blocks: tools, system, messages; empty where ``steps`` are given.
        settings: normalised settings that change the prefix (``settings.py``); an absent key is the default.
        automatic: Anthropic: lifetime of the top-level marker, or None without one. OpenAI 5.6 and later: the request's
            own lifetime for breakpoints that name none; None is 30 minutes.
        mode: ``implicit`` or ``explicit`` (OpenAI 5.6 and later).
        max_tokens: the output cap; 0 is a pre-warm on Anthropic.
        stream: the answer is streamed.
        batch: the request is part of a batch.
        structured: an output format (schema) is asked for.
        prewarm: OpenAI's pre-warm option.
        api: ``messages``, ``chat`` or ``responses``; empty where it does not matter.
        scope: what entries are shared within: workspace or organisation.
        keeps_thinking: the model keeps earlier thinking blocks in context (provider-semantics 1.10).
        retention: the grid's retention name (``in_memory`` or ``24h``).
        interval: distance of the grid's internal boundaries, tokens.
        hidden_tokens: tokens that the grid counts before the visible prompt.
        steps: the blocks as the rules walk them; None to have them worked out.
    """

    model: str
    regime: Regime
    minimum_prefix: int
    blocks: tuple[Block, ...] = ()
    settings: Mapping[str, Hashable] = {}
    automatic: str | None = None
    mode: str = "implicit"
    max_tokens: int | None = None
    stream: bool = False
    batch: bool = False
    structured: bool = False
    prewarm: bool = False
    api: str = ""
    scope: str = ""
    keeps_thinking: bool = True
    retention: str = "in_memory"
    interval: int = 128
    hidden_tokens: int = 0
    steps: Steps | None = None

    @property
    def walked(self) -> Steps:
        """The blocks as the rules walk them."""
        return self.steps if self.steps is not None else steps_of(self.blocks)

    @property
    def tokens(self) -> int:
        """The whole prompt's tokens, before anything that the provider strips."""
        return self.walked.total


def prompt_of(view: View, profile: Profile, tokens: Sequence[int], *, scope: str = "", batch: bool = False) -> Prompt:
    """A request as the cache rules see it.

    Args:
        view: the request.
        profile: of the model that is asked.
        tokens: counts of ``view.segments``, one by one.
        scope: what entries are shared within: workspace or organisation.
        batch: the request is part of a batch.

    Raises:
        ValueError: when counts and segments differ in number.
    """
    blocks = tuple(
        Block(
            id=segment.digest,
            tokens=count,
            level=segment.level,
            kind=segment.kind,
            role=segment.role,
            message=segment.message,
            marker=None if segment.marker is None else segment.marker.ttl,
            ends_message=segment.ends_message,
            markable=segment.markable,
        )
        for segment, count in zip(view.segments, tokens, strict=True)
    )
    return msgspec.structs.replace(_bare(view, profile, scope, batch=batch), blocks=blocks)


def prompt_of_view(view: View, profile: Profile, ends: Sequence[int], *, scope: str = "") -> Prompt:
    """The same, without blocks: the rules walk the view's own segments.

    Args:
        view: the request.
        profile: of the model that is asked.
        ends: tokens up to the end of each of ``view.segments``.
        scope: what entries are shared within.
    """
    steps = steps_of_view(view, ends)
    if view.outline.tally.documents:
        return msgspec.structs.replace(_bare(view, profile, scope), steps=steps)
    key = (view.dialect, view.model, view.params_digest, view.tools_digest, scope)
    known = _known.get(key)
    if known is None or known[0] is not profile:
        known = (profile, _bare(view, profile, scope))
        _known.put(key, known)
    return msgspec.structs.replace(known[1], steps=steps)


_known: Memo[tuple[Dialect, str, bytes, bytes, str], tuple[Profile, Prompt]] = Memo(2048)


def _bare(view: View, profile: Profile, scope: str, *, batch: bool = False) -> Prompt:
    """A request without its prompt: a function of its parameters, its tools, and what documents say of citations."""
    options = view.get("prompt_cache_options")
    options = options if isinstance(options, dict) else {}
    automatic = view.automatic_marker
    ttl = automatic.ttl if automatic is not None else options.get("ttl")
    minimum = profile.minimum_prefix
    return Prompt(
        model=profile.model,
        regime=profile.regime,
        minimum_prefix=UNREACHABLE if isinstance(minimum, Unknown) else minimum,
        settings=_settings(view, profile),
        automatic=None if ttl is None else str(ttl),
        mode=str(options.get("mode") or "implicit"),
        max_tokens=view.cap[1] if view.cap is not None else None,
        stream=view.stream,
        batch=batch,
        structured=_output_format(view) is not None,
        prewarm=options.get("prewarm") is True,
        api=_APIS[view.dialect],
        scope=scope,
        keeps_thinking=profile.keeps_thinking or profile.regime is not Regime.ANTHROPIC,
        retention=_retention(view, profile),
        interval=profile.cache_interval,
    )


def _settings(view: View, profile: Profile) -> Settings:
    if view.dialect is Dialect.ANTHROPIC_MESSAGES:
        tools = view.tool_names()
        fields: dict[str, Any] = {
            name: view.get(name) for name in ("tool_choice", "thinking", "output_config", "speed")
        }
        fields |= {name: name in tools for name in ("web_search", "web_fetch")}
        fields["citations"] = view.outline.tally.documents > 0 and any(
            view.get(*segment.path, "citations", "enabled") is True
            for segment in view.segments
            if segment.kind == "document"
        )
        return anthropic_settings(fields, profile)
    chat = view.dialect is Dialect.OPENAI_CHAT
    return openai_settings(
        {
            "prompt_cache_key": view.get("prompt_cache_key"),
            "service_tier": view.get("service_tier"),
            "effort": view.get("reasoning_effort") if chat else view.get("reasoning", "effort"),
            "verbosity": view.get("verbosity") if chat else view.get("text", "verbosity"),
            "output_format": _output_format(view),
            "parallel_tool_calls": view.get("parallel_tool_calls"),
            "compaction": view.get("context_management"),
        },
        profile,
    )


def _output_format(view: View) -> Any:
    if view.dialect is Dialect.ANTHROPIC_MESSAGES:
        return view.get("output_config", "format")
    return view.get("response_format") if view.dialect is Dialect.OPENAI_CHAT else view.get("text", "format")


def _retention(view: View, profile: Profile) -> str:
    """The grid's retention: what the request asks for, else the model's own default (provider-semantics 2.1)."""
    asked = view.get("prompt_cache_retention")
    if asked is not None:
        return str(asked)
    return profile.ttls[0] if profile.regime is Regime.OPENAI_GRID and profile.ttls else "in_memory"

"""What the cache rules see of a request: blocks with token counts, markers, and the settings that change the prefix."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

import msgspec

from penstock.models.profile import Regime
from penstock.wire.segments import Level


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


class Prompt(msgspec.Struct, frozen=True, kw_only=True):
    """A request as the cache rules see it.

    Attributes:
        model: canonical id; entries of different models never meet.
        regime: whose rules apply.
        minimum_prefix: shortest cached prefix, tokens, inclusive.
        blocks: tools, system, messages.
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
    """

    model: str
    regime: Regime
    minimum_prefix: int
    blocks: tuple[Block, ...]
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

    @property
    def tokens(self) -> int:
        """The whole prompt's tokens, before anything that the provider strips."""
        return sum(block.tokens for block in self.blocks)

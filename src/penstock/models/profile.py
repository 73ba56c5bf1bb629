"""What a model is, beside its price: cache regime, limits, and what its requests may carry."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from fractions import Fraction

import msgspec

from penstock.unknown import Unknown
from penstock.wire.dialect import Dialect


class Regime(StrEnum):
    """Which of the providers' prompt-cache rules a model follows."""

    ANTHROPIC = "anthropic"  # explicit markers, look-back, 5m and 1h (provider-semantics 1.2-1.6)
    OPENAI_GRID = "openai_grid"  # before gpt-5.6: automatic, no write fee (2.1)
    OPENAI_BREAKPOINTS = "openai_breakpoints"  # gpt-5.6 and later: implicit and explicit breakpoints (2.2)
    NONE = "none"  # no prompt cache


_CHARGED = frozenset({Regime.ANTHROPIC, Regime.OPENAI_BREAKPOINTS})

_CAP_PARAMS = {
    Dialect.ANTHROPIC_MESSAGES: "max_tokens",
    Dialect.OPENAI_CHAT: "max_completion_tokens",
    Dialect.OPENAI_RESPONSES: "max_output_tokens",
}


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """One model, or one family of snapshots of it.

    Attributes:
        provider: ``anthropic`` or ``openai``.
        model: the canonical id, without snapshot date, provider prefix or platform suffix.
        regime: its prompt-cache rules.
        minimum_prefix: the shortest prefix that is cached, tokens, inclusive (provider-semantics 1.3, 2.1).
        ttl_seconds: lifetime by name, seconds. For the grid these are retention names and the shortest idle lifetime
            that is documented, not a promise.
        cache_interval: distance of the grid's internal boundaries, tokens (2.1); 128 where nothing else is known.
        forbidden_params: top-level request fields that the model answers with a 400, whatever their value.
        thinking_types: values of ``thinking.type`` that it accepts; empty for OpenAI.
        default_thinking: the type that an absent ``thinking`` equals; None for OpenAI.
        always_thinks: ``thinking.type: disabled`` is a 400.
        efforts: the effort levels that it accepts, lowest first; empty where effort is not a parameter.
        default_effort: the level that an absent effort equals, or None where not known.
        tokenizer: tokenizer family; counts must not be reused across families.
        tokenizer_factor: tokens for the same text relative to the provider's older family (1.3 for Claude 4.7 and
            later, else 1.0).
        context_window: input and output tokens together.
        max_output: the largest output cap.
        keeps_thinking: earlier thinking blocks stay in context and in the cached prefix (1.10).
        reasons: it spends output tokens on reasoning that the caller does not see.
        accepts_prefill: a request whose last message is the assistant's is accepted (a 400 otherwise).
        forced_tool_choice_allowed: ``tool_choice`` may demand a tool.
        accepts_system_messages: a ``system`` role is allowed inside ``messages``.
        limits_count_reads: cache reads use up its input rate limit, against Anthropic's rule (1.8); OpenAI's limits
            count all tokens of every model.
        geo_factor: what regional processing multiplies every price by; None where it is not offered.
        released: first day on sale, or None where not known.
        retired: first day without service on the provider's own API, or None.
    """

    provider: str
    model: str
    regime: Regime
    minimum_prefix: int | Unknown
    ttl_seconds: Mapping[str, float]
    cache_interval: int
    forbidden_params: frozenset[str]
    thinking_types: frozenset[str]
    default_thinking: str | None
    always_thinks: bool
    efforts: tuple[str, ...]
    default_effort: str | None
    tokenizer: str
    tokenizer_factor: float
    context_window: int | Unknown
    max_output: int | Unknown
    keeps_thinking: bool
    reasons: bool
    accepts_prefill: bool
    forced_tool_choice_allowed: bool
    accepts_system_messages: bool
    limits_count_reads: bool
    geo_factor: Fraction | None
    released: date | None
    retired: date | None

    @property
    def charges_writes(self) -> bool:
        """Writing to its cache has a price, so that whether to write is a choice."""
        return self.regime in _CHARGED

    @property
    def ttls(self) -> tuple[str, ...]:
        """The names of the lifetimes that a request may ask for, as the data lists them."""
        return tuple(self.ttl_seconds)

    def cap_param(self, dialect: Dialect) -> str:
        """The name of the output cap in a dialect: always one that this model accepts (2.4)."""
        return _CAP_PARAMS[dialect]

"""Model string to profile."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

from penstock.models.entries import ENTRIES, Entry
from penstock.models.names import resolve
from penstock.models.profile import Profile, Regime
from penstock.unknown import Unknown


@lru_cache(maxsize=2048)
def profile_of(model: str) -> Profile | Unknown:
    """The profile of a model as a request or a log names it.

    Snapshots, provider prefixes, Bedrock ids, ``-latest`` and the usual spellings resolve (``names.resolve``). An
    unlisted model is Unknown, never its nearest relative: a wrong minimum or a wrong regime costs money.
    """
    name = resolve(model)
    if name is None:
        return Unknown(f"no model {model!r} in the table")
    entry = ENTRIES[name.model]
    minimum = entry.minimum_prefix
    if name.bedrock and entry.minimum_prefix_bedrock is not None:
        minimum = entry.minimum_prefix_bedrock
    return _profile(entry, minimum)


def known_models() -> tuple[str, ...]:
    """Every canonical id, in the order of the data files."""
    return tuple(ENTRIES)


def _profile(entry: Entry, minimum: int | None) -> Profile:
    return Profile(
        provider=entry.provider,
        model=entry.id,
        regime=Regime(entry.regime),
        minimum_prefix=_known(minimum, "minimum prefix", entry),
        ttl_seconds=entry.ttls,
        cache_interval=entry.cache_interval,
        forbidden_params=entry.forbidden,
        thinking_types=frozenset(entry.thinking),
        default_thinking=_default_thinking(entry),
        always_thinks=entry.always_thinks,
        efforts=entry.efforts,
        default_effort=entry.default_effort,
        tokenizer=entry.tokenizer,
        tokenizer_factor=entry.tokenizer_factor,
        context_window=_known(entry.context_window, "context window", entry),
        max_output=_known(entry.max_output, "output limit", entry),
        keeps_thinking=entry.keeps_thinking,
        reasons=entry.reasons,
        accepts_prefill=entry.accepts_prefill,
        forced_tool_choice_allowed=entry.forced_tool_choice,
        accepts_system_messages=entry.accepts_system_messages,
        limits_count_reads=entry.limits_count_reads,
        geo_factor=Fraction(entry.geo_factor) if entry.geo_factor else None,
        released=entry.released,
        retired=entry.retired,
    )


def _default_thinking(entry: Entry) -> str | None:
    if not entry.thinking:
        return None
    return "adaptive" if entry.always_thinks else "disabled"


def _known(value: int | None, what: str, entry: Entry) -> int | Unknown:
    return value if value is not None else Unknown(f"no {what} known for {entry.id}")

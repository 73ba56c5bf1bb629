"""OpenAI's prompt cache before gpt-5.6 (provider-semantics 2.1).

prefix      the exact rendered prompt: tools and output schema first, then the messages.
read        the longest prefix that an earlier prompt had in common with this one, if it is at least the minimum.
            Boundaries lie at fixed intervals counted from before the visible prompt; the last one inside the common
            prefix, less the hidden tokens, rounded down to a multiple of 128, is reported.
write       every prompt, free of charge, and nothing is said of it.
time        an entry can be read once the response that wrote it has begun, and lives a retention's idle lifetime
            from the start of the latest request that wrote or read it.
where       the state lives on one machine: the cache key takes part in choosing it, and traffic above the rate of
            one machine overflows to the next.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable

from penstock.cachemodel.admission import Admission, Entry, Rejected, Split
from penstock.cachemodel.overflow import machine_of
from penstock.cachemodel.prompt import Prompt
from penstock.cachemodel.steps import Steps
from penstock.cachemodel.store import CacheState
from penstock.models.profile import Regime

_ROUND = 128
_SETTINGS = ("output_format",)


def admit(state: CacheState, prompt: Prompt, at: float) -> Admission:
    """What the cache does with a request that starts at ``at``; Rejected for fields of the newer rules."""
    steps = prompt.walked
    _check_fields(prompt, steps)
    total = steps.total
    stream, root = _root(state, prompt, steps, at)
    # What was read or written refreshed every shorter prefix, so those that can be read stand first.
    stored = bisect_left(steps.prefixes, 1, key=lambda prefix: 0 if state.readable(root, prefix, at) else 1)
    read = _boundary(prompt, steps.ends[stored - 1] if stored else 0)
    decisions = state.decisions
    lifetime = decisions.grid_24h_s if prompt.retention == "24h" else decisions.grid_in_memory_s
    entries = (Entry(root, steps.prefixes, prompt.retention, lifetime),) if total >= prompt.minimum_prefix else ()
    return Admission(
        regime=Regime.OPENAI_GRID, at=at, split=Split(plain=total - read, read=read), entries=entries, stream=stream
    )


def _boundary(prompt: Prompt, common: int) -> int:
    """The tokens reported as cached for a common prefix of that many visible tokens."""
    if common < prompt.minimum_prefix:
        return 0
    last = (prompt.hidden_tokens + common) // prompt.interval * prompt.interval
    return max(0, (last - prompt.hidden_tokens) // _ROUND * _ROUND)


def _root(state: CacheState, prompt: Prompt, steps: Steps, at: float) -> tuple[Hashable, Hashable]:
    """What the request counts as for overflow, and what its entries are under."""
    settings = tuple((name, prompt.settings[name]) for name in _SETTINGS if name in prompt.settings)
    key = prompt.settings.get("prompt_cache_key") if state.decisions.grid_key_partitions else None
    first = steps.parts[0].digest if steps.parts else None
    stream = (prompt.scope, prompt.model, prompt.settings.get("prompt_cache_key"), first)
    return stream, (prompt.scope, prompt.model, settings, key, machine_of(state, stream, at))


def _check_fields(prompt: Prompt, steps: Steps) -> None:
    if prompt.prewarm or prompt.mode != "implicit" or prompt.automatic is not None:
        raise Rejected("Unsupported parameter: 'prompt_cache_options' is not supported with this model.")
    if prompt.retention not in ("in_memory", "24h"):
        raise Rejected(f"Invalid value: {prompt.retention!r}. Supported values are: 'in_memory' and '24h'.")
    if steps.marks:
        raise Rejected("Unsupported parameter: 'prompt_cache_breakpoint' is not supported with this model.")

"""What an answered request teaches about reuse: which prefixes came, and which entries its markers left.

Prefixes are followed only where a lever may ask about them. Where a model's cache is written for nothing there is no
choice to make, and only the pace of its requests is learnt.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from penstock.evidence.reuse import LIFETIMES, ReuseEvidence
from penstock.evidence.sightings import Bill, Entry
from penstock.levers.cache.breakpoints import latest_ending
from penstock.levers.cache.chain import SegmentChain, chain_of
from penstock.levers.cache.client_marks import client_marks
from penstock.models.profile import Profile, Regime
from penstock.unknown import Unknown
from penstock.wire.usage import Usage
from penstock.wire.view import View


def learn_reuse(
    reuse: ReuseEvidence,
    view: View,
    tokens: Sequence[int],
    profile: Profile | Unknown,
    *,
    task: str,
    scope: str,
    at: float,
    usage: Usage | None,
    ends: Sequence[int] | None = None,
) -> None:
    """Add a request that was answered.

    Args:
        reuse: changed in place.
        view: as it was sent.
        tokens: per segment of the view.
        profile: of its model.
        task: its task.
        scope: whose cache it used.
        at: when it started, seconds since the epoch: entries age from there (T10).
        usage: what the provider reported, or None; it decides which entry was read.
        ends: tokens up to the end of each segment, where they are known.
    """
    if not isinstance(profile, Unknown) and not profile.charges_writes:
        reuse.pace.add(task, at)
        return
    chain = chain_of(view, tokens, profile, scope, ends=ends)
    if not len(chain):
        return
    entries = () if isinstance(profile, Unknown) else _entries(view, chain, profile)
    read = None if usage is None or usage.input_total == 0 else _read_position(chain, usage)
    reuse.observe(task, chain, at, entries, read=read, bill=_bill(view.model, usage))


def _bill(model: str, usage: Usage | None) -> Bill | None:
    if usage is None or usage.input_total == 0:
        return None
    written = {
        "5m": usage.cache_write_5m,
        "1h": usage.cache_write_1h,
        "30m": usage.cache_write_30m,
        "12h": usage.cache_write_12h,
    }
    return Bill(model, usage.input_total, usage.cache_read, written)


def _entries(view: View, chain: SegmentChain, profile: Profile) -> list[Entry]:
    """What its markers write or refresh, in prompt order."""
    if isinstance(profile.minimum_prefix, Unknown):
        return []
    found: dict[int, float] = {}
    if profile.regime is Regime.ANTHROPIC:
        found = {mark.position: mark.lifetime for mark in client_marks(view, profile)}
    elif profile.regime is Regime.OPENAI_BREAKPOINTS:
        options = view.get("prompt_cache_options")
        explicit = isinstance(options, dict) and options.get("mode") == "explicit"
        found = {mark.position: mark.lifetime for mark in client_marks(view, profile)}
        if not explicit:
            found.setdefault(latest_ending(view.segments), profile.ttl_seconds.get("30m", 1800.0))
    return [
        Entry(position, lifetime)
        for position, lifetime in sorted(found.items())
        if position >= 0 and lifetime in LIFETIMES and chain.upto(position) >= profile.minimum_prefix
    ]


def _read_position(chain: SegmentChain, usage: Usage) -> int:
    """Where the entry ends that the provider says it read: the nearest end, our counts scaled to its total; or -1."""
    if usage.cache_read == 0:
        return -1
    ends = chain.ends
    target = usage.cache_read * ends[-1] / usage.input_total
    after = bisect_left(ends, target)
    if after == len(ends):
        return after - 1
    return after - 1 if after and target - ends[after - 1] <= ends[after] - target else after

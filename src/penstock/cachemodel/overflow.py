"""Which of a provider's machines a request lands on (provider-semantics 6, decision 7)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable

from penstock.cachemodel.store import MINUTE, CacheState


def machine_of(state: CacheState, stream: Hashable, at: float) -> int:
    """The machine, from 0, of a request of a stream (requests with one prefix start and cache key).

    The first requests of any minute, up to the rate of one machine, stay on machine 0; the next as many go to machine
    1, and so on around. With one machine nothing is remembered.
    """
    machines, rate = state.decisions.openai_machines, state.decisions.openai_rate_per_minute
    if machines <= 1:
        return 0
    times = state.arrivals.setdefault(stream, [])
    del times[: bisect_left(times, at - MINUTE)]
    return len(times) // rate % machines


def record_arrival(state: CacheState, stream: Hashable, at: float) -> None:
    """Count a request of a stream for the minute that follows it."""
    if state.decisions.openai_machines > 1:
        state.arrivals.setdefault(stream, []).append(at)

"""Single-flight on a cold prefix (trap T9): parallel calls of one prefix would all write what one write could serve.

A call that is about to write a prefix waits while a sibling that writes the same is on its way and its answer has not
begun; an entry can be read from then on (provider-semantics 1.4, rule 5). It waits only when reading instead of writing
saves more than the longest wait costs, and never beyond the policy's bound. A sibling that fails lets its waiters go.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from penstock.engine.facts import Facts
from penstock.evidence.reuse import LIFETIMES
from penstock.levers.cache.breakpoints import latest_ending
from penstock.levers.cache.chain import chain_of
from penstock.levers.cache.client_marks import client_marks
from penstock.models.profile import Profile, Regime
from penstock.money import PICO_PER_USD, Picodollars, format_usd
from penstock.unknown import Unknown
from penstock.wire.view import View

LOST_S = 120.0
"""A call that was sent longer ago is not waited for, whatever became of it."""


class Written(NamedTuple):
    """A prefix that a request writes or refreshes: its key, its tokens, and what a read in place of a write saves."""

    key: int
    tokens: int
    saving: Picodollars


def written(view: View, facts: Facts) -> list[Written]:
    """What a request's markers write, the longest prefix first; empty when a model or price is unknown."""
    profile, prices = facts.profile, facts.prices
    if isinstance(profile, Unknown) or isinstance(prices, Unknown) or isinstance(profile.minimum_prefix, Unknown):
        return []
    if not profile.charges_writes:
        return []
    rates = [
        rate
        for rate in (prices.cache_write_5m, prices.cache_write_30m, prices.cache_write_1h, prices.cache_write_12h)
        if not isinstance(rate, Unknown)
    ]
    if not rates or isinstance(prices.cache_read, Unknown):
        return []
    chain = chain_of(view, facts.tokens, profile, facts.scope, ends=facts.counted.ends)
    spared = min(rates) - prices.cache_read
    found = []
    for position in sorted(_marked(view, profile), reverse=True):
        tokens = chain.upto(position)
        if position >= 0 and tokens >= profile.minimum_prefix:
            found.append(Written(chain.key(position), tokens, Picodollars(tokens * spared)))
    return found


def _marked(view: View, profile: Profile) -> set[int]:
    found = {mark.position for mark in client_marks(view, profile) if mark.lifetime in LIFETIMES}
    if profile.regime is Regime.OPENAI_BREAKPOINTS:
        options = view.get("prompt_cache_options")
        if not (isinstance(options, dict) and options.get("mode") == "explicit"):
            found.add(latest_ending(view.segments))
    return found


class Wait(NamedTuple):
    """Whether a call waits for a sibling's write, and the arithmetic of it.

    Attributes:
        pays: reading in place of writing saves more than the longest wait costs.
        why: one line, without prompt text.
    """

    pays: bool
    why: str


def weigh(one: Written, hold_ms: int, usd_second: float) -> Wait:
    """Whether to wait for a sibling that writes a prefix.

    Args:
        one: what the sibling writes.
        hold_ms: the longest wait.
        usd_second: what a second of waiting counts as, US dollars.
    """
    price = Picodollars(round(usd_second * PICO_PER_USD * hold_ms / 1000))
    pays = hold_ms > 0 and one.saving > price
    sign = ">" if one.saving > price else "<="
    return Wait(
        pays,
        f"a sibling is writing the same {one.tokens:,} tokens: reading them in place of writing saves "
        f"{format_usd(one.saving)} {sign} {hold_ms / 1000:g} s at ${usd_second:g} a second = {format_usd(price)}",
    )


class Siblings:
    """Who writes what: calls on their way whose answers have not begun, and who waits for them. Never waits itself.

    Attributes:
        latest: when the answer began that began last, seconds since the epoch.
    """

    def __init__(self) -> None:
        self._writer: dict[int, str] = {}
        self._keys: dict[str, tuple[float, tuple[int, ...]]] = {}
        self._waiting: dict[str, list[Callable[[], object]]] = {}
        self.latest = 0.0

    def sending(self, call_id: str, prefixes: Sequence[Written], at: float) -> None:
        """A call that writes these prefixes is sent; of several calls with one prefix the first is its writer."""
        mine = tuple(one.key for one in prefixes if one.key not in self._writer)
        if mine:
            self._keys[call_id] = (at, mine)
            self._writer.update(dict.fromkeys(mine, call_id))

    def writer(self, prefixes: Sequence[Written], at: float) -> tuple[Written, str] | None:
        """The longest prefix that a sibling is about to write, and the sibling's call id; None when there is none."""
        for one in prefixes:
            call_id = self._writer.get(one.key)
            if call_id is not None and at - self._keys[call_id][0] > LOST_S:
                self.over(call_id)
            elif call_id is not None:
                return one, call_id
        return None

    def on_its_way(self, call_id: str) -> bool:
        """Whether a writer's answer has not begun yet."""
        return call_id in self._keys

    def began(self, call_id: str, at: float) -> None:
        """A call's answer began: what it wrote can be read."""
        if call_id in self._keys:
            self.latest = max(self.latest, at)
            self.over(call_id)

    def over(self, call_id: str) -> None:
        """A call is over, whatever became of it: nobody waits for it any more. Safe to call twice."""
        _, keys = self._keys.pop(call_id, (0.0, ()))
        for key in keys:
            del self._writer[key]
        for wake in self._waiting.pop(call_id, ()):
            wake()

    def wait(self, call_id: str, wake: Callable[[], object]) -> None:
        """Have ``wake`` called once when a sibling is over; at once when it is over already."""
        if call_id in self._keys:
            self._waiting.setdefault(call_id, []).append(wake)
        else:
            wake()

"""Requests that keep a prompt for longer than it was written for: whether one pays, and what became of the chance.

The chance that a conversation goes on late is that of its class of prompts (``ReuseEvidence.later``), times the task's
own factor (``Late``). What was expected is compared with what came when the longer lifetime would be over, whether or
not a request was sent.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import msgspec

from penstock.engine.kept import Kept, Plan, Use
from penstock.evidence.late import Late
from penstock.levers.cache.chain import SegmentChain, chain_of
from penstock.levers.cache.extend import Extent, extending_body, extension_worth, longer_write
from penstock.levers.cache.planner import Terms, Write
from penstock.levers.cache.terms import terms_of
from penstock.money import Picodollars
from penstock.unknown import Unknown
from penstock.wire.view import read_request

_MOST_OPEN = 4096
"""Uses whose window is not over yet; beyond that the oldest are not counted."""


class Offer(NamedTuple):
    """A request that would keep a prefix for longer.

    Attributes:
        plan: the request.
        worth: what it is expected to earn beyond its price, picodollars.
        why: one line, without prompt text.
    """

    plan: Plan
    worth: Picodollars
    why: str


class _Form(NamedTuple):
    """An extending request before anything is known of its chance."""

    plan: Plan
    terms: Terms
    write: Write
    extent: Extent
    position: int
    price: int


class Extending:
    """What extending has come to in one process.

    Attributes:
        refused: tasks and models whose requests were refused, or did not read what they should.
    """

    def __init__(self, late: Late) -> None:
        self._late = late
        self._open: deque[tuple[float, str, float, bool]] = deque(maxlen=_MOST_OPEN)
        self.refused: set[tuple[str, str]] = set()

    def offer(self, kept: Kept, now: float) -> Offer | None:
        """The request for a prefix that nobody came back to; None when there is none. Asked once for each use."""
        use = kept.use
        if kept.sent or (kept.task, use.view.model) in self.refused:
            return None
        form = _form(kept)
        if isinstance(form, Unknown) or form.plan.beyond is None:
            return None
        later = use.facts.evidence.reuse.later(kept.end, now, form.write.lifetime)
        if later is None:
            return None
        kept.beyond = (form.position, *form.plan.beyond)
        kept.expected = later.chance
        later = later._replace(chance=min(1.0, later.chance * self._late.factor(kept.known_as)))
        worth = extension_worth(form.terms, form.write, form.extent, later)
        why = (
            f"keeps {form.extent.prefix:,} tokens for {form.write.ttl} by writing {_beyond(form.extent):,} more behind "
            f"them; {later.chance:.0%} of such prompts are gone on with in that time and not before the entry is gone"
        )
        return Offer(form.plan, Picodollars(round(worth * form.price)), why)

    def used(self, kept: Kept, chain: SegmentChain, use: Use) -> None:
        """A watched prefix was used: whether the longer entry served that prompt, or would have, and the short not."""
        if kept.beyond is None or use.at <= kept.use.at + kept.plan.lifetime:
            return
        position, key, lifetime = kept.beyond
        held = position < len(chain) and chain.key(position) == key
        came = use.read >= kept.extended if kept.extended else held  # the provider knows best what it read
        self._open.append((kept.use.at + lifetime, kept.known_as, kept.expected, came))

    @staticmethod
    def awaits(kept: Kept, now: float) -> bool:
        """Whether the time in which the longer entry could be read is not over."""
        return kept.beyond is not None and now < kept.use.at + kept.beyond[2]

    def given_up(self, kept: Kept) -> None:
        """Nobody came back to a watched prefix in that time."""
        if kept.beyond is not None:
            self._late.add(kept.known_as, kept.expected, came=False)

    def settle(self, now: float) -> None:
        """Count the uses whose window is over."""
        while self._open and self._open[0][0] <= now:
            _, name, expected, came = self._open.popleft()
            self._late.add(name, expected, came=came)


def _beyond(extent: Extent) -> int:
    return extent.whole - extent.prefix


def _form(kept: Kept) -> _Form | Unknown:
    use, view = kept.use, kept.use.view
    facts = use.facts
    terms = terms_of(facts.profile, facts.prices, ttl=facts.policy.cache.ttl, dialect=view.dialect)
    if isinstance(terms, Unknown):
        return terms
    write = longer_write(terms, kept.plan.lifetime)
    if write is None or isinstance(facts.profile, Unknown):
        return Unknown("no longer lifetime is on offer")
    made = extending_body(view, facts.profile, write, fixed=use.fixed, look_back=terms.look_back, answer=use.answer)
    if isinstance(made, Unknown):
        return made
    request = read_request(view.dialect, made.body)
    seen = facts.seeing(request)
    prices = seen.prices
    if isinstance(prices, Unknown) or isinstance(prices.input, Unknown):
        return Unknown("no price")
    chain = chain_of(request, seen.tokens, seen.profile, seen.scope)
    if chain.key(made.found) != kept.plan.key:
        return Unknown("the request would read another prompt")
    whole = chain.upto(made.position)
    above = use.facts.evidence.reuse.outliving(chain, made.found, kept.plan.lifetime, use.at)
    extent = Extent(chain.upto(made.found), whole, chain.upto(len(chain) - 1) - whole, chain.upto(above))
    beyond = chain.key(made.position), write.lifetime
    rest = chain.upto(len(chain) - 1) - extent.prefix
    plan = msgspec.structs.replace(kept.plan, view=request, tokens=extent.prefix, beside=rest, beyond=beyond)
    return _Form(plan, terms, write, extent, made.position, int(prices.input))

"""Everything that a placement is decided from, gathered once per request."""

from __future__ import annotations

from typing import NamedTuple

from penstock.engine.facts import Facts
from penstock.evidence.reuse import Outlook, Sighting
from penstock.levers.cache.chain import SegmentChain, chain_of
from penstock.levers.cache.planner import Terms
from penstock.levers.cache.terms import terms_of
from penstock.money import Picodollars
from penstock.unknown import Unknown
from penstock.wire.view import View


class Case(NamedTuple):
    """A request as the planner sees it.

    Attributes:
        view: the request.
        chain: its prefixes.
        terms: what caching costs on its model.
        price: of one plain prompt token, picodollars.
        sighting: what was known about the chain, or None.
        outlook: how likely its spots come again.
    """

    view: View
    chain: SegmentChain
    terms: Terms
    price: int
    sighting: Sighting | None
    outlook: Outlook

    @property
    def entry(self) -> int:
        """Position of the deepest live entry, -1 for none."""
        return -1 if self.sighting is None else self.sighting.entry

    @property
    def total(self) -> int:
        """Tokens of the whole prompt."""
        return self.chain.upto(len(self.chain) - 1)

    def money(self, tokens: float) -> Picodollars:
        """Tokens at the plain input price."""
        return Picodollars(round(tokens * self.price))


def case_of(view: View, facts: Facts) -> Case | Unknown:
    """The case of a request, or why nothing can be decided: an unknown price or minimum, or a prompt below it."""
    terms = terms_of(facts.profile, facts.prices, ttl=facts.policy.cache.ttl)
    if isinstance(terms, Unknown):
        return terms
    if isinstance(facts.prices, Unknown) or isinstance(facts.prices.input, Unknown):
        return Unknown("no price")
    chain = chain_of(view, facts.tokens, facts.profile, facts.scope)
    if not len(chain) or chain.upto(len(chain) - 1) < terms.minimum:
        return Unknown("the prompt is shorter than the shortest cached prefix")
    reuse = facts.evidence.reuse
    sighting = reuse.look(chain, facts.now)
    return Case(view, chain, terms, int(facts.prices.input), sighting, reuse.forecast(facts.task, chain, sighting))

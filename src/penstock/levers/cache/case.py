"""A request as a case for placing markers."""

from __future__ import annotations

from typing import NamedTuple

from penstock.engine.facts import Facts
from penstock.levers.cache.chain import chain_of
from penstock.levers.cache.place import Case, case_of
from penstock.levers.cache.terms import terms_of
from penstock.money import Picodollars
from penstock.unknown import Unknown
from penstock.wire.view import View


class RequestCase(NamedTuple):
    """A case and the request that it is of.

    Attributes:
        view: the request.
        case: what markers are decided from.
        price: of one plain prompt token, picodollars.
    """

    view: View
    case: Case
    price: int

    def money(self, tokens: float) -> Picodollars:
        """Tokens at the plain input price."""
        return Picodollars(round(tokens * self.price))


def request_case(view: View, facts: Facts) -> RequestCase | Unknown:
    """The case of a request, or why nothing can be decided: an unknown price or minimum, or a prompt below it."""
    terms = terms_of(facts.profile, facts.prices, ttl=facts.policy.cache.ttl, dialect=view.dialect)
    if isinstance(terms, Unknown):
        return terms
    if isinstance(facts.prices, Unknown) or isinstance(facts.prices.input, Unknown):
        return Unknown("no price")
    chain = chain_of(view, facts.tokens, facts.profile, facts.scope, ends=facts.counted.ends)
    if not len(chain) or chain.upto(len(chain) - 1) < terms.minimum:
        return Unknown("the prompt is shorter than the shortest cached prefix")
    case = case_of(facts.evidence.reuse, facts.task, view.model, chain, terms, now=facts.now)
    return RequestCase(view, case, int(facts.prices.input))

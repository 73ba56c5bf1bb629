"""What a change of model saves, with the warm cache that it leaves behind and the second tries that it will need.

Over the turns that a session is expected to go on, each turn's prompt has a part that is warm on the model at hand.
Staying reads it every turn. Switching pays for it once at the target's write or plain price and reads it from then on
(T15). A first try that a verifier turns down is paid for beside the answer of the fallback (statistics 3).
"""

from __future__ import annotations

import msgspec

from penstock.models.prices import Prices
from penstock.money import Picodollars, Rate
from penstock.unknown import Unknown


class Side(msgspec.Struct, frozen=True):
    """One model's side of the comparison.

    Attributes:
        prices: of the model.
        prompt: tokens of the prompt under its tokenizer.
        warm: of those, tokens that its cache holds now.
        lasting: of those, tokens that later turns will share.
        output: billed output tokens of an answer.
    """

    prices: Prices
    prompt: int
    warm: int
    lasting: int
    output: int


def saving_per_call(stay: Side, switch: Side, *, turns: float, escalation: float) -> Picodollars | Unknown:
    """The expected saving of one call of a session, averaged over ``turns`` calls, this one first.

    Args:
        stay: the model at hand.
        switch: the target.
        turns: how many calls the session is expected to go on for, this one included; 1 for a single call.
        escalation: the share of first tries that end at the model at hand after all, 0..1.
    """
    staying = session_cost(stay, turns)
    switching = session_cost(switch, turns)
    again = session_cost(msgspec.structs.replace(stay, warm=0, lasting=0), 1.0)
    if isinstance(staying, Unknown):
        return staying
    if isinstance(switching, Unknown):
        return switching
    if isinstance(again, Unknown):
        return again
    return Picodollars(int((staying - switching) / turns - escalation * again))


def session_cost(side: Side, turns: float) -> float | Unknown:
    """Picodollars of ``turns`` calls on one model: the lasting part is read once warm, the rest is new each time."""
    prices = side.prices
    read, write = prices.cache_read, _write(prices)
    if isinstance(prices.input, Unknown):
        return prices.input
    if isinstance(prices.output, Unknown):
        return prices.output
    if isinstance(read, Unknown):
        read, write = prices.input, prices.input
    cold = max(side.lasting - side.warm, 0)
    first = side.warm * read + cold * write
    later = (turns - 1.0) * side.lasting * read
    fresh = max(side.prompt - max(side.lasting, side.warm), 0) * prices.input * turns
    return first + later + fresh + turns * side.output * prices.output


def _write(prices: Prices) -> Rate:
    """The price of making a token warm: the cheapest write, or the plain price where writing is free."""
    writes = [rate for rate in (prices.cache_write_5m, prices.cache_write_30m) if not isinstance(rate, Unknown)]
    if writes:
        return min(writes)
    return prices.input if not isinstance(prices.input, Unknown) else Rate(0)

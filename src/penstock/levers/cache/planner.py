"""Which markers to place: the choice that saves most in expectation, or none.

A marker at a position writes everything between the deepest live entry and itself, and later requests that share the
prefix up to it can read it. For the stretch between two chosen markers, with ``p`` the chance that a request within the
lifetime shares all of it, the expected saving per token in units of the input price is

    p x D - (w - 1)

where ``w`` is the write price and ``D`` what a live entry is worth to the next request that shares it: the read
discount, and what it spares that request of writing anew, never more than ``w - r``. A lifetime that costs more than
the cheapest has to promise a part of that difference on top.

An entry covers its whole prefix, whatever wrote the parts of it: the bill is a read up to the entry found, and writes
only beyond it (provider-semantics 1.4 rule 4, 2.2 rule 5). A longer-lived marker on a few new tokens therefore keeps
all that stands before them for as long, and is worth what a late request then reads instead of paying anew:

    q x D per token that no other entry covers that long

where ``q`` is the chance that the prefix comes again after the shorter lifetime is over and before the longer one is.

Chances fall along a prompt, so the stretches that pay stand first. Where more pay than there are slots, or lifetimes
compete, the best set is found by dynamic programming over the few spots where prompts are known to part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import msgspec

from penstock.evidence.sightings import NOWHERE, Chain, Outlook

_ROUNDS = 5
"""Rounds of the recursion over coming requests; each adds one request further ahead."""
CAUTION = 0.1
"""A dearer lifetime has to promise more than a cheaper one by this part of what it costs more: forecasts of what is far
away are worse than those of the next minutes, and a wrong one costs four times as much."""

_GOES_ON = 0.25
"""The least chance to come again at all of a prompt whose newest words keep its prefix: what one of many prompts ends
with would otherwise be marked on the chance that it is a conversation."""


class Write(NamedTuple):
    """A lifetime on offer: its name, seconds, and the price of writing in units of the input price."""

    ttl: str
    lifetime: float
    rate: float


class Terms(msgspec.Struct, frozen=True, cache_hash=True):
    """What caching costs on a model.

    Attributes:
        read: price of a token read, in units of the input price.
        writes: lifetimes on offer, the longest first (they must stand first in a prompt).
        minimum: the shortest prefix that is cached, tokens, inclusive.
        slots: the most markers that a request may carry.
        look_back: positions at which a marker looks for an entry, its own included.
    """

    read: float
    writes: tuple[Write, ...]
    minimum: int
    slots: int = 4
    look_back: int = 20


class Mark(NamedTuple):
    """A marker to place.

    Attributes:
        position: in the chain.
        ttl: name of its lifetime.
        tokens: that it writes: from the marker or entry before it to itself.
        chance: that a request within the lifetime shares the prefix up to it.
        saving: expected, net of the write, in tokens at the input price.
        kept: tokens before those that are kept for longer than they were written for.
    """

    position: int
    ttl: str
    tokens: int
    chance: float
    saving: float
    kept: int = 0


class Fixed(NamedTuple):
    """A marker that the client placed; it stays, and its write is paid in any case."""

    position: int
    ttl: str
    lifetime: float


def worth(terms: Terms, then: Mapping[float, float]) -> tuple[float, ...]:
    """``D`` of each lifetime: what a live entry saves the next request that shares it, per token, as a multiple.

    That request reads instead of paying in full or of writing anew, and hands the entry on to the one after it. What
    it would have done without the entry bounds the worth: pay in full, or write for any of the lifetimes.
    """
    return _worth(terms, tuple([round(then.get(write.lifetime, 0.0), 3) for write in terms.writes]))


@lru_cache(maxsize=4096)
def _worth(terms: Terms, ahead: tuple[float, ...]) -> tuple[float, ...]:
    values = [1.0 - terms.read] * len(ahead)
    for _ in range(_ROUNDS):
        handed_on = [chance * value for chance, value in zip(ahead, values, strict=True)]
        better = [
            min(
                1.0 - terms.read + onward,
                *(
                    write.rate - terms.read + onward - other
                    for write, other in zip(terms.writes, handed_on, strict=True)
                ),
            )
            for onward in handed_on
        ]
        if better == values:
            break
        values = better
    return tuple(values)


def plan_markers(
    chain: Chain,
    outlook: Outlook,
    terms: Terms,
    *,
    entry: int = -1,
    entry_life: float = 0.0,
    slots: int | None = None,
    fixed: Sequence[Fixed] = (),
) -> list[Mark]:
    """The markers beyond the live entry that save most in expectation; empty when none does.

    Args:
        chain: the prompt.
        outlook: on its spots.
        terms: prices in units of the input price.
        entry: position of the deepest live entry, -1 for none.
        entry_life: its lifetime in seconds.
        slots: how many markers may be placed; None for the model's own limit.
        fixed: the client's own markers, in order.
    """
    room = terms.slots if slots is None else slots
    if room <= 0:
        return []
    paid = chain.upto(max([mark.position for mark in fixed])) if fixed else 0
    start = chain.upto(entry)
    taken = {mark.position for mark in fixed}
    offers = _offers(chain, outlook, terms, entry=entry, entry_life=entry_life, fixed=fixed)
    tail, parts = outlook.tail, outlook.parts if outlook.tail != NOWHERE else 0.0
    paying: list[_Paying] = []
    for position, soon in outlook.spots:
        here = chain.upto(position)
        if position <= entry or here < terms.minimum or position in taken:
            continue
        gains = []
        in_tail = position >= tail
        within = soon * offers[-1].more if in_tail else 1.0 - (1.0 - soon) * offers[-1].above
        for offer in offers:
            chance = soon * offer.more if in_tail else 1.0 - (1.0 - soon) * offer.above
            reads = chance if in_tail or not parts else max(chance, outlook.begun * offer.more + parts)
            value = offer.tail if in_tail else offer.head
            gain = reads * value - offer.caution - (offer.fee if here > paid else 0.0)
            keep = (chance - within) * value * offer.open if chance > _GOES_ON else 0.0
            if (gain > 0.0 or keep > 0.0) and (not fixed or in_order(position, offer.write.lifetime, fixed)):
                gains.append(_Gain(offer, gain, keep, chance))
        if gains:
            paying.append((position, here, gains))
    return _best(paying, start, paid, room) if paying else []


class _Offer(NamedTuple):
    """A lifetime on offer for a prompt.

    Attributes:
        number: in the terms.
        write: the lifetime.
        fee: what a write costs per token beyond plain.
        caution: what a gain per token has to exceed.
        open: tokens before what is written that no entry covers that long.
        head: what a live entry above the tail is worth, per token.
        tail: the same from the tail on.
        above: as ``Outlook.within``.
        more: as ``Outlook.within``.
    """

    number: int
    write: Write
    fee: float
    caution: float
    open: int
    head: float
    tail: float
    above: float
    more: float


def _offers(
    chain: Chain, outlook: Outlook, terms: Terms, *, entry: int, entry_life: float, fixed: Sequence[Fixed]
) -> list[_Offer]:
    start, cheapest = chain.upto(entry), terms.writes[-1].rate
    heads, tails = worth(terms, outlook.then), worth(terms, outlook.tail_then)
    return [
        _Offer(
            index,
            write,
            write.rate - 1.0,
            CAUTION * (write.rate - cheapest),
            max(start - _covered(chain, write.lifetime, entry, entry_life, fixed), 0),
            heads[index],
            tails[index],
            *outlook.within(write.lifetime),
        )
        for index, write in enumerate(terms.writes)
    ]


class _Gain(NamedTuple):
    """A lifetime at a spot: gain per new token, what keeping the tokens before is worth, and the chance."""

    offer: _Offer
    gain: float
    keep: float
    chance: float


_Paying = tuple[int, int, list[_Gain]]
"""Position, tokens up to it, and the lifetimes that may pay there."""


def _covered(chain: Chain, lifetime: float, entry: int, entry_life: float, fixed: Sequence[Fixed]) -> int:
    """Tokens that an entry covers for at least a lifetime, without a marker of ours."""
    deepest = entry if entry_life >= lifetime else -1
    for mark in fixed:
        if mark.lifetime >= lifetime:
            deepest = max(deepest, mark.position)
    return chain.upto(deepest)


def in_order(position: int, lifetime: float, fixed: Sequence[Fixed]) -> bool:
    """Lifetimes may not rise along a prompt (provider-semantics 1.2)."""
    return all(lifetime <= mark.lifetime if mark.position < position else lifetime >= mark.lifetime for mark in fixed)


class _Choice(NamedTuple):
    """The last of some markers: where it stands, what for and what it saves, and the ones before it."""

    position: int
    gain: _Gain
    tokens: int
    saving: float
    kept: int
    before: _Choice | None


def _best(paying: Sequence[_Paying], start: int, paid: int, room: int) -> list[Mark]:
    """The most valuable markers, left to right; lifetimes never rise."""
    # tokens up to the last marker, markers used, least offer allowed, value, the last marker
    states: list[tuple[int, int, int, float, _Choice | None]] = [(start, 0, 0, 0.0, None)]
    top, chosen = 0.0, None
    for position, here, gains in paying:
        added: dict[tuple[int, int], tuple[int, int, int, float, _Choice | None]] = {}
        for gain in gains:
            offer, per_token, keep, _ = gain
            number = offer.number
            for tokens, used, least, value, before in states:
                if used >= room or number < least:
                    continue
                saving = (here - tokens) * per_token
                if paid > tokens and here > paid:
                    saving += (paid - tokens) * offer.fee
                if not used:
                    saving += keep
                known = added.get((used, number))
                if known is None or value + saving > known[3]:
                    kept = offer.open if not used and keep > 0.0 else 0
                    choice = _Choice(position, gain, here - tokens, saving, kept, before)
                    added[used, number] = (here, used + 1, number, value + saving, choice)
        for state in added.values():
            if state[3] > top:
                top, chosen = state[3], state[4]
        states.extend(added.values())
    return _marks_of(chosen)


def _marks_of(chosen: _Choice | None) -> list[Mark]:
    found: list[Mark] = []
    while chosen is not None:
        position, gain, tokens, saving, kept, chosen = chosen
        found.append(Mark(position, gain.offer.write.ttl, tokens, gain.chance, saving, kept))
    found.reverse()
    return found

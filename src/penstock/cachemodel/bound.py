"""The clairvoyant bound: what a trace would cost if every cache decision knew the future.

Each node of the prefix tree is priced on its own. At every arrival at the node one of these happens:

    plain   the tokens are paid at the input rate, nothing is stored; a live entry lives on as it was
    write   the tokens are paid at the write rate of a lifetime, and an entry of that lifetime starts at this arrival
    read    allowed while the gap since the entry's last write or read is at most its lifetime; paid at the read rate,
            and the lifetime starts again at this arrival

The bound is the cheapest sequence, by dynamic programming over the node's arrivals: the state is which lifetime's entry
lives. A plain payment beside a live entry is never cheaper than reading it, so the states after an arrival are "no
entry" and one per lifetime, and each arrival costs the same small number of comparisons.

The bound ignores the marker limit, the look-back window, the minimum prefix and the nesting of prefixes. Most policies
cannot reach it; one can be cheaper only where a write beyond a node keeps the node alive, since an entry covers its
whole prefix.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable

import msgspec


class Write(msgspec.Struct, frozen=True):
    """One kind of cache write.

    Attributes:
        lifetime_s: how long an entry lives after its latest write or read, seconds, inclusive.
        rate: the price of writing one token, in the unit of ``Multipliers.plain``.
    """

    lifetime_s: float
    rate: float


class Multipliers(msgspec.Struct, frozen=True):
    """The prices of one model, in any one unit: multiples of the input price, or picodollars per token (then exact).

    Attributes:
        read: the price of reading one token.
        writes: the kinds of write on offer; a provider without a write fee has one whose rate is ``plain``.
        plain: the price of one token that is neither read nor written.
    """

    read: float
    writes: tuple[Write, ...]
    plain: float = 1.0


ANTHROPIC = Multipliers(0.1, (Write(300.0, 1.25), Write(3600.0, 2.0)))
"""The general multipliers of provider-semantics 1.7."""

ANTHROPIC_FLAGSHIP = Multipliers(0.05, (Write(300.0, 1.25), Write(3600.0, 2.0)))
"""Opus 5.5 and Sonnet 5.5, whose reads cost 0.05 of the input price (provider-semantics 1.7)."""

OPENAI_BREAKPOINTS = Multipliers(0.1, (Write(1800.0, 1.25),))
"""gpt-5.6 and later with 30-minute entries (provider-semantics 2.1)."""

OPENAI_GRID = Multipliers(0.1, (Write(86_400.0, 1.0),))
"""Before gpt-5.6: no write fee; the gpt-5 family's read price and the longest retention (provider-semantics 2.1)."""


class Clairvoyant:
    """The bound of a stream of requests, kept up to date in constant time and memory per node and arrival."""

    __slots__ = ("_multipliers", "_nodes")

    def __init__(self, multipliers: Multipliers) -> None:
        self._multipliers = multipliers
        self._nodes: dict[Hashable, list[float]] = {}

    def add(self, t: float, chain: Iterable[tuple[Hashable, int]]) -> None:
        """One request.

        Args:
            t: when it starts, seconds; never earlier than the request before it.
            chain: its prefix nodes with their tokens. A node's id stands for the whole prefix that ends in it, so two
                requests share a node only if they share everything before it.
        """
        multipliers = self._multipliers
        plain, read, writes = multipliers.plain, multipliers.read, multipliers.writes
        nodes = self._nodes
        for node, tokens in chain:
            state = nodes.get(node)
            if state is None:
                # [last arrival, cheapest with no entry, cheapest with an entry of each lifetime]
                nodes[node] = [t, plain * tokens, *[write.rate * tokens for write in writes]]
                continue
            gap = t - state[0]
            best = min(state[1:])
            state[0] = t
            state[1] = best + plain * tokens
            for index, write in enumerate(writes, 2):
                written = best + write.rate * tokens
                if gap <= write.lifetime_s:
                    kept = state[index] + read * tokens
                    state[index] = min(kept, written)
                else:
                    state[index] = written

    def cost(self) -> float:
        """The bound so far, in the unit of the multipliers; an int when they are ints."""
        return sum(min(state[1:]) for state in self._nodes.values())


def clairvoyant(
    requests: Iterable[tuple[float, Iterable[tuple[Hashable, int]]]], multipliers: Multipliers = ANTHROPIC
) -> float:
    """The cheapest input cost, node by node, of ``(t, chain)`` requests in order of time; see ``Clairvoyant.add``."""
    bound = Clairvoyant(multipliers)
    for t, chain in requests:
        bound.add(t, chain)
    return bound.cost()

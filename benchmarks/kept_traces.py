"""A trace of prefix blocks under the planner's markers, with keep-alive requests of our own between the requests.

What is sent is decided as in ``engine.warming``, by the same evidence and arithmetic, from the requests before it.

A trace has no messages, so an extending request writes what follows the last full block of a prompt: its rest, and the
answer. What it keeps can be read up to that block, by a request that is long enough to hold prompt and answer.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Sequence
from itertools import count
from typing import NamedTuple

from benchmarks.trace_blocks import TASK, BlockChain, Provider, Request, Setting, served, terms_of
from penstock.evidence.idle import Idle
from penstock.evidence.late import Late
from penstock.evidence.reuse import ReuseEvidence
from penstock.levers.cache.extend import Extent, cost, extension_worth
from penstock.levers.cache.planner import Mark, Terms
from penstock.levers.cache.warm import OF_LIFETIME, Price, break_even, worth

_UNIT = 1000
"""Prices are whole numbers: thousandths of the input price of a token."""


class Kept:
    """A prefix that is watched: the request that used it last, the end of its entry, and what was sent since.

    ``kind`` is the class of its prompt in ``evidence.gaps``; ``covered`` are tokens that a longer-lived entry holds.
    """

    def __init__(
        self, request: Request, position: int, lifetime: float, *, chain: BlockChain, kind: int = -1, covered: int = 0
    ) -> None:
        self.request = request
        self.chain = chain
        self.position = position
        self.lifetime = lifetime
        self.known_as = f"{TASK}\n{kind}"
        self.covered = covered
        self.alive_from = request.at
        self.sent = 0
        self.counted = 0
        self.over = False
        self.expected: float | None = None

    @property
    def waits(self) -> str:
        return f"{self.known_as}\n{self.lifetime:g}"

    @property
    def interval(self) -> float:
        return OF_LIFETIME * self.lifetime

    @property
    def needs(self) -> int:
        """Tokens of a prompt that can hold this one and its answer."""
        return self.request.tokens + self.request.answer

    @property
    def extent(self) -> Extent:
        return Extent(self.chain.upto(self.position), self.needs, 0, self.covered)

    def rounds(self, at: float) -> int:
        return int((at - self.request.at) / self.interval)


class KeepingProvider(Provider):
    """A provider whose entries can also be kept by what was written beyond them."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self._beyond: dict[int, tuple[float, float, int]] = {}

    def _deepest(self, request: Request, last: int) -> int:
        for position in range(last, -1, -1):
            block = request.blocks[position]
            entry = self._ends.get(block)
            if entry is not None and entry[0] >= request.at:
                self._ends[block] = (request.at + entry[1], entry[1])
                return position + 1
            beyond = self._beyond.get(block)
            if beyond is not None and beyond[0] >= request.at and request.tokens >= beyond[2]:
                self._beyond[block] = (request.at + beyond[1], *beyond[1:])
                return position + 1
        return 0

    def renew(self, kept: Kept, at: float) -> None:
        """Bill a request that reads an entry."""
        self.cost += self._setting.multipliers.read * kept.extent.prefix
        self._ends[kept.request.blocks[kept.position]] = (at + kept.lifetime, kept.lifetime)

    def extend(self, kept: Kept, terms: Terms, at: float) -> None:
        """Bill a request that reads an entry and writes beyond it for the longest lifetime."""
        longest = terms.writes[0]
        self.cost += cost(terms, longest, kept.extent)
        block = kept.request.blocks[kept.position]
        self._ends[block] = (at + kept.lifetime, kept.lifetime)
        self._beyond[block] = (at + longest.lifetime, longest.lifetime, kept.needs)


class Outcome(NamedTuple):
    """A window that is over at a time: whose, the chance that was seen to be read in it, and whether it was."""

    ends_at: float
    name: str
    expected: float
    came: bool


class Keeping:
    """The requests of our own, decided from the requests before them."""

    def __init__(self, reuse: ReuseEvidence, provider: KeepingProvider, terms: Terms) -> None:
        self._reuse = reuse
        self._provider = provider
        self._terms = terms
        self._idle, self._late = Idle(), Late()
        self._kept: dict[int, Kept] = {}
        self._due: list[tuple[float, int, Kept]] = []
        self._open: deque[Outcome] = deque()
        self._number = count()
        self.sent = 0

    def used(self, request: Request, chain: BlockChain, marks: Sequence[Mark]) -> None:
        """A request came: what it shares with watched prefixes is used, and its own is watched from now."""
        for position in range(len(chain)):
            kept = self._kept.pop(request.blocks[position], None)
            if kept is not None:
                self._idle.add(kept.waits, kept.rounds(request.at), came=True, since=kept.counted)
                if kept.expected is not None and request.at > kept.request.at + kept.lifetime:
                    ends_at = kept.request.at + self._terms.writes[0].lifetime
                    self._open.append(Outcome(ends_at, kept.known_as, kept.expected, request.tokens >= kept.needs))
        if marks:
            lifetime = next(write.lifetime for write in self._terms.writes if write.ttl == marks[-1].ttl)
            above = self._reuse.outliving(chain, marks[-1].position, lifetime, request.at)
            kind = self._reuse.class_of(chain.key(len(chain) - 1))
            covered = chain.upto(above)
            kept = Kept(request, marks[-1].position, lifetime, chain=chain, kind=kind, covered=covered)
            self._kept[request.blocks[kept.position]] = kept
            self._wait(kept)

    def pass_to(self, now: float) -> None:
        """Send what is due until a time."""
        while self._due and self._due[0][0] <= now:
            at, _, kept = heapq.heappop(self._due)
            if self._kept.get(kept.request.blocks[kept.position]) is kept:
                self._look(kept, at)

    def _wait(self, kept: Kept) -> None:
        heapq.heappush(self._due, (kept.alive_from + kept.interval, next(self._number), kept))

    def _look(self, kept: Kept, at: float) -> None:
        while self._open and self._open[0].ends_at <= at:
            _, name, expected, came = self._open.popleft()
            self._late.add(name, expected, came=came)
        self._idle.add(kept.waits, kept.rounds(at), came=False, since=kept.counted)
        kept.counted = kept.rounds(at)
        self._send(kept, at)
        kept.alive_from = at
        awaits = kept.expected is not None and at < kept.request.at + self._terms.writes[0].lifetime
        if kept.over and kept.counted > break_even(self._price(kept)) + 1 and not awaits:
            if kept.expected is not None:
                self._late.add(kept.known_as, kept.expected, came=False)
            del self._kept[kept.request.blocks[kept.position]]
        else:
            self._wait(kept)

    def _send(self, kept: Kept, at: float) -> None:
        if kept.over:
            return
        renewing = worth(self._price(kept), kept.sent, lambda round_: self._idle.hazard(kept.waits, round_))
        extending = self._extending(kept, at) * _UNIT
        kept.over = max(renewing, extending) <= 0.0
        if kept.over:
            return
        kept.sent += 1
        self.sent += 1
        if extending > renewing:
            kept.over = True
            self._provider.extend(kept, self._terms, at)
            self._reuse.kept_alive(kept.chain, kept.position, self._terms.writes[0].lifetime, at)
        else:
            self._provider.renew(kept, at)
            self._reuse.kept_alive(kept.chain, kept.position, kept.lifetime, at)

    def _extending(self, kept: Kept, at: float) -> float:
        longest = self._terms.writes[0]
        if kept.sent or longest.lifetime <= kept.lifetime:
            return 0.0
        later = self._reuse.later(kept.chain.key(len(kept.chain) - 1), at, longest.lifetime)
        if later is None:
            return 0.0
        kept.expected = later.chance
        later = later._replace(chance=min(1.0, later.chance * self._late.factor(kept.known_as)))
        return extension_worth(self._terms, longest, kept.extent, later)

    def _price(self, kept: Kept) -> Price:
        write = next(write for write in self._terms.writes if write.lifetime == kept.lifetime)
        prefix, covered = kept.extent.prefix * _UNIT, kept.covered * _UNIT
        anew = write.rate * (prefix - covered) + self._terms.read * covered
        return Price(write=round(anew), read=round(self._terms.read * prefix))


def kept_alive(requests: Sequence[Request], setting: Setting) -> tuple[list[float], int]:
    """The running cost, our own requests included, and how many of those there were."""
    terms = terms_of(setting)
    reuse, provider = ReuseEvidence(), KeepingProvider(setting)
    keeping = Keeping(reuse, provider, terms)
    running = []
    for request in requests:
        keeping.pass_to(request.at)
        chain = BlockChain(request)
        keeping.used(request, chain, served(request, chain, reuse, provider, terms))
        running.append(provider.cost)
    return running, keeping.sent

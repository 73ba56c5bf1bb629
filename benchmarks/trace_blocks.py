"""Traces of prefix blocks: requests, the planner's view of them, and a provider that bills them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from penstock.cachemodel.bound import Multipliers
from penstock.evidence.reuse import ReuseEvidence
from penstock.evidence.sightings import Bill, Entry, Shape
from penstock.levers.cache.place import case_of, place
from penstock.levers.cache.planner import Mark, Terms, Write

BLOCK = 512
UNLIMITED = 1 << 30
TASK, MODEL = "trace", "trace"
_SPREAD = 0x9E3779B97F4A7C15
_WORD = (1 << 64) - 1


class Request(NamedTuple):
    at: float
    tokens: int
    blocks: Sequence[int]
    answer: int = 0

    def parts(self) -> Iterator[tuple[int, int]]:
        """Block ids with their tokens."""
        whole, rest = divmod(self.tokens, BLOCK)
        for index, block in enumerate(self.blocks):
            yield block, BLOCK if index < whole else rest


class Setting(NamedTuple):
    """A model's multipliers and the shortest prefix that it caches."""

    multipliers: Multipliers
    minimum: int


class BlockChain:
    """The full blocks of a request as a chain of prefixes."""

    landmarks: tuple[int, ...] = ()
    shape = Shape.UNKNOWN

    def __init__(self, request: Request) -> None:
        self._blocks = request.blocks
        self._full = min(request.tokens // BLOCK, len(request.blocks))

    def __len__(self) -> int:
        return self._full

    def key(self, position: int) -> int:
        return ((self._blocks[position] + 1) * _SPREAD & _WORD) or 1

    def upto(self, position: int) -> int:
        return BLOCK * (position + 1)

    def markable(self, position: int) -> bool:
        return 0 <= position < self._full


class Provider:
    """Bills requests with markers: what is read, written and plain, with one entry per marker."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._lifetimes = {"5m": setting.multipliers.writes[0], "1h": setting.multipliers.writes[1]}
        self._ends: dict[int, tuple[float, float]] = {}
        self.cost = 0.0

    def charge(self, request: Request, marks: Sequence[Mark]) -> tuple[int, dict[str, int]]:
        """Bill a request; the blocks that it read, and the tokens that it wrote by lifetime."""
        valid = [mark for mark in marks if BLOCK * (mark.position + 1) >= self._setting.minimum]
        if not valid:
            self.cost += request.tokens
            return 0, {}
        hit = self._deepest(request, valid[-1].position)
        written: dict[str, int] = {}
        done = hit
        for mark in valid:
            if mark.position + 1 > hit:
                written[mark.ttl] = written.get(mark.ttl, 0) + BLOCK * (mark.position + 1 - done)
                done = mark.position + 1
                life = self._lifetimes[mark.ttl].lifetime_s
                self._ends[request.blocks[mark.position]] = (request.at + life, life)
        self.cost += self._setting.multipliers.read * BLOCK * hit + request.tokens - BLOCK * done
        self.cost += sum(self._lifetimes[ttl].rate * tokens for ttl, tokens in written.items())
        return hit, written

    def _deepest(self, request: Request, last: int) -> int:
        """How many blocks the deepest live entry covers; it lives anew from now."""
        for position in range(last, -1, -1):
            entry = self._ends.get(request.blocks[position])
            if entry is not None and entry[0] >= request.at:
                self._ends[request.blocks[position]] = (request.at + entry[1], entry[1])
                return position + 1
        return 0


def terms_of(setting: Setting) -> Terms:
    """The setting as the planner has it."""
    five, hour = setting.multipliers.writes
    return Terms(
        read=setting.multipliers.read,
        writes=(Write("1h", hour.lifetime_s, hour.rate), Write("5m", five.lifetime_s, five.rate)),
        minimum=setting.minimum,
        look_back=UNLIMITED,
    )


def served(
    request: Request, chain: BlockChain, reuse: ReuseEvidence, provider: Provider, terms: Terms
) -> Sequence[Mark]:
    """Place a request's markers by what is known, bill it, and learn from it; the markers."""
    marks = place(case_of(reuse, TASK, MODEL, chain, terms, now=request.at)).marks if len(chain) else []
    read, written = provider.charge(request, marks)
    lifetimes = {write.ttl: write.lifetime for write in terms.writes}
    entries = [Entry(mark.position, lifetimes[mark.ttl]) for mark in marks]
    bill = Bill(MODEL, request.tokens, read * BLOCK, written)
    reuse.observe(TASK, chain, request.at, entries, read=read - 1, bill=bill)
    return marks

"""How much of what a clairvoyant cache could save the planner takes, on traces of prefix blocks.

    python -m benchmarks.cache_traces --data DIR --json

A request of a trace is a list of blocks of 512 tokens; equal ids are equal prefixes. Blocks are the places for markers
(a last block that is not full ends in the middle of a block that a longer prompt would have, so it carries none), four
markers and the model's minimum apply, and a marker finds the deepest entry at or above it: a trace has no messages, so
there is no look-back window. An entry can be read by the next request of the trace.

What is compared, as a fraction of paying every token in full:

    mark_always_5m, mark_always_1h   every block is written when it has no live entry, without a limit on markers
    penstock                         decides each request from the requests before it
    bound                            per block the cheapest sequence of plain, writes and reads, knowing the future;
                                     a block kept alive by a write beyond it is outside of that, so that one can
                                     in principle do better

Variants: as-is; shuffled (the same requests at the same times in random order); unique (no block comes twice).
"""

from __future__ import annotations

import gzip
import json
import random
import sys
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.report import Report, arguments, progress
from penstock.cachemodel.bound import ANTHROPIC, ANTHROPIC_FLAGSHIP, Clairvoyant, Multipliers
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

    def parts(self) -> Iterator[tuple[int, int]]:
        """Block ids with their tokens."""
        whole, rest = divmod(self.tokens, BLOCK)
        for index, block in enumerate(self.blocks):
            yield block, BLOCK if index < whole else rest


class Setting(NamedTuple):
    """A model's multipliers and the shortest prefix that it caches."""

    multipliers: Multipliers
    minimum: int


SETTINGS = (
    Setting(ANTHROPIC, 512),  # Opus 5, Haiku 5.5
    Setting(ANTHROPIC_FLAGSHIP, 512),  # Opus 5.5, Sonnet 5.5
)
OLDER = Setting(ANTHROPIC, 1024)  # Sonnet 5 and 4.x, Opus 4.8


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


def read_trace(path: Path) -> list[Request]:
    """The requests of a trace, plain or gzipped, in order of time."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines if line.strip()]
    requests = [Request(row["t_ms"] / 1000.0, int(row["in_tok"]), row["blocks"]) for row in rows]
    return sorted(requests, key=lambda request: request.at)


def shuffled(requests: Sequence[Request], seed: int) -> list[Request]:
    """The same requests in random order, at the same times."""
    order = list(requests)
    random.Random(seed).shuffle(order)
    return [Request(at.at, other.tokens, other.blocks) for at, other in zip(requests, order, strict=True)]


def unique(requests: Sequence[Request]) -> list[Request]:
    """The same requests with blocks that never come again."""
    fresh = iter(range(UNLIMITED))
    return [Request(one.at, one.tokens, [next(fresh) for _ in one.blocks]) for one in requests]


def mark_always(requests: Sequence[Request], multipliers: Multipliers, index: int) -> list[float]:
    """The running cost of writing every block that has no live entry, with one lifetime."""
    write = multipliers.writes[index]
    ends: dict[int, float] = {}
    cost, running = 0.0, []
    for request in requests:
        for block, tokens in request.parts():
            cost += tokens * (multipliers.read if ends.get(block, -1.0) >= request.at else write.rate)
            ends[block] = request.at + write.lifetime_s
        running.append(cost)
    return running


def penstock(requests: Sequence[Request], setting: Setting) -> list[float]:
    """The running cost under the planner's markers."""
    five, hour = setting.multipliers.writes
    terms = Terms(
        read=setting.multipliers.read,
        writes=(Write("1h", hour.lifetime_s, hour.rate), Write("5m", five.lifetime_s, five.rate)),
        minimum=setting.minimum,
        look_back=UNLIMITED,
    )
    lifetimes = {write.ttl: write.lifetime for write in terms.writes}
    reuse, provider = ReuseEvidence(), Provider(setting)
    running = []
    for request in requests:
        chain = BlockChain(request)
        marks = place(case_of(reuse, TASK, MODEL, chain, terms, now=request.at)).marks if len(chain) else []
        read, written = provider.charge(request, marks)
        entries = [Entry(mark.position, lifetimes[mark.ttl]) for mark in marks]
        bill = Bill(MODEL, request.tokens, read * BLOCK, written)
        reuse.observe(TASK, chain, request.at, entries, read=read - 1, bill=bill)
        running.append(provider.cost)
    return running


def bound(requests: Sequence[Request], multipliers: Multipliers) -> float:
    """The clairvoyant's cost."""
    clairvoyant = Clairvoyant(multipliers)
    for request in requests:
        clairvoyant.add(request.at, request.parts())
    return clairvoyant.cost()


def row(name: str, variant: str, requests: Sequence[Request], setting: Setting) -> dict[str, Any]:
    """The figures of one trace under one setting."""
    total, plain = 0.0, []
    for request in requests:
        total += request.tokens
        plain.append(total)
    always = [mark_always(requests, setting.multipliers, index) for index in (0, 1)]
    ours = penstock(requests, setting)
    best = bound(requests, setting.multipliers)
    trivial = [min(pair) for pair in zip(*always, strict=True)]
    return {
        "file": name,
        "variant": variant,
        "requests": len(requests),
        "read_factor": setting.multipliers.read,
        "minimum_prefix": setting.minimum,
        "mark_always_5m": round(always[0][-1] / total, 5),
        "mark_always_1h": round(always[1][-1] / total, 5),
        "penstock": round(ours[-1] / total, 5),
        "bound": round(best / total, 5),
        "share_of_bound": round((total - ours[-1]) / (total - best), 4) if total - best > 1e-9 * total else None,
        "share_of_bound_5m": round((total - always[0][-1]) / (total - best), 4)
        if total - best > 1e-9 * total
        else None,
        "worst_excess": round(max(mine - none for mine, none in zip(ours, plain, strict=True)) / total, 6),
        "worst_excess_over_trivial": round(
            max(mine - other for mine, other in zip(ours, trivial, strict=True)) / total, 6
        ),
    }


def files(folder: Path) -> list[Path]:
    """The traces of a folder."""
    return sorted(path for path in folder.iterdir() if path.name.endswith((".jsonl", ".jsonl.gz")))


def main() -> None:
    options = arguments(__doc__.splitlines()[0] if __doc__ else "").parse_args()
    report = Report("cache_traces", options.seed)
    rows: list[dict[str, Any]] = []
    older: list[dict[str, Any]] = []
    for path in files(options.data):
        trace = read_trace(path)
        seed = options.seed ^ zlib.crc32(path.name.encode())
        variants = {"as-is": trace, "shuffled": shuffled(trace, seed), "unique": unique(trace)}
        for variant, requests in variants.items():
            for setting in SETTINGS:
                progress(f"{path.name} {variant}, read {setting.multipliers.read}")
                rows.append(row(path.name, variant, requests, setting))
        progress(f"{path.name} as-is, minimum {OLDER.minimum}")
        older.append(row(path.name, "as-is", trace, OLDER))
    report.emit(files=rows, older_models=older)


if __name__ == "__main__":
    sys.exit(main())

"""How much of what a clairvoyant cache could save the planner takes, on traces of prefix blocks.

    python -m benchmarks.cache_traces --data DIR --json

A request of a trace is a list of blocks of 512 tokens; equal ids are equal prefixes. Blocks are the places for markers
(a last block that is not full ends in the middle of a block that a longer prompt would have, so it carries none), four
markers and the model's minimum apply, and a marker finds the deepest entry at or above it: a trace has no messages, so
there is no look-back window. An entry can be read by the next request of the trace.

What is compared, as a fraction of paying every token in full:

    mark_always_5m, mark_always_1h   every block is written when it has no live entry, without a limit on markers
    penstock                         decides each request from the requests before it
    penstock_kept_alive              the same with requests of its own between them (`cache.keep_alive`), billed too
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
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.kept_traces import kept_alive
from benchmarks.report import Report, arguments, progress
from benchmarks.trace_blocks import UNLIMITED, BlockChain, Provider, Request, Setting, served, terms_of
from penstock.cachemodel.bound import ANTHROPIC, ANTHROPIC_FLAGSHIP, Clairvoyant, Multipliers
from penstock.evidence.reuse import ReuseEvidence

SETTINGS = (
    Setting(ANTHROPIC, 512),  # Opus 5, Haiku 5.5
    Setting(ANTHROPIC_FLAGSHIP, 512),  # Opus 5.5, Sonnet 5.5
)
OLDER = Setting(ANTHROPIC, 1024)  # Sonnet 5 and 4.x, Opus 4.8


def read_trace(path: Path) -> list[Request]:
    """The requests of a trace, plain or gzipped, in order of time."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines if line.strip()]
    requests = [
        Request(row["t_ms"] / 1000.0, int(row["in_tok"]), row["blocks"], int(row.get("out_tok", 0))) for row in rows
    ]
    return sorted(requests, key=lambda request: request.at)


def shuffled(requests: Sequence[Request], seed: int) -> list[Request]:
    """The same requests in random order, at the same times."""
    order = list(requests)
    random.Random(seed).shuffle(order)
    return [Request(at.at, other.tokens, other.blocks, other.answer) for at, other in zip(requests, order, strict=True)]


def unique(requests: Sequence[Request]) -> list[Request]:
    """The same requests with blocks that never come again."""
    fresh = iter(range(UNLIMITED))
    return [Request(one.at, one.tokens, [next(fresh) for _ in one.blocks], one.answer) for one in requests]


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
    terms = terms_of(setting)
    reuse, provider = ReuseEvidence(), Provider(setting)
    running = []
    for request in requests:
        served(request, BlockChain(request), reuse, provider, terms)
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
    kept, own = kept_alive(requests, setting)
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
        "penstock_kept_alive": round(kept[-1] / total, 5),
        "kept_alive_requests": own,
        "bound": round(best / total, 5),
        "share_of_bound": _share(total, ours[-1], best),
        "share_of_bound_kept_alive": _share(total, kept[-1], best),
        "share_of_bound_5m": _share(total, always[0][-1], best),
        "worst_excess": round(max(mine - none for mine, none in zip(ours, plain, strict=True)) / total, 6),
        "worst_excess_over_trivial": round(
            max(mine - other for mine, other in zip(ours, trivial, strict=True)) / total, 6
        ),
    }


def _share(total: float, cost: float, best: float) -> float | None:
    """The part of the clairvoyant saving; None where there is nothing to save."""
    return round((total - cost) / (total - best), 4) if total - best > 1e-9 * total else None


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

"""The largest block that a task sends again and again, and what it costs: the first thing to cache or to cut.

Dollars: what the block cost as it was billed.

Fix: none of its own; the findings about caching say what to do with it.
"""

from __future__ import annotations

from penstock.audit.finding import Finding, Measure, Pool
from penstock.audit.gather import AuditInput, Group
from penstock.audit.row import CallRow
from penstock.audit.strategies import least_shared
from penstock.audit.visits import visits
from penstock.audit.whatif import input_cost, prices_at, usable
from penstock.cachemodel.admission import Split
from penstock.money import Picodollars
from penstock.unknown import Unknown
from penstock.wire.segments import Level

KINDS = {"largest_static_block": "the largest static block"}

_SMALLEST = 256  # tokens; a smaller block is not worth a line


def find(data: AuditInput) -> list[Finding]:
    """The largest repeated segment of each task and model."""
    found = []
    for group in data.groups.values():
        rows = usable(group.rows)
        finding = _largest(data, group, rows) if len(rows) > 1 else None
        if finding is not None:
            found.append(finding)
    return found


def _largest(data: AuditInput, group: Group, rows: list[CallRow]) -> Finding | None:
    by_digest: dict[bytes, int] = {}
    for node, calls in visits(data.tree, rows).items():
        digest = data.tree.nodes[node].digest
        by_digest[digest] = by_digest.get(digest, 0) + calls
    least = least_shared(len(rows))
    estimates = {data.tree.nodes[node].digest: data.tree.nodes[node] for node in data.tree.chain(rows[0].leaf)}
    for row in rows[:200]:
        for node in data.tree.chain(row.leaf):
            estimates.setdefault(data.tree.nodes[node].digest, data.tree.nodes[node])
    static = [block for digest, block in estimates.items() if by_digest.get(digest, 0) >= least]
    if not static:
        return None
    block = max(static, key=lambda node: node.estimate)
    spent, tokens, calls = _carried(data, rows, block.digest)
    if tokens < _SMALLEST or not calls:
        return None
    places = {Level.TOOLS: "a tool definition", Level.SYSTEM: "a system block"}
    where = places.get(block.level, f"a {block.role} message")
    return Finding(
        kind="largest_static_block",
        task=group.task,
        model=group.model,
        title=f"The largest static block is {where} of about {tokens:,} tokens, sent in {calls:,} calls",
        detail="What it cost as it was billed. Caching makes it cheaper; making it shorter saves in every call.",
        measure=Measure.SPEND,
        pool=Pool.PROMPT,
        dollars=spent,
        dollars_month=data.period.month(spent),
        basis=f"provider usage, shared over the prompt's blocks by their size; {len(rows):,} calls",
        calls=calls,
        evidence={
            "tokens": tokens,
            "level": block.level.value,
            "kind": block.kind,
            "role": block.role,
            "segment": block.depth,
            "digest": block.digest.hex()[:12],
        },
    )


def _carried(data: AuditInput, rows: list[CallRow], digest: bytes) -> tuple[Picodollars | Unknown, int, int]:
    """What a block cost in all calls that hold it, its tokens (of the last such call), and how many they were."""
    dollars = tokens = calls = 0
    for row in rows:
        prices, usage = prices_at(row), row.usage
        if isinstance(prices, Unknown) or usage is None:
            continue
        start = 0
        for node, count in zip(data.tree.chain(row.leaf), data.tokens(row), strict=True):
            if data.tree.nodes[node].digest == digest:
                split = _part(start, start + count, usage.cache_read, usage.cache_write)
                cost = input_cost(
                    Split(
                        plain=split[2],
                        read=split[0],
                        write_5m=split[1] if usage.cache_write_5m else 0,
                        write_1h=split[1] if usage.cache_write_1h and not usage.cache_write_5m else 0,
                        write_30m=split[1] if usage.cache_write_30m else 0,
                        write_12h=split[1] if usage.cache_write_12h and not usage.cache_write_30m else 0,
                    ),
                    prices,
                )
                if isinstance(cost, Unknown):
                    return cost, count, calls
                dollars += cost
                tokens, calls = count, calls + 1
                break
            start += count
    return Picodollars(dollars), tokens, calls


def _part(start: int, end: int, read: int, written: int) -> tuple[int, int, int]:
    """How many tokens of ``start..end`` were read, written, and plain: a prompt is read, then written, then plain."""
    in_read = max(0, min(end, read) - start)
    in_written = max(0, min(end, read + written) - max(start, read))
    return in_read, in_written, end - start - in_read - in_written

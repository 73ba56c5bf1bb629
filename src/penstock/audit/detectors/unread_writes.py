"""Cache writes that nobody reads: the premium over plain input is paid for nothing.

An entry counts as read when a later call begins with the same prefix within its lifetime and reports a read that
reaches into it. Without request bodies only a group that writes and never reads at all can be told.

Dollars: the premium of the writes over plain input, less what reads of the same prefixes saved.

Fix: where the client marks, take the markers off or let the cache lever place them, which stands down after writes that
nobody reads; where the provider writes by itself, the cache lever.
"""

from __future__ import annotations

from penstock.audit.detectors.common import explained, few
from penstock.audit.finding import Finding, Measure, Pool
from penstock.audit.gather import AuditInput, Group
from penstock.audit.row import CallRow
from penstock.audit.whatif import prices_at
from penstock.models.prices import Prices
from penstock.models.profile import Regime
from penstock.money import Picodollars
from penstock.unknown import Unknown

KINDS = {"written_never_read": "cache writes that are never read"}

_LIFETIMES = (
    ("cache_write_5m", 300.0),
    ("cache_write_1h", 3600.0),
    ("cache_write_30m", 1800.0),
    ("cache_write_12h", 43_200.0),
)


def find(data: AuditInput) -> list[Finding]:
    """One finding for each task and model whose writes lose more than their reads save."""
    found = [(group, _group(data, group)) for group in data.groups.values()]
    return [explained(finding, group.rows) for group, finding in found if finding is not None]


def _group(data: AuditInput, group: Group) -> Finding | None:
    rows = [row for row in group.rows if not row.failed and not isinstance(prices_at(row), Unknown)]
    writers = [row for row in rows if row.usage is not None and row.usage.cache_write]
    if not writers:
        return None
    premium = saved = unread = 0
    written = read = 0
    is_read = _entries_read(data, rows)
    for row in rows:
        prices, usage = prices_at(row), row.usage
        if isinstance(prices, Unknown) or usage is None or isinstance(prices.input, Unknown):
            continue
        paid = _premium(row, prices)
        premium += paid
        written += usage.cache_write
        read += usage.cache_read
        if usage.cache_read and not isinstance(prices.cache_read, Unknown):
            saved += usage.cache_read * (prices.input - prices.cache_read)
        if paid and id(row) not in is_read:
            unread += paid
    loss = premium - saved
    if loss <= 0:
        return None
    dollars = Picodollars(loss)
    never = len([row for row in writers if id(row) not in is_read])
    breakpoints = any(row.shape is not None and row.shape.regime is Regime.OPENAI_BREAKPOINTS for row in writers)
    return Finding(
        kind="written_never_read",
        task=group.task,
        model=group.model,
        title=f"{written:,} tokens are written to the cache and {read:,} read: caching loses money here",
        detail=(
            f"{never:,} of {len(writers):,} writes are never read within their lifetime. "
            + (
                "The model writes by default; explicit mode without a breakpoint stops it."
                if breakpoints
                else "Without markers, or with a shorter-lived one, these prompts are plain input."
            )
        ),
        measure=Measure.LOSS,
        pool=Pool.PROMPT,
        dollars=dollars,
        dollars_month=data.period.month(dollars),
        basis=f"provider usage: write premium less what reads saved, over {few(rows, group)}",
        calls=len(group.rows),
        evidence={
            "tokens_written": written,
            "tokens_read": read,
            "writes": len(writers),
            "writes_never_read": never,
            "reads_per_write": round(read / written, 4) if written else None,
            "premium_of_unread_usd_share": round(unread / premium, 4) if premium else None,
        },
        fix={"cache": {"enabled": True, "ttl": "auto"}} if breakpoints else {},
        advice=""
        if breakpoints
        else "Take the markers off, or let the cache lever place them: it stands down by itself.",
    )


def _premium(row: CallRow, prices: Prices) -> int:
    """What the writes of a call cost above plain input."""
    usage, plain = row.usage, prices.input
    if usage is None or isinstance(plain, Unknown):
        return 0
    total = 0
    for name, _ in _LIFETIMES:
        tokens, rate = getattr(usage, name), getattr(prices, name)
        if tokens and not isinstance(rate, Unknown):
            total += tokens * (rate - plain)
    return total


def _entries_read(data: AuditInput, rows: list[CallRow]) -> set[int]:
    """The writers (by identity) whose entry a later call read in time."""
    alive: dict[int, list[tuple[float, CallRow]]] = {}  # node -> (until, writer)
    read: set[int] = set()
    for row in rows:
        usage, ts = row.usage, row.ts
        if usage is None or ts is None or row.leaf < 0:
            continue
        chain = data.tree.chain(row.leaf)
        if usage.cache_read:
            for node in chain:
                for until, writer in alive.get(node, ()):
                    if until >= ts:
                        read.add(id(writer))
        if usage.cache_write:
            lifetime = max(seconds for name, seconds in _LIFETIMES if getattr(usage, name))
            node = _written_node(data, row, chain)
            entries = [entry for entry in alive.get(node, ()) if entry[0] >= ts]
            alive[node] = [*entries[-3:], (ts + lifetime, row)]
    return read


def _written_node(data: AuditInput, row: CallRow, chain: list[int]) -> int:
    """The node that the reported read and write reach to."""
    usage = row.usage
    covered = usage.cache_read + usage.cache_write if usage is not None else 0
    total = 0
    for node, tokens in zip(chain, data.tokens(row), strict=True):
        total += tokens
        if total >= covered * 0.98:
            return node
    return chain[-1]

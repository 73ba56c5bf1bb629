"""A static prefix that is sent again and again without a cache marker, or with markers where they save little.

Dollars: the recorded calls through the provider's documented cache rules, once as they were billed and once with the
best of a few plain marker placements. Nothing is assumed about hit rates; times and tokens are the log's.

Fix: the cache lever (``cache = { enabled = true, ttl = "auto" }``), where no markers of the client's stand in its way.
"""

from __future__ import annotations

from penstock.audit.detectors.common import explained, few, whole
from penstock.audit.finding import Finding, Measure, Pool
from penstock.audit.gather import AuditInput, Group
from penstock.audit.row import CallRow
from penstock.audit.strategies import Trial, static_depths, trials
from penstock.audit.whatif import Case, cases_of, recorded_input, usable
from penstock.money import Picodollars
from penstock.unknown import Unknown

KINDS = {
    "never_cached": "a repeated prefix that is never cached",
    "cache_misplaced": "cache markers in the wrong place",
}

_UNMARKED = 0.95  # a group with this share of calls without markers is "never cached"
_NOTABLE = 0.05  # of the recorded input cost; a smaller gain is not worth moving markers that work


def find(data: AuditInput) -> list[Finding]:
    """One finding for each task and model whose prompts would have cost less with other markers."""
    found = []
    for group in data.groups.values():
        rows = usable(group.rows)
        if len(rows) < 2:  # noqa: PLR2004 - a repeat
            continue
        recorded = recorded_input(rows)
        cases = cases_of(data, rows)
        tried = trials(cases)
        if isinstance(recorded, Unknown) or not tried:
            continue
        gain = recorded - tried[0].bill.dollars
        if gain > 0 and gain >= _NOTABLE * recorded:
            found.append(explained(_finding(data, group, cases, tried[0], recorded), group.rows))
    return found


def _finding(data: AuditInput, group: Group, cases: list[Case], best: Trial, recorded: Picodollars) -> Finding:
    rows = [case.row for case in cases]
    unmarked = sum(not _cached_by_caller(row) for row in rows)
    never = unmarked >= _UNMARKED * len(rows)
    ours = not any(row.markers or (row.shape is not None and row.shape.automatic) for row in rows)
    gain = Picodollars(whole(recorded - best.bill.dollars, rows, group))
    depths = static_depths(cases)
    with_static = sum(depth > 0 for depth in depths) / len(depths)
    static = max(
        sum(block.tokens for block in case.prompt.blocks[:depth]) for case, depth in zip(cases, depths, strict=True)
    )
    read = best.bill.split.read / max(1, best.bill.split.total)
    less = 1 - best.bill.dollars / recorded
    return Finding(
        kind="never_cached" if never else "cache_misplaced",
        task=group.task,
        model=group.model,
        title=(
            f"A prefix of about {static:,} tokens stands in {with_static:.0%} of calls and is never cached"
            if never
            else f"{best.strategy.name[0].upper()}{best.strategy.name[1:]} would save more than the caching there is"
        ),
        detail=(
            f"With {best.strategy.name}, {read:.0%} of prompt tokens would have been read from the cache, and the "
            f"prompts would have cost {less:.0%} less."
        ),
        measure=Measure.SAVING,
        pool=Pool.PROMPT,
        dollars=gain,
        dollars_month=data.period.month(gain),
        basis=f"derived: the provider's cache rules over {few(rows, group)}",
        calls=len(group.rows),
        evidence={
            "strategy": best.strategy.name,
            "static_tokens": static,
            "read_share": round(read, 4),
            "prompt_cost_saved_share": round(less, 4),
            "calls_without_markers": unmarked,
        },
        fix={"cache": {"enabled": True, "ttl": "auto"}} if ours else {},
        advice=(
            ""
            if ours
            else "The markers are the client's own and stay as they are; move them in the code, or take them off and "
            "let the cache lever place them."
        ),
    )


def _cached_by_caller(row: CallRow) -> bool:
    """Whether the caller did anything to cache, or the provider cached by itself."""
    usage = row.usage
    automatic = row.shape is not None and row.shape.automatic is not None
    return bool(row.markers) or automatic or (usage is not None and usage.cache_read + usage.cache_write > 0)

"""The same request twice, answers cut at their limit, and failures: what retries cost.

Requests are the same when prompt, settings and output cap are. A repeat after a cut answer is a retry and the first
answer was paid for nothing; a repeat after a good answer may be meant, so it is a question.

Dollars: what the provider billed for those calls.

Fix: none of a policy's; raise the limit that cuts, keep answers that are asked for again, look into the failures.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable

from penstock.audit.finding import Finding, Measure, Pool
from penstock.audit.gather import AuditInput, Group
from penstock.audit.row import CallRow
from penstock.money import ZERO, Picodollars
from penstock.unknown import Unknown

KINDS = {
    "retried": "cut answers that were asked for again",
    "repeated": "identical requests",
    "truncated": "answers cut at their limit",
    "errors": "failed calls",
}

WITHIN_S = 86_400.0
"""Two equal requests within a day are a repeat."""

_NOTABLE = 0.01  # of calls


def find(data: AuditInput) -> list[Finding]:
    """Up to four findings for each task and model."""
    found: list[Finding] = []
    for group in data.groups.values():
        found += _repeats(data, group)
        found += _truncated(data, group)
        found += _errors(data, group)
    return found


def _repeats(data: AuditInput, group: Group) -> list[Finding]:
    retried, repeated = _again(group)
    found = []
    if retried:
        title = f"{len(retried):,} answers were cut at their limit and the same request was sent again"
        detail = "The cut answer was billed and thrown away. A higher cap, or none, costs less than the second call."
        found.append(_finding(data, group, retried, ("retried", title, detail), Measure.LOSS))
    if len(repeated) >= max(2, _NOTABLE * len(group.rows)):
        title = f"{len(repeated):,} calls repeat a request that was already answered within a day"
        detail = "If they are not meant to sample several answers, keeping the first one saves them."
        found.append(_finding(data, group, repeated, ("repeated", title, detail), Measure.QUESTION))
    return found


def _again(group: Group) -> tuple[list[CallRow], list[CallRow]]:
    """Cut answers whose request came again, and calls that repeat a request whose answer was whole."""
    last: dict[Hashable, CallRow] = {}
    retried: list[CallRow] = []
    repeated: list[CallRow] = []
    for row in group.rows:
        if row.leaf < 0 or row.ts is None or row.failed:
            continue
        key = (row.leaf, row.output_key, row.structured)
        before = last.get(key)
        if before is not None and before.ts is not None and row.ts - before.ts <= WITHIN_S:
            if before.finish == "length":
                retried.append(before)
            elif before.cap == row.cap:
                repeated.append(row)
        last[key] = row
    return retried, repeated


def _truncated(data: AuditInput, group: Group) -> list[Finding]:
    cut = [row for row in group.rows if row.finish == "length"]
    if len(cut) < max(1, _NOTABLE * len(group.rows)):
        return []
    title = f"{len(cut):,} of {len(group.rows):,} answers stop at their output limit"
    detail = "Their whole cost; what of it was wasted depends on whether a cut answer was of use."
    return [_finding(data, group, cut, ("truncated", title, detail), Measure.SPEND)]


def _errors(data: AuditInput, group: Group) -> list[Finding]:
    failed = [row for row in group.rows if row.failed]
    if len(failed) < max(1, _NOTABLE * len(group.rows)):
        return []
    by_status = Counter(str(row.status or "no status") for row in failed).most_common(5)
    named = ", ".join(f"{status}: {count:,}" for status, count in by_status)
    title = f"{len(failed):,} of {len(group.rows):,} calls failed ({named})"
    detail = "Refused calls are not billed; the dollars are of failures that reported usage."
    evidence = {"by_status": dict(by_status)}
    return [_finding(data, group, failed, ("errors", title, detail), Measure.SPEND, **evidence)]


def _finding(
    data: AuditInput,
    group: Group,
    rows: list[CallRow],
    words: tuple[str, str, str],
    measure: Measure,
    **evidence: object,
) -> Finding:
    kind, title, detail = words
    dollars = _sum(rows)
    return Finding(
        kind=kind,
        task=group.task,
        model=group.model,
        title=title,
        detail=detail,
        measure=measure,
        pool=Pool.CALLS,
        dollars=dollars,
        dollars_month=data.period.month(dollars),
        basis=f"provider usage of {len(rows):,} calls",
        calls=len(rows),
        evidence={"examples": [row.source for row in rows[:3]], **evidence},
    )


def _sum(rows: list[CallRow]) -> Picodollars | Unknown:
    total = ZERO
    for row in rows:
        if isinstance(row.cost, Unknown):
            return row.cost
        total = Picodollars(total + row.cost)
    return total

"""Whether a task is worth the work: its possible saving against a floor."""

from __future__ import annotations

import msgspec

from penstock.audit.finding import Finding, Verdict, open_questions, possible_saving
from penstock.audit.period import Period
from penstock.audit.row import CallRow
from penstock.money import PICO_PER_USD, Picodollars, format_usd
from penstock.unknown import Unknown

MOST_UNPRICED = 0.05
"""With a larger share of calls without a price, a task whose saving looks small cannot be judged by it."""


class Floor(msgspec.Struct, frozen=True):
    """Below it, work does not pay.

    Attributes:
        usd_month: possible saving in US dollars a month.
        calls_day: calls a day; it speaks where the saving cannot be priced, and where there is none.
    """

    usd_month: float = 20.0
    calls_day: int = 300


class Judged(msgspec.Struct, frozen=True):
    """A task's verdict and the figures behind it."""

    verdict: Verdict
    why: str
    possible_month: Picodollars | Unknown
    calls_day: float | Unknown


def judge(task: str, rows: list[CallRow], findings: list[Finding], period: Period, floor: Floor) -> Judged:
    """The verdict on a task. ``rows`` are its calls, ``findings`` may be those of all tasks."""
    mine = [finding for finding in findings if finding.task == task]
    calls_day = period.per_day(len(rows))
    unpriced = next((finding.dollars for finding in mine if isinstance(finding.dollars, Unknown)), None)
    if not rows:
        return Judged(Verdict.UNKNOWN, "no calls", Unknown("no calls"), calls_day)
    costs = [row.cost for row in rows if isinstance(row.cost, Unknown)]
    unknown = costs[0] if len(costs) > MOST_UNPRICED * len(rows) else None
    month = period.month(possible_saving(mine))
    if isinstance(month, Unknown) or isinstance(calls_day, Unknown):
        why = month.why if isinstance(month, Unknown) else "no rate"
        return Judged(Verdict.UNKNOWN, why, month, calls_day)
    dollars = f"{format_usd(month)} a month possible"
    rate = f"{calls_day:,.0f} calls a day"
    if month >= floor.usd_month * PICO_PER_USD:
        return Judged(Verdict.WORTH, f"{dollars}, {rate}", month, calls_day)
    asked = period.month(open_questions(mine))
    if not isinstance(asked, Unknown) and asked >= floor.usd_month * PICO_PER_USD:
        return Judged(Verdict.ASK, f"{dollars}, {format_usd(asked)} more if the gate agrees; {rate}", month, calls_day)
    under = f"under the floor of ${floor.usd_month:,.0f} a month"
    if unknown is None and unpriced is None:
        return Judged(Verdict.NOT_WORTH, f"{dollars}, {under}; {rate}", month, calls_day)
    why = unknown.why if unknown is not None else unpriced.why if unpriced is not None else ""
    if calls_day < floor.calls_day:
        few = f"{rate}, under the floor of {floor.calls_day:,}; not all of it can be priced ({why})"
        return Judged(Verdict.NOT_WORTH, few, month, calls_day)
    return Judged(Verdict.UNKNOWN, f"{rate}, and not all of it can be priced ({why})", month, calls_day)

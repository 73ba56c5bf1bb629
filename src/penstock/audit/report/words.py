"""How figures read in every view: amounts, shares, names of tasks."""

from __future__ import annotations

from collections.abc import Iterable

from penstock.audit.period import span
from penstock.audit.report.model import FindingRow, Money, Report, SpendRow, TaskRow

MEASURES = {
    "saving": "can be saved",
    "loss": "is lost",
    "question": "if the gate agrees",
    "spend": "is spent on it",
    "advice": "saved by it",
}


def dollars(row: FindingRow | SpendRow) -> tuple[str, str]:
    """A row's amount and what it is over: a month where it is known, else the log."""
    if row.usd_month.usd is not None:
        return str(row.usd_month), "a month"
    return str(row.usd), "in this log"


def task_name(row: FindingRow | SpendRow | TaskRow) -> str:
    """A label as it is; a fingerprint is said to be one."""
    if not row.task:
        return "(calls without a readable request)" if not isinstance(row, FindingRow) else "(all calls)"
    return row.task if row.labelled else f"unnamed task {row.task}"


def covered(report: Report) -> str:
    """What the log covers, in a few words, after the note on what it is."""
    log = report.log
    note = f"{report.note} " if report.note else ""
    if log.seconds is None or log.first is None or log.last is None:
        return f"{note}{log.calls:,} calls, without times"
    first, last = (f"{text[:10]} {text[11:16]}" for text in (log.first, log.last))
    until = last[11:] if first[:10] == last[:10] else last
    return f"{note}{log.calls:,} calls over {span(log.seconds)}, {first} to {until} UTC"


def headline(report: Report) -> tuple[str, str, str]:
    """The headline amount, what it is of, and the period: ``("$1,204", "$3,300", "a month")``."""
    top = report.headline
    if top.possible_month.usd is not None:
        return str(top.possible_month), str(top.spent_month), "a month"
    return str(top.possible), str(top.spent), "in this log"


def percent(share: float | None) -> str:
    """A share in whole percents; one decimal below ten."""
    if share is None:
        return "unknown"
    return f"{share:.0%}" if share >= 0.1 or share == 0 else f"{share:.1%}"  # noqa: PLR2004 - ten percent


def tokens(count: int) -> str:
    """A count of tokens: ``12.3M``, ``4.5k``, ``980``."""
    for size, unit in ((1_000_000_000, "G"), (1_000_000, "M"), (10_000, "k")):
        if count >= size:
            return f"{count / (1000 if unit == 'k' else size):,.1f}{unit}"
    return f"{count:,}"


def largest(rows: Iterable[FindingRow]) -> Money:
    """The largest amount, for the length of bars."""
    return max((row.usd for row in rows), key=lambda amount: amount.pico, default=Money("0"))


def summary(report: Report) -> str:
    """The result in one sentence."""
    amount, of, period = headline(report)
    share = report.headline.share
    part = f", {percent(share)} of the bill" if share is not None else ""
    unpriced = report.headline.unpriced
    left = f" {unpriced:,} calls have no known price and are in neither figure." if unpriced else ""
    return f"{amount} of {of} {period} can be saved{part}.{left}"

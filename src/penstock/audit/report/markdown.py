"""The report as Markdown, for a pull request or a ticket."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from penstock.audit.report import words
from penstock.audit.report.model import Report


def render(report: Report) -> str:
    """The whole report."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield "# Audit\n"
    yield f"**{words.summary(report)}**\n"
    yield f"{words.covered(report)}. Month: {report.log.month_basis}. Prices: {report.price_table}.\n"
    yield "## Findings\n"
    for number, row in enumerate(report.findings, 1):
        amount, period = words.dollars(row)
        yield f"{number}. **{amount} {period}** {words.MEASURES[row.measure]}: {_text(row.title)}"
        yield f"   - {_text(words.task_name(row))} on `{row.model}`, {row.calls:,} calls. {_text(row.detail)}"
        if row.advice:
            yield f"   - {_text(row.advice)}"
        yield f"   - Basis: {_text(row.basis)}."
    if not report.findings:
        yield "None."
    yield "\n## Tasks\n"
    yield from _table(
        ("task", "verdict", "why"), [(words.task_name(row), row.verdict, row.why) for row in report.tasks]
    )
    yield "\n## Spend\n"
    yield from _table(
        ("task", "model", "calls", "usd", "share", "read from cache"),
        [
            (
                words.task_name(row),
                row.model or "unknown",
                f"{row.calls:,}",
                " ".join(words.dollars(row)),
                words.percent(row.share),
                words.percent(row.read_share),
            )
            for row in report.spend
        ],
    )
    yield "\n## Reading problems\n"
    if report.log.problems:
        rows = [(f"{row.count:,}", row.kind, row.reason, row.example) for row in report.log.problems]
        yield from _table(("count", "kind", "reason", "first seen at"), rows)
    else:
        yield f"None in {report.log.records:,} records."
    yield "\n## Method\n"
    for sentence in report.method:
        yield f"- {sentence}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{' --- |' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(_text(cell) for cell in row)} |"


def _text(value: str) -> str:
    """Names come from logs; none of them may break out of its cell or start markup."""
    for character in "\\`*_|<>[]":
        value = value.replace(character, f"\\{character}")
    return value.replace("\n", " ")

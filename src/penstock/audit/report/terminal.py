"""The report in a terminal: readable at 80 columns, and without colour."""

from __future__ import annotations

from collections import Counter

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from penstock.audit.report import words
from penstock.audit.report.model import FindingRow, Report

MOST_FINDINGS = {"saving": 10, "loss": 10, "question": 5, "spend": 3, "advice": 3}
"""Findings shown of each measure; the JSON and the page have all."""

MOST_ROWS = 12
"""Rows shown of a table."""

_BAR = 24


def show(report: Report, console: Console) -> None:
    """Print the report."""
    console.print(render(report))


def render(report: Report) -> RenderableType:
    """The report as something that rich prints."""
    parts: list[RenderableType] = [Text(words.covered(report), style="dim"), Text(), _headline(report)]
    parts += [Text(), *_findings(report), *_tasks(report), *_spend(report), *_problems(report)]
    parts += [Text(), Text(f"Prices: {report.price_table}. Month: {report.log.month_basis}.", style="dim")]
    return Group(*parts)


def _headline(report: Report) -> RenderableType:
    return Text(words.summary(report), style="bold")


def _findings(report: Report) -> list[RenderableType]:
    if not report.findings:
        return [Text("No finding."), Text()]
    top = words.largest(report.findings).pico
    parts: list[RenderableType] = []
    shown: Counter[str] = Counter()
    for number, row in enumerate(report.findings, 1):
        shown[row.measure] += 1
        if shown[row.measure] <= MOST_FINDINGS[row.measure]:
            parts += [_finding(number, row, top), Text()]
    hidden = sum(max(0, count - MOST_FINDINGS[measure]) for measure, count in shown.items())
    if hidden > 0:
        parts += [Text(f"{hidden} more in the page (--html FILE) and in --json.", style="dim"), Text()]
    return parts


def _finding(number: int, row: FindingRow, top: int) -> RenderableType:
    amount, period = words.dollars(row)
    style = {"saving": "green", "loss": "red", "question": "yellow"}.get(row.measure, "default")
    head = Text.assemble(
        (f"{number:>2}. ", "dim"),
        (amount, f"bold {style}"),
        f" {period} {words.MEASURES[row.measure]}  ",
        (_bar(row.usd.pico, top), style),
    )
    body = Text.assemble(
        (row.title, "bold"),
        "\n",
        (f"{words.task_name(row)} on {row.model}", "cyan"),
        "\n",
        row.detail,
        *([f" {row.advice}"] if row.advice else []),
        "\n",
        (f"Basis: {row.basis}.", "dim"),
    )
    return Group(head, Padding(body, (0, 0, 0, 4)))


def _bar(amount: int, top: int) -> str:
    return "█" * max(1, round(_BAR * amount / top)) if top > 0 and amount > 0 else ""


def _table(title: str, columns: list[tuple[str, bool]]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, header_style="dim")
    for name, right in columns:
        table.add_column(name, justify="right" if right else "left", overflow="fold")
    return table


def _add(table: Table, *cells: str | Text) -> None:
    """A row of plain text: names come from logs and are no markup."""
    table.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in cells))


def _tasks(report: Report) -> list[RenderableType]:
    table = _table("Tasks", [("task", False), ("verdict", False), ("why", False)])
    for row in report.tasks[:MOST_ROWS]:
        style = {"worth it": "green", "not worth it": "dim"}.get(row.verdict, "yellow")
        _add(table, words.task_name(row), Text(row.verdict, style=style), row.why)
    return [table, *_hidden(len(report.tasks)), Text()]


def _spend(report: Report) -> list[RenderableType]:
    monthly = report.headline.spent_month.usd is not None
    table = _table(
        f"Spend {'a month' if monthly else 'in this log'}",
        [("task", False), ("model", False), ("calls", True), ("usd", True), ("share", True), ("read", True)],
    )
    for row in report.spend[:MOST_ROWS]:
        amount = words.dollars(row)[0]
        if row.unpriced:
            amount += f" +{row.unpriced:,} unpriced"
        share, read = words.percent(row.share), words.percent(row.read_share)
        _add(table, words.task_name(row), row.model or "unknown", f"{row.calls:,}", amount, share, read)
    return [table, *_hidden(len(report.spend)), Text()]


def _problems(report: Report) -> list[RenderableType]:
    if not report.log.problems:
        return [Text(f"All {report.log.records:,} records were read without a problem.")]
    table = _table("Reading problems", [("count", True), ("what", False), ("first seen at", False)])
    for row in report.log.problems[:MOST_ROWS]:
        what = {"skipped": "skipped: ", "duplicate": "left out: "}.get(row.kind, "") + row.reason
        _add(table, f"{row.count:,}", what, row.example)
    log = report.log
    counts = f"{log.records:,} records gave {log.calls:,} calls, {log.with_usage:,} with usage"
    return [table, *_hidden(len(report.log.problems)), Text(f"{counts}.", style="dim")]


def _hidden(count: int) -> list[RenderableType]:
    return [Text(f"and {count - MOST_ROWS} more", style="dim")] if count > MOST_ROWS else []

"""``penstock tasks``: what each task costs on each model, and how its answers fare."""

from __future__ import annotations

from pathlib import Path

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from penstock.ledger.sqlite import open_ledger
from penstock.ledger.tasks import TaskFigures, task_figures
from penstock.money import Picodollars, format_usd, usd

_COUNTS = ("calls", "accepted", "errors", "refused", "truncated", "escalated", "shadows", "disagreed")


def command(
    ledger: Path = typer.Option(..., "--ledger", help="The ledger that `penstock serve --ledger` wrote."),
    since: float | None = typer.Option(None, "--since", help="Only calls from this time on (seconds since the epoch)."),
    task: str | None = typer.Option(None, "--task", help="Only this task."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Show each task's cost per accepted answer, failures, and disagreement with shadows, by model."""
    with open_ledger(ledger, create=False) as opened:
        figures = task_figures(opened.calls(since=since, task=task))
    if as_json:
        typer.echo(msgspec.json.encode({"tasks": [_row(one) for one in figures]}).decode())
        return
    table = Table(box=None, pad_edge=False)
    for name in ("task", "model"):
        table.add_column(name)
    for name in (*_COUNTS, "cost", "per accepted"):
        table.add_column(name, justify="right")
    for one in figures:
        counts = [f"{getattr(one, name):,}" for name in _COUNTS]
        cost = format_usd(Picodollars(one.cost)) + (f" + {one.unknown:,} unknown" if one.unknown else "")
        table.add_row(one.task, one.model, *counts, cost, format_usd(one.cost_per_accepted))
    Console().print(table)


def _row(one: TaskFigures) -> dict[str, object]:
    each = one.cost_per_accepted
    return {
        "task": one.task,
        "model": one.model,
        **{name: getattr(one, name) for name in _COUNTS},
        "cost_usd": format(usd(Picodollars(one.cost)), "f"),
        "shadow_cost_usd": format(usd(Picodollars(one.shadow_cost)), "f"),
        "calls_of_unknown_cost": one.unknown,
        "cost_per_accepted_usd": None if each is None else format(usd(each), "f"),
    }

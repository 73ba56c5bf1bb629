"""``penstock tasks``: what each task costs on each model, and which cheaper models have earned it."""

from __future__ import annotations

import getpass
import time
from pathlib import Path
from typing import Any

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from penstock.cli.cache_rows import show_alarms, show_stood_down
from penstock.cli.gate_rows import gate_row, gate_table
from penstock.engine.gates import terms_of
from penstock.errors import UsageError
from penstock.evidence.gatebook import GateBook
from penstock.ledger.caching import cache_figures
from penstock.ledger.gates import ACTIONS, Action, Order
from penstock.ledger.sends import sends_by_task
from penstock.ledger.sqlite import Ledger, open_ledger
from penstock.ledger.tasks import TaskFigures, task_figures
from penstock.money import Picodollars, format_usd, usd
from penstock.settings import read_policy

Asked = dict[Action, str | None]
"""Action -> the task that it is asked for."""

_COUNTS = ("calls", "accepted", "errors", "refused", "truncated", "escalated", "shadows", "disagreed")


def command(
    ledger: Path = typer.Option(..., "--ledger", help="The ledger that `penstock serve --ledger` wrote."),
    policy: Path | None = typer.Option(None, "--policy", help="The policy file, for the terms of the gates."),
    since: float | None = typer.Option(None, "--since", help="Only calls from this time on (seconds since the epoch)."),
    task: str | None = typer.Option(None, "--task", help="Only this task."),
    hold: str | None = typer.Option(None, "--hold", metavar="TASK", help="Stop the candidate of this task."),
    release: str | None = typer.Option(None, "--release", metavar="TASK", help="End a hold or a pin: back to shadow."),
    promote: str | None = typer.Option(None, "--promote", metavar="TASK", help="Promote the candidate of this task."),
    pin: str | None = typer.Option(None, "--pin", metavar="TASK", help="Promote it and keep it, whatever alarms say."),
    candidate: str | None = typer.Option(None, "--candidate", help="Which candidate, where a task has several."),
    why: str | None = typer.Option(None, "--why", help="The reason of a decision; it is kept."),
    by: str | None = typer.Option(None, "--by", help="Who decides; your login name by default."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Show each task's cost and failures by model, and the state of its quality gate with what is still missing.

    A decision (--hold, --release, --promote, --pin) is kept in the ledger; a running gateway follows it.
    """
    book_terms = read_policy(policy)
    with open_ledger(ledger, create=False) as opened:
        book = opened.gates.book()
        for name in book.gates:
            section = book_terms.task(name).gate
            if section is not None:
                book.task_terms[name] = terms_of(section)
        alphas = [terms.alpha for terms in book.task_terms.values()]
        book.terms = msgspec.structs.replace(book.terms, alpha=min(alphas, default=book.terms.alpha))
        asked = dict(zip(ACTIONS, (hold, release, promote, pin), strict=True))
        _decide(opened, book, asked, candidate, why, by)
        figures = task_figures(opened.calls(since=since, task=task))
        sends = sends_by_task(opened.calls(since=since, task=task))
        caching = cache_figures(opened.calls(since=since, task=task))
    statuses = [one for one in book.statuses() if task is None or one.task == task]
    gates = [
        (status, sends[status.task].payback(status, book.terms_of(status.task).watch_share))
        if status.task in sends
        else (status, None)
        for status in statuses
    ]
    if as_json:
        rows = {
            "tasks": [_row(one) for one in figures],
            "gates": [gate_row(*one) for one in gates],
            "cache": caching.as_builtins(),
        }
        typer.echo(msgspec.json.encode(rows).decode())
        return
    console = Console()
    console.print(_figures_table(figures))
    if gates:
        console.print()
        console.print(gate_table(gates))
    if caching.stood_down or caching.alarms:
        console.print()
        show_stood_down(caching, console)
        show_alarms(caching.alarms, console)


def _decide(
    ledger: Ledger,
    book: GateBook,
    asked: dict[Action, str | None],
    candidate: str | None,
    why: str | None,
    by: str | None,
) -> None:
    """Carry out and keep the decision that was asked for, if one was."""
    wanted = [(action, task) for action, task in asked.items() if task is not None]
    if not wanted:
        return
    if len(wanted) > 1:
        raise UsageError("one decision at a time", hint="give one of --hold, --release, --promote, --pin")
    ((action, task),) = wanted
    if not why:
        raise UsageError("a decision by hand needs its reason", hint="--why 'audit next week'")
    known = sorted(book.gates.get(task, {}))
    if candidate is None and len(known) != 1:
        hint = f"--candidate, one of {', '.join(known)}" if known else "penstock tasks lists the gates"
        raise UsageError(f"which candidate of task {task!r}?", hint=hint)
    chosen = candidate if candidate is not None else known[0]
    person = by or getpass.getuser()
    ledger.gates.order(Order(0, time.time(), task, chosen, action, person, why), book)


def _figures_table(figures: list[TaskFigures]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("task", "model"):
        table.add_column(name)
    for name in (*_COUNTS, "cost", "per accepted"):
        table.add_column(name, justify="right")
    for one in figures:
        counts = [f"{getattr(one, name):,}" for name in _COUNTS]
        cost = format_usd(Picodollars(one.cost)) + (f" + {one.unknown:,} unknown" if one.unknown else "")
        table.add_row(one.task, one.model, *counts, cost, format_usd(one.cost_per_accepted))
    return table


def _row(one: TaskFigures) -> dict[str, Any]:
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

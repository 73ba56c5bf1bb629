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
from penstock.cli.gate_rows import gate_lines, gate_row
from penstock.cli.simulated import show_simulated
from penstock.errors import UsageError
from penstock.evidence.gatebook import GateBook
from penstock.ledger.caching import CacheFigures
from penstock.ledger.gates import ACTIONS, Action, Order
from penstock.ledger.sends import TaskSends
from penstock.ledger.sqlite import Ledger, open_ledger
from penstock.ledger.standing import standings, under
from penstock.ledger.tasks import Figures, by_endpoint, by_task
from penstock.money import Picodollars, format_usd, usd
from penstock.settings import read_policy

Asked = dict[Action, str | None]
"""Action -> the task that it is asked for."""

_HEADINGS = {"accepted": "ok", "truncated": "cut", "escalated": "again", "disagreed": "lost"}
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
    """Show each task's and endpoint's cost, latency and failures by model, and each quality gate with what is missing.

    Columns: answers that were ok, errors, refused, cut at the output limit, sent again because a check turned the first
    answer down; shadows, and how many of them the candidate lost; latency of half and of 95 percent of the answers; the
    cost, and that of one answer that was ok.

    A decision (--hold, --release, --promote, --pin) is kept in the ledger; a running gateway follows it.
    """
    terms = read_policy(policy)
    with open_ledger(ledger, create=False) as opened:
        book = under(terms, opened.gates.book())
        asked = dict(zip(ACTIONS, (hold, release, promote, pin), strict=True))
        _decide(opened, book, asked, candidate, why, by)
        simulated = opened.simulated(since=since, task=task)
        figures, endpoints, sends, caching = by_task(), by_endpoint(), dict[str, TaskSends](), CacheFigures()
        for call in opened.calls(since=since, task=task):
            figures.add(call)
            endpoints.add(call)
            sends.setdefault(call.task, TaskSends()).add(call)
            caching.add(call)
    gates = standings(book, sends, task)
    if as_json:
        rows = {
            "tasks": [{"task": one.name, **_row(one)} for one in figures.rows],
            "endpoints": [{"endpoint": one.name, **_row(one)} for one in endpoints.rows],
            "gates": [gate_row(one) for one in gates],
            "cache": caching.as_builtins(),
            "simulated_calls": simulated[0],
        }
        typer.echo(msgspec.json.encode(rows).decode())
        return
    console = Console()
    show_simulated(*simulated, console)
    console.print(_figures_table("task", figures.rows))
    console.print()
    console.print(_figures_table("endpoint", endpoints.rows))
    for one in gates:
        console.print()
        for line in gate_lines(one):
            console.print(line, markup=False, highlight=False, soft_wrap=True)
    if caching.stood_down.sums or caching.alarms:
        console.print()
        show_stood_down(caching.stood_down.ranked(), console)
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


def _figures_table(first: str, figures: list[Figures]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in (first, "model"):
        table.add_column(name, no_wrap=True)
    for name in (*(_HEADINGS.get(name, name) for name in _COUNTS), "p50", "p95", "cost", "per ok"):
        table.add_column(name, justify="right")
    for one in figures:
        counts = [f"{count:,}" if (count := getattr(one, name)) else "-" for name in _COUNTS]
        cost = format_usd(Picodollars(one.cost)) + (f" + {one.unknown:,} unknown" if one.unknown else "")
        each = format_usd(one.cost_per_accepted)
        table.add_row(one.name, one.model, *counts, _latency(one, 0.5), _latency(one, 0.95), cost, each)
    return table


def _latency(one: Figures, share: float) -> str:
    found = one.latency(share)
    if found is None:
        return "-"
    return f"{found:,.0f} ms" if found < 1000 else f"{found / 1000:,.1f} s"  # noqa: PLR2004 - a second


def _row(one: Figures) -> dict[str, Any]:
    each = one.cost_per_accepted
    return {
        "model": one.model,
        **{name: getattr(one, name) for name in _COUNTS},
        "latency_p50_ms": one.latency(0.5),
        "latency_p95_ms": one.latency(0.95),
        "cost_usd": format(usd(Picodollars(one.cost)), "f"),
        "shadow_cost_usd": format(usd(Picodollars(one.shadow_cost)), "f"),
        "calls_of_unknown_cost": one.unknown,
        "cost_per_accepted_usd": None if each is None else format(usd(each), "f"),
    }

"""``penstock trace``: the steps of one run of a pipeline, and the first one that went wrong."""

from __future__ import annotations

from pathlib import Path

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from penstock.cli.simulated import show_simulated
from penstock.engine.labels import SIMULATED
from penstock.engine.record import Call
from penstock.errors import InputError
from penstock.ledger.runs import Run, agreements_of, find_run
from penstock.ledger.sqlite import open_ledger
from penstock.money import format_usd, usd


def command(
    trace: str = typer.Argument(..., help="The run's key (x-penstock-trace), or the id of one of its calls."),
    ledger: Path = typer.Option(..., "--ledger", help="The ledger that `penstock serve --ledger` wrote."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Print the steps of a run with model, checks and cost; the first that failed a check or a shadow is marked."""
    with open_ledger(ledger, create=False) as opened:
        run = find_run(opened, trace)
    if run is None:
        raise InputError(f"no call of the trace {trace!r}", hint="label runs with pipeline(...) or x-penstock-trace")
    if as_json:
        rows = [_row(call, found) for call, found in zip(run.steps, run.faults, strict=True)]
        typer.echo(msgspec.json.encode({"trace": run.key, "first_fault": run.first, "steps": rows}).decode())
        return
    console = Console()
    show_simulated(sum(SIMULATED in call.tags for call in run.steps), len(run.steps), console)
    console.print(_table(run))
    console.print()
    for line in _summary(run):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _table(run: Run) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("step", "task", "model", "status", "took", "cost", "checks"):
        table.add_column(name, overflow="fold")
    for index, (call, found) in enumerate(zip(run.steps, run.faults, strict=True)):
        mark = f"{index + 1} <-" if index == run.first else str(index + 1)
        status = "-" if call.status is None else str(call.status)
        took = "-" if call.latency_ms is None else f"{call.latency_ms / 1000:.2f} s"
        checks = "; ".join([*found, *agreements_of(call)]) or "passed"
        table.add_row(mark, call.task, call.model_sent, status, took, format_usd(call.cost_all), checks)
    return table


def _summary(run: Run) -> list[str]:
    cost, unknown = run.cost
    more = f" and {unknown} of unknown cost" if unknown else ""
    lines = [f"{len(run.steps)} steps, {format_usd(cost)}{more}"]
    first = run.first
    if first is None:
        return [*lines, "no step failed a check, and no shadow disagreed"]
    lines.append(f"first at step {first + 1} ({run.steps[first].task}): {run.faults[first][0]}")
    after, later = len(run.steps) - first - 1, run.failed_after
    return [*lines, f"{later} of the {after} steps after it failed too"] if later else lines


def _row(call: Call, found: tuple[str, ...]) -> dict[str, object]:
    cost = call.cost_all
    return {
        "call": call.id,
        "simulated": SIMULATED in call.tags,
        "task": call.task,
        "model": call.model_sent,
        "status": call.status,
        "finish": call.finish,
        "latency_ms": call.latency_ms,
        "cost_usd": None if cost is None else format(usd(cost), "f"),
        "faults": found,
        "agreed": agreements_of(call),
    }

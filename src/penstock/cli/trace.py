"""``penstock trace``: the steps of one run of a pipeline, and the first one that went wrong."""

from __future__ import annotations

from pathlib import Path

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from penstock.engine.record import Call
from penstock.errors import InputError
from penstock.ledger.sqlite import open_ledger
from penstock.ledger.tasks import disagreed
from penstock.money import format_usd, usd


def command(
    trace: str = typer.Argument(..., help="The run's key (x-penstock-trace), or the id of one of its calls."),
    ledger: Path = typer.Option(..., "--ledger", help="The ledger that `penstock serve --ledger` wrote."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Print the steps of a run with model, checks and cost; the first that failed a check is marked."""
    with open_ledger(ledger, create=False) as opened:
        named = opened.get(trace)
        key = named.trace if named is not None and named.trace is not None else trace
        steps = opened.trace(key) or ([named] if named is not None else [])
    if not steps:
        raise InputError(f"no call of the trace {trace!r}", hint="label runs with pipeline(...) or x-penstock-trace")
    faults = [faults_of(call) for call in steps]
    first = next((index for index, found in enumerate(faults) if found), None)
    if as_json:
        rows = [_row(call, found) for call, found in zip(steps, faults, strict=True)]
        typer.echo(msgspec.json.encode({"trace": key, "first_fault": first, "steps": rows}).decode())
        return
    table = Table(box=None, pad_edge=False)
    for name in ("", "task", "model", "status", "cost", "checks"):
        table.add_column(name)
    for index, (call, found) in enumerate(zip(steps, faults, strict=True)):
        mark = "first >" if index == first else ""
        status = "-" if call.status is None else str(call.status)
        table.add_row(mark, call.task, call.model_sent, status, format_usd(call.cost_all), "; ".join(found) or "passed")
    Console().print(table)


def faults_of(call: Call) -> list[str]:
    """What went wrong in a step: its error, its ending, what a verifier turned down, what a shadow disagreed with."""
    found = [] if call.error_kind is None else [call.error_kind]
    found += [call.finish] if call.finish in ("refusal", "length") else []
    for extra in call.extra_sends:
        if extra.purpose != "shadow":
            found.append(f"{extra.model} {extra.purpose}: {extra.reason}")
        elif disagreed(extra.reason):
            found.append(f"shadow {extra.model} {extra.reason}")
    return found


def _row(call: Call, found: list[str]) -> dict[str, object]:
    cost = call.cost_all
    return {
        "call": call.id,
        "task": call.task,
        "model": call.model_sent,
        "status": call.status,
        "finish": call.finish,
        "cost_usd": None if cost is None else format(usd(cost), "f"),
        "faults": found,
    }

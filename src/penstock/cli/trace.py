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
from penstock.money import Picodollars, format_usd, usd

_BESIDE = ("shadow", "judge", "prewarm", "keep_alive")
"""Purposes of sends beside an answer, which are no try at it."""


def command(
    trace: str = typer.Argument(..., help="The run's key (x-penstock-trace), or the id of one of its calls."),
    ledger: Path = typer.Option(..., "--ledger", help="The ledger that `penstock serve --ledger` wrote."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Print the steps of a run with model, checks and cost; the first that failed a check or a shadow is marked."""
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
    console = Console()
    console.print(_table(steps, faults, first))
    console.print()
    for line in _summary(steps, faults, first):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _table(steps: list[Call], faults: list[list[str]], first: int | None) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("step", "task", "model", "status", "took", "cost", "checks"):
        table.add_column(name, overflow="fold")
    for index, (call, found) in enumerate(zip(steps, faults, strict=True)):
        mark = f"{index + 1} <-" if index == first else str(index + 1)
        status = "-" if call.status is None else str(call.status)
        took = "-" if call.latency_ms is None else f"{call.latency_ms / 1000:.2f} s"
        checks = "; ".join([*found, *_agreements(call)]) or "passed"
        table.add_row(mark, call.task, call.model_sent, status, took, format_usd(call.cost_all), checks)
    return table


def _summary(steps: list[Call], faults: list[list[str]], first: int | None) -> list[str]:
    known = [cost for call in steps if (cost := call.cost_all) is not None]
    unknown = f" and {len(steps) - len(known)} of unknown cost" if len(known) < len(steps) else ""
    lines = [f"{len(steps)} steps, {format_usd(Picodollars(sum(known)))}{unknown}"]
    if first is None:
        return [*lines, "no step failed a check, and no shadow disagreed"]
    lines.append(f"first at step {first + 1} ({steps[first].task}): {faults[first][0]}")
    later = sum(bool(found) for found in faults[first + 1 :])
    return [*lines, f"{later} of the {len(steps) - first - 1} steps after it failed too"] if later else lines


def _agreements(call: Call) -> list[str]:
    """What spoke for a step: shadows that agreed, and judges."""
    return [
        f"{extra.purpose} {extra.model}: {extra.reason}"
        for extra in call.extra_sends
        if extra.purpose == "judge" or (extra.purpose == "shadow" and not disagreed(extra.reason))
    ]


def faults_of(call: Call) -> list[str]:
    """What went wrong in a step: its error, its ending, what a verifier turned down, what a shadow disagreed with."""
    found = [] if call.error_kind is None else [call.error_kind]
    found += [call.finish] if call.finish in ("refusal", "length") else []
    for extra in call.extra_sends:
        if extra.purpose == "shadow" and disagreed(extra.reason):
            found.append(f"shadow {extra.model} {extra.reason}")
        elif extra.purpose not in _BESIDE:
            found.append(f"{extra.model} {extra.purpose}: {extra.reason}")
    return found


def _row(call: Call, found: list[str]) -> dict[str, object]:
    cost = call.cost_all
    return {
        "call": call.id,
        "task": call.task,
        "model": call.model_sent,
        "status": call.status,
        "finish": call.finish,
        "latency_ms": call.latency_ms,
        "cost_usd": None if cost is None else format(usd(cost), "f"),
        "faults": found,
        "agreed": _agreements(call),
    }

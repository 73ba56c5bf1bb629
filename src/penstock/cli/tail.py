"""``penstock tail``: calls as they are recorded, one line each, with what the client sent and what was sent on."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import typer

from penstock.engine.record import Call
from penstock.ledger.export import json_lines
from penstock.ledger.sqlite import Ledger, open_ledger
from penstock.money import format_usd

POLL_S = 0.5
"""Seconds between two looks at the ledger."""

OVERLAP_S = 900.0
"""How far back a look goes: a call stands at its start, and is recorded when it ends."""


def command(
    file: Path = typer.Argument(..., help="The ledger that `penstock serve --ledger` writes."),
    count: int = typer.Option(10, "-n", "--count", min=0, help="Begin with the newest so many calls."),
    follow: bool = typer.Option(True, "--follow/--no-follow", help="Go on with calls as they are recorded."),
    task: str | None = typer.Option(None, "--task", help="Only calls of this task."),
    edits: bool = typer.Option(False, "--edits", help="Show the edits of each call under it."),
    as_json: bool = typer.Option(False, "--json", help="Print each call as a line of JSON."),
) -> None:
    """List recorded calls, live."""
    with open_ledger(file, create=False) as ledger:
        seen = {call.id for call in ledger.calls(since=time.time() - OVERLAP_S)}
        shown = list(ledger.calls(task=task, newest=count)) if count else []
        seen.update(call.id for call in shown)  # what came between the two is shown here, and only here
        _show(shown, edits=edits, as_json=as_json)
        try:
            while follow:
                time.sleep(POLL_S)
                _show(_new(ledger, seen, task), edits=edits, as_json=as_json)
        except KeyboardInterrupt:
            return


def _new(ledger: Ledger, seen: set[str], task: str | None) -> list[Call]:
    """Calls that no look has met; ``seen`` grows."""
    fresh = [call for call in ledger.calls(since=time.time() - OVERLAP_S, task=task) if call.id not in seen]
    seen.update(call.id for call in fresh)
    return fresh


def _show(calls: Iterable[Call], *, edits: bool, as_json: bool) -> None:
    if as_json:
        for text in json_lines(calls):
            typer.echo(text)
        return
    for call in calls:
        typer.echo(line_of(call))
        if edits:
            for edit in call.edits:
                saving = "unknown" if edit.saving is None else format_usd(edit.saving)
                typer.echo(f"    {edit.lever} ({edit.risk.value}): {edit.why}, saving {saving}")


def line_of(call: Call) -> str:
    """A call in one line: time, arm, task, models, status, tokens, money, time taken."""
    moment = datetime.fromtimestamp(call.started_at, UTC).strftime("%H:%M:%S")
    model = call.model_sent or "?"
    if call.model_asked and call.model_asked != call.model_sent:
        model = f"{call.model_asked} -> {call.model_sent}"
    if call.operation != "chat":
        model = f"{call.operation} {model}"
    usage = call.usage
    tokens = "tokens unknown"
    if usage is not None:
        tokens = (
            f"{usage.input_total:,} in ({usage.cache_read:,} read, {usage.cache_write:,} written) {usage.output:,} out"
        )
    money = format_usd(call.cost_all)
    if call.saved:
        money += f" (saved {format_usd(call.saved)})"
    took = "" if call.latency_ms is None else f" {call.latency_ms:,.0f} ms"
    status = str(call.status or "no answer") + (f" {call.error_kind}" if call.error_kind else "")
    return f"{moment} {call.arm:<8} {call.task:<16} {model} {status} {tokens} {money}{took}"

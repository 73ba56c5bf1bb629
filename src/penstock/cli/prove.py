"""``penstock prove``: the realised saving, from the randomised holdback in the ledger."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from penstock.audit.proof_words import (
    Sentence,
    Tone,
    caution_sentences,
    inside_of,
    interval_text,
    proof_sentences,
)
from penstock.audit.realised import Realised, realised
from penstock.cli.cache_rows import show_stood_down
from penstock.cli.simulated import show_simulated
from penstock.errors import InputError
from penstock.evidence.proof import NotEnough, Proof
from penstock.ledger.sqlite import open_ledger
from penstock.money import usd

_STYLES: dict[Tone, str] = {"result": "bold", "plain": "", "detail": "dim", "caution": "yellow"}


class By(StrEnum):
    """What the saving can be split by."""

    TASK = "task"


def command(
    ledger: Path = typer.Option(..., "--ledger", help="The ledger that `penstock serve` or a client wrote."),
    by: By | None = typer.Option(None, "--by", help="Also each task by itself."),
    level: float = typer.Option(0.95, "--level", min=0.5, max=0.999, help="Of the interval."),
    anytime: bool = typer.Option(False, "--anytime", help="An interval that holds however often you look."),
    projected: Path | None = typer.Option(None, "--projected", help="The JSON of `penstock replay`, to show beside."),
    fail_under: float | None = typer.Option(None, "--fail-under", help="Exit 1 unless at least this share is proven."),
    as_json: bool = typer.Option(False, "--json", help="One JSON on stdout."),
) -> None:
    """Prove the saving: treated calls against a randomised holdback that went as the client sent it.

    Prints the saving with its interval beside what was projected. With too little data it says what is missing
    instead of a number.
    """
    with open_ledger(ledger, create=False) as book:
        result = realised(book.calls(), level=level, anytime=anytime, by_task=by is By.TASK)
    replayed = _replayed(projected) if projected is not None else None
    if as_json:
        sys.stdout.write(json.dumps(as_builtins(result, replayed), indent=1) + "\n")
    else:
        show(result, replayed, Console())
    if fail_under is not None and not (isinstance(result.proof, Proof) and result.proof.saving.low >= fail_under):
        raise typer.Exit(1)


def as_builtins(result: Realised, replayed: float | None = None) -> dict[str, Any]:
    """The result for JSON: shares as numbers, money as decimal text in USD."""
    return {
        **_proof(result.proof),
        "by_task": {task: _proof(one) for task, one in result.by_task.items()},
        "projected": {
            "saving": result.projected.saving,
            "saved_usd": str(usd(result.projected.saved)),
            "calls": result.projected.calls,
            "basis": result.projected.basis,
        },
        "replayed_saving": replayed,
        "left_out": result.left_out,
        "calls": result.calls,
        "simulated_calls": result.simulated,
        "warnings": [*(result.proof.warnings if isinstance(result.proof, Proof) else ()), *result.warnings],
        "first": _iso(result.first),
        "last": _iso(result.last),
        "price_tables": list(result.price_tables),
        "stood_down": [msgspec.to_builtins(one) for one in result.stood_down],
    }


def show(result: Realised, replayed: float | None, console: Console) -> None:
    """The result for people."""
    show_simulated(result.simulated, result.calls, console)
    _say(proof_sentences(result), console)
    if replayed is not None:
        console.print(Text(f"Replayed beforehand: {replayed:.1%}{inside_of(replayed, result.proof)}."))
    _show_tasks(result, console)
    show_stood_down(result.stood_down, console)
    _say(caution_sentences(result), console)


def _say(sentences: Iterable[Sentence], console: Console) -> None:
    for one in sentences:
        console.print(Text(one.text, style=_STYLES[one.tone]))


def _show_tasks(result: Realised, console: Console) -> None:
    if not result.by_task:
        return
    table = Table(title="By task (each interval by itself)", title_justify="left", box=None, pad_edge=False)
    for name in ("task", "saving", "interval", "held back", "treated"):
        table.add_column(name, justify="left" if name == "task" else "right")
    for task, one in result.by_task.items():
        if isinstance(one, Proof):
            cells = (
                f"{one.saving.estimate:.1%}",
                interval_text(one.saving),
                f"{one.holdback.calls:,}",
                f"{one.treated.calls:,}",
            )
            table.add_row(Text(task), *cells)
        else:
            table.add_row(Text(task), "", Text(f"not enough: {one.why}"), "", "")
    console.print(table)


def _proof(proof: Proof | NotEnough) -> dict[str, Any]:
    if isinstance(proof, NotEnough):
        return {"enough": False, **msgspec.to_builtins(proof)}
    found = msgspec.to_builtins(proof)
    found["saved_usd"] = {name: _number(value / 1e12) for name, value in found.pop("saved").items()}
    for arm in ("treated", "holdback"):
        found[arm]["mean_cost_usd"] = found[arm].pop("mean_cost") / 1e12
    for name in ("saving", "unadjusted", "more_calls"):
        found[name] = {key: _number(value) for key, value in found[name].items()}
    found.pop("warnings")
    return {"enough": True, **found}


def _number(value: float) -> float | None:
    """JSON has no infinity."""
    return value if math.isfinite(value) else None


def _replayed(path: Path) -> float:
    try:
        share = json.loads(path.read_text("utf-8"))["saving_share"]
        return float(share)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise InputError(f"{path}: not the JSON of penstock replay", hint="penstock replay LOG --json > FILE") from None


def _iso(ts: float | None) -> str | None:
    return None if ts is None else datetime.fromtimestamp(ts, UTC).isoformat(timespec="seconds")

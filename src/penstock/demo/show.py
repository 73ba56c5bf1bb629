"""The demo's result for people: one table, one interval, and what is real about them."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

from penstock.demo.loop import Loop
from penstock.evidence.proof import NotEnough, Proof
from penstock.ledger.by_lever import saved_by_lever
from penstock.money import Picodollars, format_usd, usd
from penstock.replay.driver import LEVERS

HONEST = "Answers are simulated. Billing is by the providers' documented rules and list prices; nothing was paid."


def show(loop: Loop, console: Console) -> None:
    """Print the result."""
    projected, real = loop.projected, saved_by_lever(loop.served)
    table = Table(title="The bill before, projected, and realised by lever", title_justify="left")
    table.add_column("")
    table.add_column("Friday: recorded, replayed", justify="right")
    table.add_column("Saturday: served, treated calls", justify="right")
    base = projected.total.recorded, real.before
    table.add_row("calls", f"{projected.total.calls:,}", f"{real.calls:,}")
    table.add_row("bill before", _amount(base[0]), _amount(base[1]), end_section=True)
    levers = [*LEVERS, *(lever for lever, amount in real.by_lever.items() if lever not in LEVERS and amount)]
    for lever in levers:
        both = projected.by_lever.get(lever, 0), real.by_lever.get(lever, 0)
        table.add_row(f"  {lever}", _change(both[0], base[0]), _change(both[1], base[1]))
    table.add_section()
    table.add_row("bill after", _amount(projected.total.projected), _amount(real.after))
    table.add_row(
        "saving",
        _share(projected.total.saving, base[0], "projected"),
        _share(real.saving, base[1], "realised"),
        style="bold",
    )
    console.print(table)
    console.print(proof_line(loop.proof))
    console.print(f"\n{HONEST}\n")
    console.print(f"Report: {loop.files.report_html}   policy: {loop.files.policy}   ledger: {loop.files.ledger}")


def proof_line(proof: Proof | NotEnough) -> str:
    """The randomised holdback in a sentence."""
    if isinstance(proof, NotEnough):
        return f"Not enough for a proof: {proof.why}"
    saving = proof.saving
    return (
        f"Proof by the randomised holdback: a treated call costs {saving.estimate:.0%} less than one left alone "
        f"({proof.level:.0%} interval {saving.low:.0%} to {saving.high:.0%}; {proof.treated.sessions} sessions "
        f"treated, {proof.holdback.sessions} held back)."
    )


def as_builtins(loop: Loop) -> dict[str, Any]:
    """The result for JSON; money as exact decimal text in USD."""
    projected, real = loop.projected, saved_by_lever(loop.served)
    proof = loop.proof
    return {
        "simulated": HONEST,
        "before": {"calls": loop.before, "usd": _text(projected.total.recorded)},
        "projected": {
            "usd": _text(projected.total.projected),
            "saving_share": projected.saving_share,
            "by_lever_usd": {lever: _text(amount) for lever, amount in projected.by_lever.items()},
        },
        "realised": {
            "calls": real.calls,
            "unknown_calls": real.unknown,
            "before_usd": _text(real.before),
            "usd": _text(real.after),
            "saving_share": real.saving / real.before if real.before else None,
            "by_lever_usd": {lever: _text(amount) for lever, amount in real.by_lever.items()},
        },
        "proof": {"not_enough": proof.why}
        if isinstance(proof, NotEnough)
        else {
            "saving": proof.saving.estimate,
            "low": proof.saving.low,
            "high": proof.saving.high,
            "level": proof.level,
            "treated_sessions": proof.treated.sessions,
            "holdback_sessions": proof.holdback.sessions,
        },
        "files": {
            "report": str(loop.files.report_html),
            "policy": str(loop.files.policy),
            "ledger": str(loop.files.ledger),
            "calls": str(loop.files.calls),
        },
    }


def _text(amount: int) -> str:
    return f"{usd(Picodollars(amount)):f}"


def _amount(amount: int) -> str:
    return format_usd(Picodollars(amount))


def _change(saved: int, base: int) -> str:
    return f"{format_usd(Picodollars(-saved))} ({-saved / base:+.1%})" if base else format_usd(Picodollars(-saved))


def _share(saved: int, base: int, word: str) -> str:
    return f"{saved / base:.1%} {word}" if base else "unknown"

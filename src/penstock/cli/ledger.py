"""``penstock ledger``: what the recorded calls cost, and the calls themselves."""

from __future__ import annotations

from pathlib import Path

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from penstock.cli.cache_rows import show_alarms, show_cache
from penstock.cli.simulated import show_simulated
from penstock.errors import UsageError
from penstock.ledger.caching import cache_figures
from penstock.ledger.export import json_lines
from penstock.ledger.sqlite import GROUPS, Ledger, Total, open_ledger
from penstock.money import format_usd, usd


def command(
    file: Path = typer.Argument(..., help="The ledger that `penstock serve --ledger` wrote."),
    by: str = typer.Option(
        "task,model", "--by", help=f"Group by these, out of {', '.join(GROUPS)}; empty for one sum."
    ),
    since: float | None = typer.Option(None, "--since", help="Only calls from this time on (seconds since the epoch)."),
    until: float | None = typer.Option(None, "--until", help="Only calls before this time."),
    task: str | None = typer.Option(None, "--task", help="Only calls of this task."),
    export: bool = typer.Option(False, "--export", help="Print each call as a line of JSON instead of sums."),
    cache: bool = typer.Option(
        False, "--cache", help="What caches were foreseen to do and did, why levers stood down, and alarms."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Sum up a ledger, or export it.

    Alarms are shown when a provider stopped behaving like the cache model.
    """
    with open_ledger(file, create=False) as ledger:
        if export:
            for line in json_lines(ledger.calls(since=since, until=until, task=task)):
                typer.echo(line)
            return
        simulated = ledger.simulated(since=since, until=until, task=task)
        if cache:
            figures = cache_figures(ledger.calls(since=since, until=until, task=task))
            if as_json:
                shown = {**figures.as_builtins(), "simulated_calls": simulated[0]}
                typer.echo(msgspec.json.encode(shown).decode())
            else:
                show_simulated(*simulated, Console())
                show_cache(figures, Console())
            return
        names = [name.strip() for name in by.split(",") if name.strip()]
        unknown = [name for name in names if name not in GROUPS]
        if unknown:
            raise UsageError(f"--by {unknown[0]}: no such column", hint=f"one of {', '.join(GROUPS)}")
        _sums(ledger.totals(names, since=since, until=until, task=task), names, ledger, simulated, as_json=as_json)


def _sums(totals: list[Total], names: list[str], ledger: Ledger, simulated: tuple[int, int], *, as_json: bool) -> None:
    alarms = cache_figures(ledger.alarmed()).alarms
    if as_json:
        rows = [
            {
                **dict(zip(names, total.group, strict=True)),
                "calls": total.calls,
                "cost_usd": format(usd(total.cost), "f"),
                "cost_before_usd": format(usd(total.cost_before), "f"),
                "saved_usd": format(usd(total.saved), "f"),
                "calls_of_unknown_cost": total.unknown,
            }
            for total in totals
        ]
        shown = {
            "totals": rows,
            "simulated_calls": simulated[0],
            "alarms": [msgspec.to_builtins(one) for one in alarms],
        }
        typer.echo(msgspec.json.encode(shown).decode())
        return
    table = Table(box=None, pad_edge=False)
    for name in names:
        table.add_column(name)
    for name in ("calls", "cost", "before", "saved", "unknown"):
        table.add_column(name, justify="right")
    for total in totals:
        group = ["-" if value is None else str(value) for value in total.group]
        money = [format_usd(amount) for amount in (total.cost, total.cost_before, total.saved)]
        table.add_row(*group, f"{total.calls:,}", *money, f"{total.unknown:,}")
    console = Console()
    show_simulated(*simulated, console)
    console.print(table)
    show_alarms(alarms, console)

"""``penstock replay``: what recorded traffic would have cost under a policy."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from penstock.audit.read import read_calls, total_bytes
from penstock.audit.reading import ReadReport
from penstock.cli.cache_rows import show_stood_down
from penstock.cli.progress import bytes_read
from penstock.cli.simulated import show_simulated
from penstock.cli.teach import check_pupil, teach
from penstock.money import Picodollars, format_usd, usd
from penstock.replay.driver import replay, replay_and_teach
from penstock.replay.result import ReplayResult, Row
from penstock.settings import read_policy


def command(
    paths: list[Path] = typer.Argument(..., help="Logs: files, or folders of them (JSON lines, plain or gzipped)."),
    policy: Path = typer.Option(Path("penstock.toml"), "--policy", help="The policy to replay under."),
    format_name: str = typer.Option("auto", "--format", help="The log format, when it cannot be told by content."),
    by_lever: bool = typer.Option(False, "--by-lever", help="Also run the levers one by one (five runs)."),
    pupil: Path | None = typer.Option(
        None, "--teach", help="A new ledger that gets what the log teaches: `penstock serve` then starts with it."
    ),
    as_json: bool = typer.Option(False, "--json", help="One JSON on stdout."),
) -> None:
    """Replay recorded traffic through the engine under a policy, for no money.

    Prints the bill as recorded, the same bytes through the cache model (the projection's own error), and the bill
    under the policy. No request is sent.

    With --teach, a gateway or client that uses that ledger does not start cold: it knows how long the tasks' answers
    are and which of their prompts come again. Cache entries, gates and bills are not carried over: they were not real.
    """
    chosen = read_policy(policy)
    if pupil is not None:
        check_pupil(pupil)
    report = ReadReport()
    with bytes_read("replaying", total_bytes(paths)) as advance:
        calls = read_calls(paths, report, format_name=format_name, progress=advance)
        if pupil is None:
            result = replay(calls, chosen, by_lever=by_lever)
        else:
            result, prior = replay_and_teach(calls, chosen, by_lever=by_lever)
            teach(pupil, prior)
    if as_json:
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(as_builtins(result)), indent=1) + b"\n")
        return
    show(result, Console())
    if pupil is not None:
        Console().print(f"{pupil} begins with what this log taught: penstock serve --ledger {pupil}")


def as_builtins(result: ReplayResult) -> dict[str, Any]:
    """The result for JSON: money as exact decimal text in USD."""
    return {
        "total": _row(result.total),
        "saving_share": result.saving_share,
        "prediction_error": result.prediction_error,
        "by_task": {name: _row(row) for name, row in result.by_task.items()},
        "by_model": {name: _row(row) for name, row in result.by_model.items()},
        "by_lever_usd": {name: str(usd(Picodollars(amount))) for name, amount in result.by_lever.items()},
        "left_out": result.left_out,
        "assumed": result.assumed,
        "simulated_calls": result.simulated,
        "lever_failures": result.lever_failures,
        "stood_down": [msgspec.to_builtins(one) for one in result.stood_down],
        "first_ts": result.first_ts,
        "last_ts": result.last_ts,
        "price_table": result.price_table,
        "basis": "projected by the cache model; no request was sent",
    }


def show(result: ReplayResult, console: Console) -> None:
    """The result for people."""
    show_simulated(result.simulated, result.calls, console)
    table = Table(title="Replay: projected by the documented rules, nothing was sent", title_justify="left")
    table.add_column("task")
    for name in ("calls", "recorded", "projected", "saving"):
        table.add_column(name, justify="right")
    for name, row in [*result.by_task.items(), ("all", result.total)]:
        share = f" ({row.saving / row.recorded:.0%})" if row.recorded else ""
        cells = [format_usd(Picodollars(amount)) for amount in (row.recorded, row.projected, row.saving)]
        table.add_row(name, f"{row.calls:,}", cells[0], cells[1], cells[2] + share)
    console.print(table)
    for lever, amount in result.by_lever.items():
        console.print(f"  {lever}: {format_usd(Picodollars(amount))}")
    if result.prediction_error is not None:
        console.print(
            f"The recorded bytes through the cache model: {format_usd(Picodollars(result.total.predicted))}, "
            f"{result.prediction_error:+.2%} against the provider's own usage."
        )
    for what, number in {**result.assumed, **result.lever_failures}.items():
        console.print(f"  assumed for {number:,} calls: {what}" if what in result.assumed else f"  {number:,}x {what}")
    show_stood_down(result.stood_down, console)
    for reason, number in result.left_out.items():
        console.print(f"  left out of every sum, {number:,} calls: {reason}")


def _row(row: Row) -> dict[str, Any]:
    return {
        "calls": row.calls,
        "recorded_usd": str(usd(Picodollars(row.recorded))),
        "predicted_usd": str(usd(Picodollars(row.predicted))),
        "projected_usd": str(usd(Picodollars(row.projected))),
        "saving_usd": str(usd(row.saving)),
    }

"""How the figures of prompt caches are shown: ``penstock ledger --cache`` and ``penstock tasks``."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from penstock.engine.standing_down import StoodDown
from penstock.ledger.caching import CacheFigures, Raised
from penstock.money import Picodollars, format_usd

_SHOWN_ALARMS = 5


def show_cache(figures: CacheFigures, console: Console) -> None:
    """Promises and reports by task and model, why levers stood down, and the alarms."""
    if figures.sums:
        console.print(_sums_table(figures))
    show_stood_down(figures.stood_down.ranked(), console)
    for one in figures.warmed.values():
        known = format_usd(Picodollars(one.cost)) + (f" + {one.unknown:,} unknown" if one.unknown else "")
        console.print(
            Text(f"{one.task}: {one.requests:,} {one.purpose} requests, {one.read:,} read their prefix, for {known}")
        )
    show_diagnosed(figures, console)
    show_alarms(figures.alarms, console)


def show_stood_down(listed: Iterable[StoodDown], console: Console) -> None:
    """Why levers did not act, each with the arithmetic of the latest call."""
    for one in listed:
        console.print(Text(f"{one.task}: {one.lever} {one.did} in {one.calls:,} calls, the last: {one.why}"))


def show_diagnosed(figures: CacheFigures, console: Console) -> None:
    """What the provider's cache diagnostics said, the most frequent word of each task first."""
    for one in sorted(figures.diagnosed.values(), key=lambda one: (one.task, one.model, -one.calls, one.said)):
        missed = f", {one.missed:,} tokens not read" if one.missed else ""
        against = f"; {one.unforeseen:,} of them against what was foreseen" if one.unforeseen else ""
        console.print(
            Text(f"{one.task} on {one.model}: the provider says {one.said} in {one.calls:,} calls{missed}{against}")
        )


def show_alarms(alarms: Iterable[Raised], console: Console) -> None:
    """The latest alarms."""
    listed = list(alarms)
    if len(listed) > _SHOWN_ALARMS:
        console.print(Text(f"{len(listed):,} alarms of cache drift, the latest:", style="yellow"))
    for one in listed[-_SHOWN_ALARMS:]:
        moment = datetime.fromtimestamp(one.at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        console.print(Text(f"cache drift {moment}: {one.why}", style="yellow"))


def _sums_table(figures: CacheFigures) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("task", "model"):
        table.add_column(name)
    for name in ("calls", "read foreseen", "reported", "written foreseen", "reported", "reads kept", "cached kept"):
        table.add_column(name, justify="right")
    for (task, model), sums in sorted(figures.sums.items()):
        tokens = (sums.foreseen_read, sums.read, sums.foreseen_write, sums.write)
        kept = (f"{sums.reads_kept:,} of {sums.reads:,}", f"{sums.cached_kept:,} of {sums.cached:,}")
        table.add_row(task, model, f"{sums.calls:,}", *(f"{count:,}" for count in tokens), *kept)
    return table

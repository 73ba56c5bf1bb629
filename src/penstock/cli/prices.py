"""``penstock prices``: what a model's tokens cost on a day, and which table says so."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from penstock.errors import InputError, UsageError
from penstock.models.catalog import known_models, profile_of
from penstock.models.prices import TABLE_VERSION, Prices, Tier, prices_of
from penstock.models.profile import Profile
from penstock.models.tiers import Processing
from penstock.money import Picodollars, Rate, usd
from penstock.unknown import Unknown

_BUCKETS = (
    ("input", "input"),
    ("cache_read", "cache read"),
    ("cache_write_5m", "cache write, 5 minutes"),
    ("cache_write_1h", "cache write, 1 hour"),
    ("cache_write_30m", "cache write, 30 minutes"),
    ("cache_write_12h", "cache write, 12 hours"),
    ("output", "output"),
)
_TIERS: Mapping[str, Processing] = {"standard": "standard", "batch": "batch", "flex": "flex", "fast": "fast"}


def command(
    model: str = typer.Argument(help="A model as a request or a log names it."),
    at: str = typer.Option("", "--at", metavar="DATE", help="The day of the prices, as 2026-11-22; today by default."),
    tier: str = typer.Option("standard", "--tier", help="standard, batch, flex or fast."),
    geo: str = typer.Option("", "--geo", help="The region that requests are bound to, such as us."),
    prompt_tokens: int = typer.Option(
        1, "--prompt-tokens", min=0, help="The whole prompt's length; long prompts cost more on some models."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print the prices as JSON."),
) -> None:
    """Print the prices of a model on a day, in USD per million tokens, with the version of the table."""
    if tier not in _TIERS:
        raise UsageError(f"no tier {tier!r}", hint=f"use one of {', '.join(_TIERS)}")
    when = _day(at)
    prices = prices_of(model, at=when, prompt_tokens=prompt_tokens, tier=Tier(_TIERS[tier], geo or None))
    if isinstance(prices, Unknown):
        raise InputError(f"unknown: {prices.why}", hint=_hint(model))
    profile = profile_of(model)
    name = profile.model if isinstance(profile, Profile) else model
    if as_json:
        print(json.dumps(_as_json(name, when, prices, tier, geo), indent=2))
        return
    offered = (f"cache_write_{ttl}" for ttl in profile.ttls) if isinstance(profile, Profile) else ()
    _print(f"{name} on {when.date()} ({tier}{', ' + geo if geo else ''})", prices, {*offered})


def _day(text: str) -> datetime:
    if not text:
        return datetime.now(UTC)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is no date", hint="write it as 2026-11-22") from None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _hint(model: str) -> str | None:
    near = get_close_matches(model.lower(), known_models(), n=3)
    return f"did you mean {', '.join(near)}?" if near else None


def _per_mtok(rate: Rate | Unknown) -> str | None:
    return None if isinstance(rate, Unknown) else str(usd(Picodollars(rate * 1_000_000)))


def _as_json(name: str, when: datetime, prices: Prices, tier: str, geo: str) -> dict[str, Any]:
    rates = {bucket: getattr(prices, bucket) for bucket, _ in _BUCKETS}
    return {
        "model": name,
        "at": when.date().isoformat(),
        "tier": tier,
        "geo": geo or None,
        "usd_per_mtok": {bucket: _per_mtok(rate) for bucket, rate in rates.items()},
        "unknown": {bucket: rate.why for bucket, rate in rates.items() if isinstance(rate, Unknown)},
        "effective": prices.effective.isoformat() if prices.effective else None,
        "source": prices.source,
        "price_table": TABLE_VERSION,
    }


def _print(title: str, prices: Prices, offered: set[str]) -> None:
    """A table with the lifetimes that the model offers; a provider without a write fee has none."""
    table = Table("", "USD per million tokens", title=title, title_justify="left")
    table.columns[1].justify = "right"
    for bucket, label in _BUCKETS:
        if not bucket.startswith("cache_write") or bucket in offered:
            table.add_row(label, _per_mtok(getattr(prices, bucket)) or "unknown")
    console = Console(highlight=False)
    console.print(table)
    if prices.effective:
        console.print(f"effective from {prices.effective}")
    console.print(f"source: {prices.source}")
    console.print(f"price table: {TABLE_VERSION}")

"""The pricing cases of a file, and its price table against ours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from penstock.cachemodel.cases.fields import CaseError, Fields
from penstock.cachemodel.cases.run import ABOUT, Mismatch, Outcome, compare_cost, unrunnable
from penstock.models.prices import price_call, prices_of
from penstock.models.tiers import Processing, Tier
from penstock.money import Picodollars, Rate, usd
from penstock.unknown import Unknown
from penstock.wire.usage import Usage

_PATTERNS: tuple[tuple[str, str], ...] = (
    ("geo", r"inference_geo\s*[=:]\s*(\w+)"),
    ("geo", r"\b(?:regional(?: processing)?|region\s*[=:]\s*(\w+))"),
    ("speed", r"(?:speed|service_tier)\s*[=:]\s*(fast|priority|standard|default|auto|flex|batch)"),
    ("speed", r"\b(batch|flex|fast|priority|standard)\b(?: mode| api| tier)?"),
    ("before", r"\bbefore\s+(\d{4}-\d\d-\d\d)"),
    ("date", r"(?:\b(?:on|at|as_of|date)\s*[=:]?\s*)?(\d{4}-\d\d-\d\d)"),
    # which prices these choose is read from the usage itself
    ("note", r"(?:prompt|input|total)?\s*(?:tokens)?\s*(?:[<>]=?|over|above|under|up to|of)\s*[\d,_]+k?"),
    ("note", r"(?:prompt_cache_options\.)?ttl\s*[=:]\s*\w+"),
    (
        "note",
        r"\b(?:none|(?:long|short)[- ]context|\w+[- ](?:write|read)s?|cached|stacked|(?:input |prompt )?tokens)\b",
    ),
)
_TIERS: Mapping[str, Processing] = {"batch": "batch", "flex": "flex", "fast": "fast", "priority": "fast"}
_BUCKETS = {
    "input_uncached": ("uncached_input", "input_tokens"),
    "cache_read": ("cached", "cache_read", "cache_read_input_tokens"),
    "cache_write_5m": ("cache_write_5m",),
    "cache_write_1h": ("cache_write_1h",),
    "cache_write_30m": ("cache_write", "cache_write_30m"),
    "cache_write_12h": ("cache_write_12h",),
    "output": ("output_tokens", "output"),
    "output_reasoning": ("reasoning_tokens",),
    "web_searches": ("web_search_requests", "web_searches"),
}
_COLUMNS = {
    "input": "input",
    "cache_read": "cache_read",
    "cached_input": "cache_read",
    "cache_write_5m": "cache_write_5m",
    "cache_write_1h": "cache_write_1h",
    "cache_write_30m": "cache_write_30m",
    "cache_write_12h": "cache_write_12h",
    "output": "output",
}


def run_pricing_case(case: Any, number: int, at: datetime) -> Outcome:
    """One pricing case: usage and modifier to dollars; ``at`` is its date unless it names one."""
    fields = case if isinstance(case, Mapping) else {}
    name, title = str(fields.get("id", f"pricing case {number}")), str(fields.get("formula", ""))
    try:
        return Outcome(name, title, tuple(_run(Fields(case, "pricing case"), at)))
    except CaseError as error:
        return unrunnable(name, title, str(error))


def _run(case: Fields, at: datetime) -> list[Mismatch]:
    model = case.text("model") or ""
    usage = usage_of(Fields(case.take("usage"), "usage"))
    tier, when = modifier_of(case.take("modifier", "modifiers"), at)
    wanted = case.take("cost_usd", "input_side_cost_usd")
    given = case.text("as_of", "at", "date")
    if given is not None:
        when = date_of(given)
    case.finish("id", "formula", *ABOUT)
    if wanted is None:
        raise CaseError("the case expects no cost")
    return compare_cost("cost", "cost_usd", wanted, price_call(model, usage, at=when, tier=tier))


def usage_of(fields: Fields) -> Usage:
    """A case's usage in our buckets; a total that includes cached parts is taken apart."""
    buckets = {ours: fields.count(*theirs) for ours, theirs in _BUCKETS.items()}
    total = fields.count("total_input_tokens", "prompt_tokens")
    fields.finish()
    counts = {ours: count for ours, count in buckets.items() if count is not None}
    if total is not None and "input_uncached" not in counts:
        parts = ("cache_read", "cache_write_5m", "cache_write_1h", "cache_write_30m", "cache_write_12h")
        counts["input_uncached"] = total - sum(counts.get(part, 0) for part in parts)
    return msgspec.convert({"input_uncached": 0, **counts}, Usage)


def modifier_of(value: Any, at: datetime) -> tuple[Tier, datetime]:
    """Tier and date of a pricing case's modifier, such as ``batch``, ``speed=fast`` or ``prompt > 100,000``.

    Raises:
        CaseError: when a part of it has no meaning that we know.
    """
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value or "")
    rest, geo, when = text.lower(), None, at
    processing: Processing = "standard"
    for kind, pattern in _PATTERNS:
        for match in re.finditer(pattern, rest):
            found = match.group(1) if match.groups() else None
            if kind == "geo":
                geo = found or "regional"
            elif kind == "speed":
                processing = _TIERS.get(found or "", processing)
            elif kind in ("date", "before"):
                when = date_of(found or "") - timedelta(days=kind == "before")
        rest = re.sub(pattern, " ", rest)
    if re.search(r"\w", re.sub(r"\b(?:and|with|plus|price|on|at|the)\b", " ", rest)):
        raise CaseError(f"no rule for the modifier {text!r}")
    return Tier(processing, geo), when


def date_of(text: str) -> datetime:
    """The start of a day (UTC) from its ISO form; CaseError on anything else."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise CaseError(f"{text!r} is no date") from None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def table_differences(table: Any, at: datetime) -> list[str]:
    """Where a file's ``price_table_usd_per_mtok`` says otherwise than ours on that date, one line each."""
    differences: list[str] = []
    for models in table.values() if isinstance(table, Mapping) else ():
        for model, row in models.items() if isinstance(models, Mapping) else ():
            if isinstance(row, Mapping):
                differences += _row_differences(str(model), row, 1, at)
                for name, inner in row.items():
                    band = re.fullmatch(r"above_(\d+)_prompt_tokens", str(name))
                    if band and isinstance(inner, Mapping):
                        differences += _row_differences(str(model), inner, int(band.group(1)) + 1, at)
    return differences


def _row_differences(model: str, row: Mapping[str, Any], tokens: int, at: datetime) -> list[str]:
    prices = prices_of(model, at=at, prompt_tokens=tokens)
    if isinstance(prices, Unknown):
        return [f"{model}: {prices.why}"]
    differences = []
    for column, ours in _COLUMNS.items():
        if row.get(column) is None:
            continue
        rate: Rate | Unknown = getattr(prices, ours)
        per_mtok = rate if isinstance(rate, Unknown) else Picodollars(rate * 1_000_000)
        if compare_cost("", "", row[column], per_mtok):
            known = "unknown" if isinstance(per_mtok, Unknown) else str(usd(per_mtok))
            where = f"{model} above {tokens - 1:,} prompt tokens" if tokens > 1 else model
            differences.append(f"{where}: {column} is {row[column]} in the file and {known} in our table")
    return differences

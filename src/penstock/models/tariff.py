"""How a model's price list of a day is put together: base, our own row, processing tier, region.

Rules (provider-semantics 1.7 and 2.6):

    batch            half of every category on Anthropic; on OpenAI the batch table, whose missing cached price stays
                     missing (gpt-4o, gpt-4.1, o-series)
    flex, fast       the tier's own table; a model without one has no such price
    before a table   the base keeps each tier table from the day it was checked on; for earlier days the table's ratio
                     to the standard list is applied to the standard list of the day
    long prompts     a tier table without a long-context band says nothing about long prompts of a model that has one
    region           a factor on every category of models that offer it; a region on another Claude model is a 400
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from fractions import Fraction

import msgspec

from penstock.models import base
from penstock.models.base import Bands, Rates
from penstock.models.entries import Entry
from penstock.models.overrides import TABLE, bands_of
from penstock.unknown import Unknown

_SHORT_WRITE = {"anthropic": "cache_write_5m", "openai": "cache_write_30m"}
_NO_REGION = (None, "", "global", "not_available")
_VARIANTS = {
    ("openai", "batch"): ("processing", "batch"),
    ("openai", "flex"): ("service_tier", "flex"),
    ("openai", "fast"): ("service_tier", "fast"),
    ("anthropic", "fast"): ("speed", "fast"),
}


class Tariff(msgspec.Struct, frozen=True, kw_only=True):
    """One model's price list on one day, for one tier and region.

    Attributes:
        model: canonical id.
        processing: the tier.
        bands: thresholds, ascending from -1, and the rates of prompts above them: categories to picodollars per token
            with the write categories named by lifetime. Unknown where the tier publishes nothing for such prompts.
        source: where the numbers come from.
        since: the first day on which they hold, or None.
    """

    model: str
    processing: str
    bands: tuple[tuple[int, Rates | Unknown], ...]
    source: str
    since: date | None

    def why_absent(self, category: str) -> str:
        """Why a category has no price, as a clause."""
        tier = "" if self.processing == "standard" else f"{self.processing} "
        return f"{self.model} has no published {tier}price for {category}"


def tariff_of(entry: Entry, day: date, processing: str, geo: str | None) -> Tariff | Unknown:
    """The price list of a model on a day, or why there is none."""
    if entry.released is not None and day < entry.released:
        return Unknown(f"{entry.id} is on sale from {entry.released} only")
    row = TABLE.row_of(entry.id, day)
    standard = _base_list(entry, day)
    source = TABLE.table["base"]
    if row is not None:
        standard = bands_of(row, standard)
        source = row.source if not row.patch else f"{source}; {row.source}"
    if standard is None:
        return Unknown(f"no price for {entry.id} on {day}")
    bands = _processed(entry, day, processing, standard)
    if isinstance(bands, Unknown):
        return bands
    regional = _regional(entry, geo, bands)
    if isinstance(regional, Unknown):
        return regional
    return Tariff(
        model=entry.id,
        processing=processing,
        bands=regional,
        source=source,
        since=_since(entry, day, standard),
    )


def _since(entry: Entry, day: date, standard: Bands) -> date | None:
    starts = (entry.released, standard.since, TABLE.last_end(entry.id, day))
    return max((start for start in starts if start is not None), default=None)


def _base_list(entry: Entry, day: date) -> Bands | None:
    found = base.standard_prices(entry.provider, entry.price_id or entry.id, day)
    return _named(entry, found) if found else None


def _named(entry: Entry, bands: Bands) -> Bands:
    """The base's ``cache_write`` under the name of the provider's short lifetime."""
    short = _SHORT_WRITE[entry.provider]
    return Bands(
        tuple(
            (above, {short if category == "cache_write" else category: rate for category, rate in rates.items()})
            for above, rates in bands.rates
        ),
        bands.since,
    )


def _processed(
    entry: Entry, day: date, processing: str, standard: Bands
) -> tuple[tuple[int, Rates | Unknown], ...] | Unknown:
    if processing == "standard":
        return standard.rates
    if processing == "fast" and entry.fast_until is not None and day >= entry.fast_until:
        return Unknown(f"{entry.id} has no fast mode from {entry.fast_until}")
    factor = TABLE.factor(entry.provider, processing)
    if factor is not None and (entry.provider == "anthropic" or TABLE.has_rows(entry.id)):
        return tuple((above, _scaled(rates, factor)) for above, rates in standard.rates)
    key = _VARIANTS.get((entry.provider, processing))
    found = base.variant_prices(entry.provider, entry.price_id or entry.id, *key) if key else None
    if found is None:
        return Unknown(f"{entry.id} has no published {processing} price")
    return tuple(
        (above, _of_variant(entry, _named(entry, found), above, day, standard.at(above + 1)))
        for above, _ in standard.rates
    )


def _of_variant(entry: Entry, variant: Bands, above: int, day: date, standard: Rates) -> Rates | Unknown:
    if above not in {threshold for threshold, _ in variant.rates}:
        return Unknown(f"{entry.id} has no published price of this tier for prompts over {above:,} tokens")
    listed = variant.at(above + 1)
    ratios = _ratios(entry, variant, above)
    rates = {"web_search": standard["web_search"]} if "web_search" in standard else {}
    for category, rate in listed.items():
        if variant.since is None or day >= variant.since:
            rates[category] = rate
        elif category in standard and category in ratios:
            rates[category] = standard[category] * ratios[category]
    if "cache_write_12h" in standard:
        rates["cache_write_12h"] = standard["cache_write_12h"] * ratios["input"]
    return rates


def _ratios(entry: Entry, variant: Bands, above: int) -> Mapping[str, Fraction]:
    """What the tier charges per standard price, on the day that its table was checked."""
    listed = variant.at(above + 1)
    then = _base_list(entry, variant.since or date.max)
    if then is None:
        return {}
    standard = then.at(above + 1)
    return {category: rate / standard[category] for category, rate in listed.items() if category in standard}


def _regional(
    entry: Entry, geo: str | None, bands: tuple[tuple[int, Rates | Unknown], ...]
) -> tuple[tuple[int, Rates | Unknown], ...] | Unknown:
    if geo in _NO_REGION:
        return bands
    if entry.provider == "anthropic" and (geo != "us" or entry.geo_factor is None):
        return Unknown(f"{entry.id} has no published price for inference in {geo!r}")
    if entry.geo_factor is None:
        return bands
    factor = Fraction(entry.geo_factor)
    return tuple((above, rates if isinstance(rates, Unknown) else _scaled(rates, factor)) for above, rates in bands)


def _scaled(rates: Rates, factor: Fraction) -> Rates:
    """Every token price times a factor; searches are not priced by token."""
    return {category: rate if category == "web_search" else rate * factor for category, rate in rates.items()}

"""Our own dated price rows (``data/prices.toml``) and the rules that apply to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import Any

import msgspec

from penstock.models.base import Bands, Rates, pico_per_token
from penstock.models.entries import read_data

_INPUT_SIDE = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "cache_write_30m", "cache_write_12h")


class Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One row of the file; see its head for the meaning. ``since`` is ``from`` in the file."""

    model: str
    source: str
    since: date | None = msgspec.field(name="from", default=None)
    until: date | None = None
    patch: bool = False
    long_context: bool = False
    input: str | None = None
    cache_read: str | None = None
    cache_write_5m: str | None = None
    cache_write_1h: str | None = None
    cache_write_30m: str | None = None
    cache_write_12h: str | None = None
    cache_write_12h_per_input: str | None = None
    output: str | None = None
    web_search: str | None = None

    def holds(self, day: date) -> bool:
        """Whether the row is in force on a day."""
        return (self.since is None or self.since <= day) and (self.until is None or day < self.until)

    def rates(self) -> Rates:
        """The prices that the row names."""
        named = {category: getattr(self, category) for category in (*_INPUT_SIDE, "output", "web_search")}
        return {category: pico_per_token(price) for category, price in named.items() if price is not None}


class LongContext(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a prompt of more than ``above`` tokens multiplies its whole request by."""

    above: int
    input_side: str
    output: str


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    table: Mapping[str, str]
    long_context: LongContext
    processing: Mapping[str, Mapping[str, str]]
    price: Sequence[Row]

    def row_of(self, model: str, day: date) -> Row | None:
        """The row of a model on a day: of several, the one with the latest start."""
        holding = [row for row in self.price if row.model == model and row.holds(day)]
        return max(holding, key=lambda row: row.since or date.min, default=None)

    def last_end(self, model: str, day: date) -> date | None:
        """The latest day up to ``day`` on which one of the model's rows ceased to hold: the price changed then too."""
        ends = (row.until for row in self.price if row.model == model and row.until is not None and row.until <= day)
        return max(ends, default=None)

    def has_rows(self, model: str) -> bool:
        """Whether the file has a whole price list for a model, on whatever day."""
        return any(row.model == model and not row.patch for row in self.price)

    def factor(self, provider: str, processing: str) -> Fraction | None:
        """What a processing tier multiplies every price by, or None where no such rule exists."""
        factor = self.processing.get(provider, {}).get(processing)
        return Fraction(factor) if factor is not None else None


def read_table(data: Mapping[str, Any]) -> Table:
    """A decoded price file; msgspec.ValidationError on a key that is not known or of the wrong type."""
    return msgspec.convert(data, Table)


TABLE = read_table(read_data("prices.toml"))
"""The rows that ship with this version of Penstock."""


def bands_of(row: Row, base: Bands | None) -> Bands:
    """A row as a price list: a patch over the base's, or a list of its own with the long-context band if it has one."""
    own = row.rates()
    if row.patch and base is not None:
        bands = [(above, _with_ratio(row, {**rates, **own})) for above, rates in base.rates]
        return Bands(tuple(bands), row.since)
    bands = [(-1, _with_ratio(row, own))]
    if row.long_context:
        bands.append((TABLE.long_context.above, _long(bands[0][1])))
    return Bands(tuple(bands), row.since)


def _with_ratio(row: Row, rates: Rates) -> Rates:
    if row.cache_write_12h_per_input is None:
        return rates
    return {**rates, "cache_write_12h": rates["input"] * Fraction(row.cache_write_12h_per_input)}


def _long(rates: Rates) -> Rates:
    rule = TABLE.long_context
    factors = dict.fromkeys(_INPUT_SIDE, Fraction(rule.input_side)) | {"output": Fraction(rule.output)}
    return {category: rate * factors.get(category, Fraction(1)) for category, rate in rates.items()}

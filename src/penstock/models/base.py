"""The price base: genai-prices, read as exact rates per token.

The package embeds its table; nothing is fetched, and its updater is not used. It is imported at the first price look-up
because it is large and most of Penstock never asks for a price.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, ModelPrice

_CATEGORIES = {
    "input_mtok": "input",
    "cache_read_mtok": "cache_read",
    "cache_write_mtok": "cache_write",
    "cache_write_1h_mtok": "cache_write_1h",
    "output_mtok": "output",
}

Rates = Mapping[str, Fraction]
"""Category to picodollars per token: ``input``, ``cache_read``, ``cache_write`` (the provider's short lifetime),
``cache_write_1h``, ``output``, and ``web_search`` in picodollars per search. A category without a price is absent."""


class Bands(msgspec.Struct, frozen=True):
    """A price list that may depend on the length of the prompt.

    Attributes:
        rates: thresholds with the rates above them, ascending; the first threshold is -1. A request is priced as a
            whole by the last threshold that its prompt tokens exceed.
        since: the first day on which the list holds, or None where the base does not say.
    """

    rates: tuple[tuple[int, Rates], ...]
    since: date | None = None

    def at(self, prompt_tokens: int) -> Rates:
        """The rates of a prompt of that many tokens."""
        chosen = self.rates[0][1]
        for above, rates in self.rates[1:]:
            if prompt_tokens > above:
                chosen = rates
        return chosen


@lru_cache(maxsize=4096)
def standard_prices(provider: str, model: str, day: date) -> Bands | None:
    """The standard price list of a model on a day (UTC), or None where the base has no such model."""
    found = _model(provider, model)
    if found is None:
        return None
    return Bands(_bands(found.get_prices(_noon(day))), _since(found, day))


@lru_cache(maxsize=4096)
def variant_prices(provider: str, model: str, key: str, value: str) -> Bands | None:
    """The newest prices of a request variant, holding only the categories that the variant lists; None without one.

    Args:
        provider: ``openai`` or ``anthropic``.
        model: canonical id.
        key: what selects the variant: ``processing``, ``service_tier`` or ``speed``.
        value: its value, for example ``batch``.
    """
    found = _model(provider, model)
    for variant in (found.price_variants or ()) if found else ():
        if variant.when == {key: value}:
            since = getattr(variant.constraint, "start_date", None)
            return Bands(_bands(variant.prices), since)
    return None


def _model(provider: str, model: str) -> ModelInfo | None:
    from genai_prices.data import providers  # noqa: PLC0415 - large; see the module's docstring

    source = next(candidate for candidate in providers if candidate.id == provider)
    return next((candidate for candidate in source.models if candidate.is_match(model)), None)


def _bands(price: ModelPrice) -> tuple[tuple[int, Rates], ...]:
    listed: dict[str, Any] = {
        ours: value for theirs, ours in _CATEGORIES.items() if (value := getattr(price, theirs, None)) is not None
    }
    searches = getattr(price, "web_searches_kcount", None)
    thresholds = sorted({tier.start for value in listed.values() for tier in getattr(value, "tiers", ())})
    bands = []
    for above in (-1, *thresholds):
        rates = {category: pico_per_token(_tier(value, above)) for category, value in listed.items()}
        if searches is not None:
            # the base counts searches in thousands: a thousandth of a million
            rates["web_search"] = pico_per_token(_tier(searches, above)) * 1000
        bands.append((above, rates))
    return tuple(bands)


def _tier(value: Any, above: int) -> Decimal:
    if isinstance(value, Decimal):
        return value
    price: Decimal = value.base
    for tier in value.tiers:
        if tier.start <= above:
            price = tier.price
    return price


def _since(model: ModelInfo, day: date) -> date | None:
    if not isinstance(model.prices, list):
        return None
    starts = [getattr(conditional.constraint, "start_date", None) for conditional in model.prices]
    return max((start for start in starts if start is not None and start <= day), default=None)


def pico_per_token(usd_per_mtok: Decimal | str) -> Fraction:
    """A list price in USD per million tokens as picodollars per token."""
    return Fraction(usd_per_mtok) * 1_000_000


def _noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)

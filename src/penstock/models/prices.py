"""What a call costs: dated prices by model, tier, region and prompt length, exact to the picodollar.

The price of a request is found in this order: our own dated row, else the base's standard list of that day; then the
processing tier; then the region; then the band that the whole prompt falls in. Whatever is not published is Unknown
with a reason, never 0 and never a neighbour's price.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import lru_cache

import msgspec

from penstock.models.entries import ENTRIES
from penstock.models.names import resolve
from penstock.models.overrides import TABLE
from penstock.models.tariff import Tariff, tariff_of
from penstock.models.tiers import STANDARD, Tier, tier_of
from penstock.money import Picodollars, Rate
from penstock.unknown import Unknown
from penstock.wire.usage import Usage

__all__ = ["STANDARD", "TABLE_VERSION", "Prices", "Tier", "cost_of", "price_call", "prices_of", "tier_of"]

TABLE_VERSION = f"{TABLE.table['base']} + penstock {TABLE.table['version']}"
"""Which price table produced a figure; every report names it."""


class Prices(msgspec.Struct, frozen=True, kw_only=True):
    """The prices of one request, in picodollars per token, by usage bucket.

    Attributes:
        input: plain prompt tokens.
        cache_read: prompt tokens read from a cache.
        cache_write_5m: and the next three: prompt tokens written for that lifetime.
        output: generated tokens, reasoning included.
        web_search: one server-side search, in picodollars.
        source: where the prices come from.
        effective: the first day on which they hold, or None where the source does not say.
    """

    input: Rate | Unknown
    cache_read: Rate | Unknown
    cache_write_5m: Rate | Unknown
    cache_write_1h: Rate | Unknown
    cache_write_30m: Rate | Unknown
    cache_write_12h: Rate | Unknown
    output: Rate | Unknown
    web_search: Picodollars | Unknown
    source: str
    effective: date | None


def prices_of(model: str, *, at: datetime, prompt_tokens: int, tier: Tier = STANDARD) -> Prices | Unknown:
    """The prices of a request.

    Args:
        model: the model that answered, in any spelling that ``names.resolve`` knows.
        at: when the request started; a naive time is UTC. Prices change at midnight UTC.
        prompt_tokens: the whole prompt, cached parts included: long prompts have other prices on some models.
        tier: processing and region, as the response reports them.
    """
    day = (at.astimezone(UTC) if at.tzinfo is not None else at).date()
    return prices_on(model, day, prompt_tokens=prompt_tokens, tier=tier)


def day_of(at: float) -> date:
    """The day (UTC) of an instant, seconds since the epoch."""
    return date.fromordinal(_EPOCH + int(at // 86_400.0))


_EPOCH = date(1970, 1, 1).toordinal()


def prices_on(model: str, day: date, *, prompt_tokens: int, tier: Tier = STANDARD) -> Prices | Unknown:
    """The prices of a request on a day (UTC); see ``prices_of`` for the other arguments."""
    card = _card(model, day, tier)
    if isinstance(card, Unknown):
        return card
    chosen = card[0][1]
    for above, prices in card[1:]:
        if prompt_tokens > above:
            chosen = prices
    return chosen


def cost_of(usage: Usage, prices: Prices) -> Picodollars | Unknown:
    """What a usage costs; Unknown only if a bucket that holds something has no price."""
    total = 0
    for count, rate in (
        (usage.input_uncached, prices.input),
        (usage.cache_read, prices.cache_read),
        (usage.cache_write_5m, prices.cache_write_5m),
        (usage.cache_write_1h, prices.cache_write_1h),
        (usage.cache_write_30m, prices.cache_write_30m),
        (usage.cache_write_12h, prices.cache_write_12h),
        (usage.output, prices.output),
        (usage.web_searches, prices.web_search),
    ):
        if count:
            if isinstance(rate, Unknown):
                return rate
            total += count * rate
    return Picodollars(total)


def price_call(model: str, usage: Usage, *, at: datetime, tier: Tier = STANDARD) -> Picodollars | Unknown:
    """What a call cost, from its usage; see ``prices_of`` for the arguments."""
    prices = prices_of(model, at=at, prompt_tokens=usage.input_total, tier=tier)
    if isinstance(prices, Unknown):
        return prices
    return cost_of(usage, prices)


@lru_cache(maxsize=8192)
def _card(model: str, day: date, tier: Tier) -> tuple[tuple[int, Prices | Unknown], ...] | Unknown:
    """Thresholds and the prices above them, ascending, for one model on one day."""
    name = resolve(model)
    if name is None:
        return Unknown(f"no price for model {model!r}")
    if name.tuned:
        return Unknown(f"no price for a fine-tuned {name.model}")
    tariff = tariff_of(ENTRIES[name.model], day, tier.processing, tier.geo)
    if isinstance(tariff, Unknown):
        return tariff
    return tuple((above, _prices(tariff, index)) for index, (above, _) in enumerate(tariff.bands))


def _prices(tariff: Tariff, index: int) -> Prices | Unknown:
    rates = tariff.bands[index][1]
    if isinstance(rates, Unknown):
        return rates

    def rate(category: str) -> Rate | Unknown:
        value = rates.get(category)
        if value is None:
            return Unknown(tariff.why_absent(category))
        if value.denominator != 1:
            return Unknown(f"the {category} price of {tariff.model} is finer than a picodollar per token")
        return Rate(value.numerator)

    search = rate("web_search")
    return Prices(
        input=rate("input"),
        cache_read=rate("cache_read"),
        cache_write_5m=rate("cache_write_5m"),
        cache_write_1h=rate("cache_write_1h"),
        cache_write_30m=rate("cache_write_30m"),
        cache_write_12h=rate("cache_write_12h"),
        output=rate("output"),
        web_search=search if isinstance(search, Unknown) else Picodollars(search),
        source=tariff.source,
        effective=tariff.since,
    )

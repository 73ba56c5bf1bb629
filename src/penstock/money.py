"""Exact money: integers of a picodollar inside, Decimal at the edge.

One picodollar is 1e-12 US dollars. A price of 1 USD per million tokens is 1_000_000 picodollars per token, so every
published price with up to six decimals per million tokens is a whole number, and so is its product with a count.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NewType

Picodollars = NewType("Picodollars", int)
"""An amount of money, in 1e-12 USD. Negative amounts are losses."""

Rate = NewType("Rate", int)
"""A price of one token, in picodollars per token."""

PICO_PER_USD = 1_000_000_000_000
ZERO = Picodollars(0)


def rate_from_usd_per_mtok(usd: Decimal | str) -> Rate:
    """A list price in USD per million tokens as picodollars per token; ValueError if that is not whole."""
    pico = Decimal(usd) * 1_000_000
    if pico != pico.to_integral_value():
        raise ValueError(f"{usd} USD per million tokens is finer than a picodollar per token")
    return Rate(int(pico))


def usd(amount: Picodollars) -> Decimal:
    """The exact amount in USD, without trailing zeros."""
    value = (Decimal(amount) / PICO_PER_USD).normalize()
    return value.quantize(Decimal(1)) if value == value.to_integral_value() else value


def exact_usd(amount: Picodollars) -> str:
    """The exact amount in USD as text, without an exponent or trailing zeros."""
    whole, rest = divmod(abs(amount), PICO_PER_USD)
    sign = "-" if amount < 0 else ""
    return f"{sign}{whole}.{rest:012d}".rstrip("0") if rest else f"{sign}{whole}"


def from_usd(amount: Decimal | str) -> Picodollars:
    """USD as picodollars, rounded half to even below one picodollar."""
    return Picodollars(int((Decimal(amount) * PICO_PER_USD).to_integral_value()))


def format_usd(amount: Picodollars | None) -> str:
    """For people: ``$1,234.56``, four digits below a dollar, ``unknown`` for None."""
    if amount is None:
        return "unknown"
    value = Decimal(amount) / PICO_PER_USD
    sign = "-" if value < 0 else ""
    value = abs(value)
    if value == 0:
        return "$0"
    if value >= 1:
        return f"{sign}${value:,.2f}"
    digits = 4 if value >= Decimal("0.001") else 8
    return f"{sign}${value:.{digits}f}"

"""The expected price of one request, bucket by bucket, with the basis of its figures."""

from __future__ import annotations

from typing import Any

import msgspec

from penstock.cachemodel.admission import Admission
from penstock.engine.facts import Facts
from penstock.models.prices import Prices, cost_of
from penstock.money import Picodollars, Rate, format_usd
from penstock.unknown import Unknown
from penstock.wire.usage import Basis, Usage
from penstock.wire.view import View


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """What a request is expected to use and to cost.

    Attributes:
        model: the model that it names.
        usage: expected buckets; ``output`` is 0 when no length is known.
        prices: of the model.
        output_known: whether the price covers the answer too, or the prompt alone.
        basis: ``derived`` when the cache model foresaw the split, ``estimated`` when the prompt is taken as uncached.
    """

    model: str
    usage: Usage
    prices: Prices | Unknown
    output_known: bool
    basis: Basis

    @property
    def price(self) -> Picodollars | Unknown:
        """The usage at the prices."""
        return self.prices if isinstance(self.prices, Unknown) else cost_of(self.usage, self.prices)

    @property
    def covers(self) -> str:
        """What the price is of."""
        return "prompt and answer" if self.output_known else "prompt only"

    def arithmetic(self) -> str:
        """The sum in one line: ``12,000 read x $0.20/M + 345 plain x $4/M = $0.0038``."""
        if isinstance(self.prices, Unknown):
            return f"unknown ({self.prices.why})"
        buckets = [bucket for bucket in _buckets(self.usage, self.prices) if bucket[1]]
        parts = [f"{tokens:,} {name} x {_per_million(rate)}" for name, tokens, rate in buckets]
        price = self.price
        total = f"unknown ({price.why})" if isinstance(price, Unknown) else format_usd(price)
        return f"{' + '.join(parts) or 'nothing'} = {total}"

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values; the price in picodollars, null when unknown."""
        price = self.price
        return {
            "model": self.model,
            "price": None if isinstance(price, Unknown) else int(price),
            "covers": self.covers,
            "basis": self.basis.value,
            "tokens": {
                "plain": self.usage.input_uncached,
                "read": self.usage.cache_read,
                "write_5m": self.usage.cache_write_5m,
                "write_1h": self.usage.cache_write_1h,
                "write_30m": self.usage.cache_write_30m,
                "write_12h": self.usage.cache_write_12h,
                "output": self.usage.output if self.output_known else None,
            },
        }


def quote(view: View, facts: Facts, expected_output: int | Unknown) -> Quote:
    """The plain estimate: the whole prompt at the uncached price, and the answer when a length is known.

    Args:
        view: the request.
        facts: counted for that very view.
        expected_output: mean billed output, or Unknown.
    """
    known = not isinstance(expected_output, Unknown)
    usage = Usage(
        input_uncached=facts.input_tokens,
        output=expected_output if not isinstance(expected_output, Unknown) else 0,
        basis=Basis.ESTIMATED,
    )
    return Quote(model=view.model, usage=usage, prices=facts.prices, output_known=known, basis=Basis.ESTIMATED)


def foreseen_quote(model: str, admission: Admission, prices: Prices | Unknown, expected_output: int | Unknown) -> Quote:
    """The price of the split that the cache model foresees."""
    known = not isinstance(expected_output, Unknown)
    usage = admission.usage(0 if isinstance(expected_output, Unknown) else expected_output)
    return Quote(model=model, usage=usage, prices=prices, output_known=known, basis=Basis.DERIVED)


def _buckets(usage: Usage, prices: Prices) -> list[tuple[str, int, Rate | Unknown]]:
    return [
        ("read", usage.cache_read, prices.cache_read),
        ("written for 5m", usage.cache_write_5m, prices.cache_write_5m),
        ("written for 1h", usage.cache_write_1h, prices.cache_write_1h),
        ("written for 30m", usage.cache_write_30m, prices.cache_write_30m),
        ("written for 12h", usage.cache_write_12h, prices.cache_write_12h),
        ("plain", usage.input_uncached, prices.input),
        ("output", usage.output, prices.output),
    ]


def _per_million(rate: Rate | Unknown) -> str:
    if isinstance(rate, Unknown):
        return "unknown"
    return f"${rate / 1_000_000:g}/M"

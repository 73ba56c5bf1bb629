from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.money import PICO_PER_USD, ZERO, Picodollars, format_usd, from_usd, rate_from_usd_per_mtok, usd


@pytest.mark.parametrize(("price", "rate"), [("1", 1_000_000), ("0.025", 25_000), ("0.000001", 1), ("0", 0)])
def test_a_price_per_million_tokens_is_a_whole_rate(price: str, rate: int) -> None:
    assert rate_from_usd_per_mtok(price) == rate
    assert rate_from_usd_per_mtok(Decimal(price)) == rate


def test_a_price_finer_than_a_picodollar_per_token_is_refused() -> None:
    with pytest.raises(ValueError, match="finer"):
        rate_from_usd_per_mtok("0.0000001")


@given(st.integers(-(10**20), 10**20))
def test_amounts_survive_the_way_to_dollars_and_back(amount: int) -> None:
    assert from_usd(usd(Picodollars(amount))) == amount


@given(st.decimals(min_value=0, max_value=10**6, places=6), st.integers(0, 10**7))
def test_a_rate_times_a_count_is_the_exact_price(price: Decimal, tokens: int) -> None:
    assert usd(Picodollars(rate_from_usd_per_mtok(price) * tokens)) == price * tokens / 1_000_000


def test_amounts_in_dollars_have_no_trailing_zeros_and_no_exponent() -> None:
    assert str(usd(Picodollars(1_500_000_000_000))) == "1.5"
    assert str(usd(Picodollars(100 * PICO_PER_USD))) == "100"
    assert str(usd(ZERO)) == "0"


def test_fractions_of_a_picodollar_round_half_to_even() -> None:
    assert from_usd("0.0000000000005") == 0
    assert from_usd("0.0000000000015") == 2


@pytest.mark.parametrize(
    ("dollars", "text"),
    [
        ("1234.5678", "$1,234.57"),
        ("1", "$1.00"),
        ("0.1234567", "$0.1235"),
        ("0.001", "$0.0010"),
        ("0.00001234", "$0.00001234"),
        ("0", "$0"),
        ("-2.5", "-$2.50"),
        ("-0.5", "-$0.5000"),
    ],
)
def test_amounts_for_people(dollars: str, text: str) -> None:
    assert format_usd(from_usd(dollars)) == text


def test_an_unknown_amount_says_so() -> None:
    assert format_usd(None) == "unknown"

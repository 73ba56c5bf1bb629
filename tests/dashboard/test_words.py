from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.dashboard.words import counted, dollars, moment, took
from penstock.money import Picodollars, usd


@given(st.integers(-(10**18), 10**18).map(Picodollars))
def test_an_amount_is_said_to_its_last_digit(amount: Picodollars) -> None:
    text = "".join(dollars(amount))
    assert Decimal(text.replace("$", "").replace(",", "")) == usd(amount)


@pytest.mark.parametrize(
    ("amount", "pieces"),
    [
        (0, ("$0.00", "")),
        (1_234_567_890_123_456, ("$1,234.56", "7890123456")),
        (12_500_000_000_000, ("$12.50", "")),
        (-14_060_000_000, ("-$0.0140", "6")),
        (198_270_000, ("$0.00019827", "")),
        (7, ("$0.00000000", "0007")),
    ],
)
def test_what_the_eye_needs_comes_first(amount: int, pieces: tuple[str, str]) -> None:
    assert dollars(amount) == pieces


def test_times_and_counts_read_as_words() -> None:
    assert moment(1_795_251_634.9) == "2026-11-21 09:00:34"
    assert (took(None), took(12.3), took(1500.0)) == ("unknown", "12 ms", "1.50 s")
    assert (counted(1, "call"), counted(2000, "call"), counted(0, "entry", "entries")) == (
        "1 call",
        "2,000 calls",
        "0 entries",
    )

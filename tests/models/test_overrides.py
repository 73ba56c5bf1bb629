from __future__ import annotations

from datetime import date
from fractions import Fraction

import msgspec
import pytest

from penstock.models.base import Bands
from penstock.models.entries import ENTRIES, read_data
from penstock.models.overrides import TABLE, Row, bands_of, read_table


def test_a_row_holds_from_its_first_day_until_the_day_before_its_last() -> None:
    row = Row(model="m", source="s", since=date(2026, 1, 2), until=date(2026, 1, 4))
    assert [row.holds(date(2026, 1, day)) for day in (1, 2, 3, 4)] == [False, True, True, False]


def test_the_later_row_wins() -> None:
    rows = [
        {"model": "m", "source": "old", "from": date(2026, 1, 1), "input": "1"},
        {"model": "m", "source": "new", "from": date(2026, 2, 1), "input": "2"},
    ]
    table = read_table(read_data("prices.toml") | {"price": rows})
    found = table.row_of("m", date(2026, 3, 1))
    assert found is not None
    assert found.source == "new"


def test_a_patch_changes_only_what_it_names() -> None:
    base = Bands(((-1, {"input": Fraction(5), "output": Fraction(7)}), (10, {"input": Fraction(6)})))
    bands = bands_of(Row(model="m", source="s", patch=True, output="0.000009"), base)
    assert [dict(rates) for _, rates in bands.rates] == [{"input": 5, "output": 9}, {"input": 6, "output": 9}]


def test_a_ratio_follows_the_input_price_of_each_band() -> None:
    base = Bands(((-1, {"input": Fraction(4)}), (10, {"input": Fraction(8)})))
    bands = bands_of(Row(model="m", source="s", patch=True, cache_write_12h_per_input="2.5"), base)
    assert [rates["cache_write_12h"] for _, rates in bands.rates] == [10, 20]


def test_a_row_of_its_own_gets_the_long_context_band() -> None:
    row = Row(model="m", source="s", input="1", cache_read="0.1", output="2", long_context=True)
    bands = bands_of(row, None)
    assert bands.at(272_000)["input"] == 1_000_000
    assert dict(bands.at(272_001)) == {"input": 2_000_000, "cache_read": 200_000, "output": 3_000_000}


def test_every_row_is_of_a_listed_model_and_names_its_source() -> None:
    assert all(row.model in ENTRIES and row.source for row in TABLE.price)


def test_an_unknown_key_is_an_error() -> None:
    with pytest.raises(msgspec.ValidationError, match="imput"):
        read_table(read_data("prices.toml") | {"price": [{"model": "m", "source": "s", "imput": "1"}]})

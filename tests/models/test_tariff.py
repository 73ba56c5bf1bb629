from __future__ import annotations

from datetime import date

import pytest

from penstock.models.entries import ENTRIES
from penstock.models.tariff import Tariff, tariff_of
from penstock.unknown import Unknown

TODAY = date(2026, 11, 22)


def tariff(model: str, processing: str = "standard", geo: str | None = None, day: date = TODAY) -> Tariff:
    found = tariff_of(ENTRIES[model], day, processing, geo)
    assert isinstance(found, Tariff), found
    return found


@pytest.mark.parametrize("model", [model for model in ENTRIES if model != "claude-mythos-preview"])
def test_every_listed_model_has_a_standard_list_that_starts_at_the_shortest_prompt(model: str) -> None:
    found = tariff(model)
    thresholds = [above for above, _ in found.bands]
    assert thresholds[0] == -1
    assert thresholds == sorted(thresholds)
    assert found.source


def test_a_patched_list_names_both_sources() -> None:
    assert "base keeps no history" in tariff("claude-sonnet-5-5", day=date(2026, 10, 1)).source
    assert "base keeps no history" not in tariff("claude-sonnet-5-5").source


def test_a_missing_category_says_of_which_tier() -> None:
    assert tariff("gpt-4o", "batch").why_absent("cache_read") == "gpt-4o has no published batch price for cache_read"
    assert tariff("gpt-4o").why_absent("cache_read") == "gpt-4o has no published price for cache_read"


def test_region_and_batch_stack_but_searches_stay() -> None:
    plain, both = tariff("claude-opus-5-5").bands[0][1], tariff("claude-opus-5-5", "batch", "us").bands[0][1]
    assert not isinstance(plain, Unknown)
    assert not isinstance(both, Unknown)
    assert both["input"] == plain["input"] * 11 / 20
    assert both["web_search"] == plain["web_search"]


def test_a_model_without_any_price_says_so() -> None:
    found = tariff_of(ENTRIES["claude-mythos-preview"], TODAY, "standard", None)
    assert isinstance(found, Unknown)
    assert "claude-mythos-preview" in found.why

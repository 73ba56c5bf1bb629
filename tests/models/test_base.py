from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from genai_prices import Usage
from genai_prices.data import providers
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.models.base import Bands, pico_per_token, standard_prices, variant_prices

TODAY = date(2026, 11, 22)


def test_a_model_that_the_base_lacks_is_none() -> None:
    assert standard_prices("openai", "gpt-6.2-sol", TODAY) is None
    assert variant_prices("openai", "gpt-6.2-sol", "processing", "batch") is None


def test_prices_are_exact_per_token() -> None:
    found = standard_prices("openai", "gpt-5-nano", TODAY)
    assert found is not None
    assert found.at(10)["cache_read"] == 5_000


def test_the_list_of_a_day_is_the_one_in_force_then() -> None:
    before = standard_prices("openai", "gpt-5.6-sol", date(2026, 8, 20))
    after = standard_prices("openai", "gpt-5.6-sol", date(2026, 8, 21))
    assert before is not None
    assert after is not None
    assert (before.at(1)["input"], before.since) == (5_000_000, None)
    assert (after.at(1)["input"], after.since) == (4_000_000, date(2026, 8, 21))


def test_a_threshold_is_exclusive() -> None:
    bands = Bands(((-1, {"input": pico_per_token("1")}), (100, {"input": pico_per_token("2")})))
    assert [bands.at(tokens)["input"] for tokens in (0, 100, 101)] == [1_000_000, 1_000_000, 2_000_000]


def test_a_variant_holds_only_what_it_lists() -> None:
    batch = variant_prices("openai", "gpt-4o", "processing", "batch")
    assert batch is not None
    assert "cache_read" not in batch.at(1)
    assert batch.since == date(2026, 10, 14)


def test_searches_are_priced_one_by_one() -> None:
    found = standard_prices("anthropic", "claude-opus-5-5", TODAY)
    assert found is not None
    assert found.at(1)["web_search"] == 10_000_000_000


@settings(max_examples=60, deadline=None)
@given(
    model=st.sampled_from(["claude-opus-5-5", "claude-haiku-5-5", "gpt-5.5", "gpt-6.1-sol", "gpt-4o"]),
    tokens=st.integers(min_value=1, max_value=1_000_000),
)
def test_it_agrees_with_the_bases_own_arithmetic(model: str, tokens: int) -> None:
    provider = next(candidate for candidate in providers if candidate.id == _provider(model))
    info = provider.find_model(model)
    assert info is not None
    theirs = info.calc_price(_usage(tokens), provider, genai_request_timestamp=_noon()).total_price
    found = standard_prices(_provider(model), model, TODAY)
    assert found is not None
    assert Decimal(str(found.at(tokens)["input"])) * tokens / Decimal(10**12) == theirs


def _provider(model: str) -> str:
    return "anthropic" if model.startswith("claude") else "openai"


def _usage(tokens: int) -> Usage:
    return Usage(input_tokens=tokens, output_tokens=0)


def _noon() -> datetime:
    return datetime(2026, 11, 22, 12, tzinfo=UTC)

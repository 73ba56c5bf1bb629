from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from importlib.metadata import version

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.models.catalog import known_models
from penstock.models.prices import TABLE_VERSION, Prices, Tier, cost_of, day_of, price_call, prices_of, prices_on
from penstock.money import from_usd, rate_from_usd_per_mtok
from penstock.unknown import Unknown
from penstock.wire.usage import Usage

TODAY = "2026-11-22"


def listed(
    model: str, at: str = TODAY, tokens: int = 1000, processing: str = "standard", geo: str | None = None
) -> Prices:
    found = prices_of(model, at=datetime.fromisoformat(at), prompt_tokens=tokens, tier=Tier(processing, geo))
    assert isinstance(found, Prices), found
    return found


def refused(
    model: str, at: str = TODAY, tokens: int = 1000, processing: str = "standard", geo: str | None = None
) -> str:
    found = prices_of(model, at=datetime.fromisoformat(at), prompt_tokens=tokens, tier=Tier(processing, geo))
    assert isinstance(found, Unknown), found
    return found.why


# Typed by hand from provider-semantics 1.7: model, day, input, 5m write, 1h write, read, output.
ANTHROPIC = [
    ("claude-fable-5-2", TODAY, "8", "10", "16", "0.20", "40"),
    ("claude-mythos-5-2", TODAY, "8", "10", "16", "0.20", "40"),
    ("claude-fable-5-1", TODAY, "10", "12.50", "20", "0.25", "50"),
    ("claude-mythos-5-1", TODAY, "10", "12.50", "20", "0.25", "50"),
    ("claude-fable-5", TODAY, "10", "12.50", "20", "1.00", "50"),
    ("claude-mythos-5", TODAY, "10", "12.50", "20", "1.00", "50"),
    ("claude-opus-5-5", TODAY, "4", "5", "8", "0.20", "20"),
    ("claude-opus-5", TODAY, "5", "6.25", "10", "0.50", "25"),
    ("claude-opus-4-8", TODAY, "5", "6.25", "10", "0.50", "25"),
    ("claude-opus-4-7", TODAY, "5", "6.25", "10", "0.50", "25"),
    ("claude-opus-4-6", TODAY, "5", "6.25", "10", "0.50", "25"),
    ("claude-opus-4-5", TODAY, "5", "6.25", "10", "0.50", "25"),
    ("claude-opus-4-1", TODAY, "15", "18.75", "30", "1.50", "75"),
    ("claude-opus-4", TODAY, "15", "18.75", "30", "1.50", "75"),
    ("claude-sonnet-5-5", TODAY, "2", "2.50", "4", "0.10", "10"),
    ("claude-sonnet-5-5", "2026-10-07", "2", "2.50", "4", "0.10", "10"),
    ("claude-sonnet-5-5", "2026-10-06T23:59:59", "2", "2.50", "4", "0.20", "10"),
    ("claude-sonnet-5-5", "2026-09-28", "2", "2.50", "4", "0.20", "10"),
    ("claude-sonnet-5", TODAY, "2", "2.50", "4", "0.20", "10"),
    ("claude-sonnet-4-6", TODAY, "3", "3.75", "6", "0.30", "15"),
    ("claude-sonnet-4-5", TODAY, "3", "3.75", "6", "0.30", "15"),
    ("claude-sonnet-4", TODAY, "3", "3.75", "6", "0.30", "15"),
    ("claude-haiku-5-5", TODAY, "0.10", "0.125", "0.20", "0.01", "0.50"),
    ("claude-haiku-4-5", TODAY, "1", "1.25", "2", "0.10", "5"),
    ("claude-3-5-haiku", "2026-01-01", "0.80", "1.00", "1.60", "0.08", "4"),
    ("claude-3-5-sonnet", "2025-06-01", "3", "3.75", "6", "0.30", "15"),
]

# Typed by hand from provider-semantics 2.6: model, day, input, cached, 30m write (None: no write fee), output.
OPENAI = [
    ("gpt-6.2-astra", TODAY, "8", "0.40", "10", "40"),
    ("gpt-6.2-sol", TODAY, "2", "0.10", "2.50", "10"),
    ("gpt-6.1-terra", TODAY, "1", "0.05", "1.25", "5"),
    ("gpt-6.1-sol", TODAY, "2", "0.10", "2.50", "10"),
    ("gpt-6-sol", TODAY, "2", "0.20", "2.50", "10"),
    ("gpt-6-luna", TODAY, "0.10", "0.01", "0.125", "0.50"),
    ("gpt-6-astra", TODAY, "10", "1.00", "12.50", "50"),
    ("gpt-5.6-sol", TODAY, "4", "0.40", "5", "20"),
    ("gpt-5.6-sol", "2026-08-20", "5", "0.50", "6.25", "30"),
    ("gpt-5.6-terra", TODAY, "2", "0.20", "2.50", "12"),
    ("gpt-5.6-luna", TODAY, "0.20", "0.02", "0.25", "1.20"),
    ("gpt-5.5", TODAY, "5", "0.50", None, "30"),
    ("gpt-5.4", TODAY, "2.50", "0.25", None, "15"),
    ("gpt-5.4-mini", TODAY, "0.75", "0.075", None, "4.50"),
    ("gpt-5.4-nano", TODAY, "0.20", "0.02", None, "1.25"),
    ("gpt-5.2", TODAY, "1.75", "0.175", None, "14"),
    ("gpt-5.1", TODAY, "1.25", "0.125", None, "10"),
    ("gpt-5", TODAY, "1.25", "0.125", None, "10"),
    ("gpt-5-mini", TODAY, "0.25", "0.025", None, "2"),
    ("gpt-5-nano", TODAY, "0.05", "0.005", None, "0.40"),
    ("gpt-4.1", TODAY, "2", "0.50", None, "8"),
    ("gpt-4.1-mini", TODAY, "0.40", "0.10", None, "1.60"),
    ("gpt-4.1-nano", TODAY, "0.10", "0.025", None, "0.40"),
    ("gpt-4o", TODAY, "2.50", "1.25", None, "10"),
    ("gpt-4o-mini", TODAY, "0.15", "0.075", None, "0.60"),
    ("o3", TODAY, "2", "0.50", None, "8"),
    ("o4-mini", TODAY, "1.10", "0.275", None, "4.40"),
]


@pytest.mark.parametrize("row", ANTHROPIC)
def test_every_row_of_the_anthropic_table(row: tuple[str, ...]) -> None:
    model, day, plain, w5, w1, read, output = row
    prices = listed(model, day)
    got = (prices.input, prices.cache_write_5m, prices.cache_write_1h, prices.cache_read, prices.output)
    assert got == tuple(rate_from_usd_per_mtok(price) for price in (plain, w5, w1, read, output))
    assert isinstance(prices.cache_write_30m, Unknown)


@pytest.mark.parametrize("row", OPENAI)
def test_every_row_of_the_openai_table(row: tuple[str, str, str, str, str | None, str]) -> None:
    model, day, plain, cached, write, output = row
    prices = listed(model, day)
    got = (prices.input, prices.cache_read, prices.output)
    assert got == tuple(rate_from_usd_per_mtok(price) for price in (plain, cached, output))
    if write is None:
        assert isinstance(prices.cache_write_30m, Unknown)
    else:
        assert prices.cache_write_30m == rate_from_usd_per_mtok(write)


@pytest.mark.parametrize(
    ("model", "first_day"),
    [
        ("claude-fable-5-2", "2026-11-09"),
        ("claude-fable-5-1", "2026-09-01"),
        ("claude-opus-5-5", "2026-09-22"),
        ("claude-sonnet-5-5", "2026-09-28"),
        ("claude-haiku-5-5", "2026-10-07"),
        ("gpt-6.2-sol", "2026-11-17"),
        ("gpt-6.1-terra", "2026-10-26"),
        ("gpt-6.1-sol", "2026-09-29"),
        ("gpt-6-sol", "2026-09-22"),
        ("gpt-6-astra", "2026-09-03"),
    ],
)
def test_a_model_has_no_price_before_it_was_on_sale(model: str, first_day: str) -> None:
    day = datetime.fromisoformat(first_day)
    assert first_day in refused(model, (day - timedelta(seconds=1)).isoformat())
    assert listed(model, first_day).effective == day.date()


def test_a_price_names_the_day_from_which_it_holds() -> None:
    assert str(listed("claude-sonnet-5-5", "2026-10-01").effective) == "2026-09-28"
    assert str(listed("claude-sonnet-5-5", "2026-11-01").effective) == "2026-10-07"
    assert str(listed("gpt-5.6-terra").effective) == "2026-07-30"


def test_prices_change_at_midnight_utc_whatever_the_zone() -> None:
    late = datetime(2026, 10, 6, 23, 30, tzinfo=timezone(timedelta(hours=-2)))
    prices = prices_of("claude-sonnet-5-5", at=late, prompt_tokens=1)
    assert isinstance(prices, Prices)
    assert prices.cache_read == rate_from_usd_per_mtok("0.10")


def test_t19_haiku_5_5_has_two_bands_by_the_whole_prompt() -> None:
    assert listed("claude-haiku-5-5", tokens=100_000).input == rate_from_usd_per_mtok("0.10")
    upper = listed("claude-haiku-5-5", tokens=100_001)
    got = (upper.input, upper.cache_write_5m, upper.cache_write_1h, upper.cache_read, upper.output)
    assert got == tuple(rate_from_usd_per_mtok(price) for price in ("0.50", "0.625", "1.00", "0.05", "2.50"))
    reads = Usage(input_uncached=1, cache_read=100_000)
    assert price_call("claude-haiku-5-5", reads, at=datetime(2026, 11, 22, tzinfo=UTC)) == from_usd("0.0050005")


@pytest.mark.parametrize("model", ["gpt-5.4", "gpt-5.5", "gpt-5.6-sol", "gpt-5.6-luna", "gpt-6-astra", "gpt-6.2-sol"])
def test_t19_long_openai_prompts_cost_twice_the_input_side_and_half_more_output(model: str) -> None:
    short, long = listed(model, tokens=272_000), listed(model, tokens=272_001)
    assert not isinstance(short.input, Unknown)
    assert not isinstance(short.cache_read, Unknown)
    assert not isinstance(short.output, Unknown)
    assert (long.input, long.cache_read) == (short.input * 2, short.cache_read * 2)
    assert long.output == short.output * 3 // 2
    if not isinstance(short.cache_write_30m, Unknown):
        assert long.cache_write_30m == short.cache_write_30m * 2


@pytest.mark.parametrize("model", ["gpt-5.2", "gpt-4.1", "o3"])
def test_models_without_a_long_context_price_are_flat(model: str) -> None:
    assert listed(model, tokens=300_000) == listed(model, tokens=10)


def test_the_twelve_hour_write_is_known_for_terra_alone() -> None:
    assert listed("gpt-6.1-terra").cache_write_12h == rate_from_usd_per_mtok("2.50")
    assert listed("gpt-6.1-terra", tokens=272_001).cache_write_12h == rate_from_usd_per_mtok("5")
    assert listed("gpt-6.1-terra", processing="flex").cache_write_12h == rate_from_usd_per_mtok("1.25")
    assert isinstance(listed("gpt-6.1-sol").cache_write_12h, Unknown)


@pytest.mark.parametrize(
    "model", [row[0] for row in ANTHROPIC] + ["gpt-6.1-sol", "gpt-5.6-luna", "gpt-6.2-astra", "gpt-5"]
)
def test_batch_is_half_of_every_category(model: str) -> None:
    plain, batch = listed(model), listed(model, processing="batch")
    for bucket in ("input", "cache_read", "cache_write_5m", "cache_write_1h", "cache_write_30m", "output"):
        whole, half = getattr(plain, bucket), getattr(batch, bucket)
        assert isinstance(half, Unknown) if isinstance(whole, Unknown) else half * 2 == whole


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-4o-mini", "gpt-4.1", "gpt-4.1-nano", "o3", "o4-mini", "o1"])
def test_the_batch_table_of_older_openai_models_has_no_cached_price(model: str) -> None:
    batch = listed(model, processing="batch")
    assert isinstance(batch.cache_read, Unknown)
    assert "batch" in batch.cache_read.why
    assert not isinstance(batch.input, Unknown)
    assert isinstance(cost_of(Usage(input_uncached=1, cache_read=1), batch), Unknown)
    assert not isinstance(cost_of(Usage(input_uncached=1), batch), Unknown)


@pytest.mark.parametrize(
    ("model", "plain", "read", "output"),
    [
        ("claude-opus-5-5", "8", "0.40", "40"),
        ("claude-opus-5", "10", "1.00", "50"),
        ("claude-opus-4-8", "10", "1.00", "50"),
        ("claude-fable-5-2", "16", "0.40", "80"),
        ("gpt-6.1-sol", "4", "0.20", "20"),
        ("gpt-5.5", "12.50", "1.25", "75"),
        ("gpt-4o", "4.25", "2.125", "17"),
        ("gpt-4.1", "3.50", "0.875", "14"),
        ("gpt-5-mini", "0.45", "0.045", "3.60"),
    ],
)
def test_fast_has_its_own_base_price_with_the_cache_multiples_on_top(
    model: str, plain: str, read: str, output: str
) -> None:
    fast = listed(model, processing="fast")
    got = (fast.input, fast.cache_read, fast.output)
    assert got == tuple(rate_from_usd_per_mtok(price) for price in (plain, read, output))


@pytest.mark.parametrize("model", ["claude-sonnet-5-5", "claude-haiku-4-5", "gpt-5-nano", "gpt-5.4-nano"])
def test_a_model_without_a_fast_price_is_unknown_and_never_free(model: str) -> None:
    assert "fast" in refused(model, processing="fast")


def test_fast_mode_ends_on_opus_4_8() -> None:
    assert "2026-11-30" in refused("claude-opus-4-8", "2026-11-30", processing="fast")


def test_a_long_prompt_has_no_fast_price_where_the_fast_table_has_no_long_band() -> None:
    assert "272,000" in refused("gpt-5.5", tokens=272_001, processing="fast")
    assert listed("gpt-5.6-sol", tokens=272_001, processing="fast").input == rate_from_usd_per_mtok("16")


def test_flex_is_the_batch_price_and_only_where_it_is_listed() -> None:
    assert listed("gpt-6.1-sol", processing="flex").cache_write_30m == rate_from_usd_per_mtok("1.25")
    assert "flex" in refused("gpt-4o", processing="flex")
    assert "flex" in refused("claude-opus-5-5", processing="flex")


def test_a_tier_before_its_table_was_checked_keeps_the_ratio_to_the_list_of_the_day() -> None:
    assert listed("gpt-5.6-sol", "2026-08-01", processing="flex").input == rate_from_usd_per_mtok("2.50")
    assert listed("gpt-4o", "2026-01-01", processing="fast").input == rate_from_usd_per_mtok("4.25")
    assert isinstance(listed("gpt-4o", "2026-01-01", processing="batch").cache_read, Unknown)


def test_inference_in_the_us_costs_a_tenth_more_from_claude_4_6_on() -> None:
    us = listed("claude-opus-5-5", geo="us")
    got = (us.input, us.cache_write_5m, us.cache_write_1h, us.cache_read, us.output)
    assert got == tuple(rate_from_usd_per_mtok(price) for price in ("4.40", "5.50", "8.80", "0.22", "22"))
    assert listed("claude-opus-5-5", geo="us", processing="batch").input == rate_from_usd_per_mtok("2.20")
    assert listed("claude-opus-5-5", geo="global") == listed("claude-opus-5-5")
    assert "us" in refused("claude-haiku-4-5", geo="us")
    assert "eu" in refused("claude-opus-5-5", geo="eu")


def test_regional_processing_at_openai_costs_a_tenth_more_on_models_since_march_2026() -> None:
    assert listed("gpt-5.4", geo="eu").input == rate_from_usd_per_mtok("2.75")
    assert listed("gpt-5.2", geo="eu").input == rate_from_usd_per_mtok("1.75")


def test_older_snapshots_and_pro_models_have_no_cached_price() -> None:
    assert isinstance(listed("gpt-4o-2024-05-13").cache_read, Unknown)
    assert listed("gpt-4o-2024-05-13").input == rate_from_usd_per_mtok("5")
    assert isinstance(listed("gpt-5.4-pro").cache_read, Unknown)


@pytest.mark.parametrize("model", ["gpt-9", "claude-opus-9", "claude", "", "ft:gpt-4o-mini:acme::1", "llama-3"])
def test_an_unknown_model_has_no_price(model: str) -> None:
    assert refused(model)
    usage = Usage(input_uncached=10)
    assert isinstance(price_call(model, usage, at=datetime(2026, 11, 22, tzinfo=UTC)), Unknown)


def test_a_cost_is_the_sum_over_disjoint_buckets() -> None:
    usage = Usage(input_uncached=1000, cache_read=10_000, cache_write_5m=2000, output=500, web_searches=3)
    # 1000 x 4 + 10,000 x 0.20 + 2000 x 5 + 500 x 20 per million, and three searches at 10 per thousand
    assert cost_of(usage, listed("claude-opus-5-5")) == from_usd("0.056")


def test_the_table_version_names_the_installed_base() -> None:
    assert TABLE_VERSION.startswith(f"genai-prices {version('genai-prices')} ")


@settings(max_examples=200, deadline=None)
@given(
    model=st.sampled_from(known_models()),
    day=st.dates(min_value=datetime(2025, 1, 1).date(), max_value=datetime(2027, 1, 1).date()),  # noqa: DTZ001
    tokens=st.sampled_from([0, 100_000, 100_001, 272_000, 272_001, 900_000]),
    processing=st.sampled_from(["standard", "batch", "flex", "fast"]),
    geo=st.sampled_from([None, "us", "eu", "global"]),
)
def test_every_price_is_a_positive_whole_number_or_an_unknown_with_a_reason(
    model: str, day: object, tokens: int, processing: str, geo: str | None
) -> None:
    found = prices_of(model, at=datetime.fromisoformat(str(day)), prompt_tokens=tokens, tier=Tier(processing, geo))
    if isinstance(found, Unknown):
        assert found.why
        return
    for bucket in ("input", "cache_read", "cache_write_5m", "cache_write_1h", "cache_write_30m", "output"):
        rate = getattr(found, bucket)
        assert rate.why if isinstance(rate, Unknown) else (type(rate) is int and rate > 0)


@given(st.integers(-(10**9), 4 * 10**9), st.floats(0, 0.999))
def test_the_day_of_an_instant_is_that_of_utc(second: int, part: float) -> None:
    assert day_of(second + part) == datetime.fromtimestamp(second, UTC).date()


def test_prices_on_a_day_are_those_at_its_instants() -> None:
    at = datetime(2026, 11, 22, 23, 59, 59, tzinfo=UTC)
    assert prices_on("claude-opus-5-5", at.date(), prompt_tokens=9) == prices_of(
        "claude-opus-5-5", at=at, prompt_tokens=9
    )

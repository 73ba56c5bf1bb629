from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from penstock.cachemodel.cases.fields import CaseError, Fields
from penstock.cachemodel.cases.pricing import date_of, modifier_of, run_pricing_case, table_differences, usage_of
from penstock.models.tiers import STANDARD, Tier
from penstock.wire.usage import Usage

NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("modifier", "tier"),
    [
        (None, STANDARD),
        ("standard", STANDARD),
        ("none", STANDARD),
        ("batch", Tier("batch")),
        ("inference_geo=us", Tier("standard", "us")),
        ("speed=fast", Tier("fast")),
        ("service_tier=flex", Tier("flex")),
        ("service_tier=priority", Tier("fast")),
        ("prompt > 100,000", STANDARD),
        ("over 272,000 input tokens", STANDARD),
        ("prompt_cache_options.ttl=12h", STANDARD),
        ("batch + inference_geo=us", Tier("batch", "us")),
        (["batch", "prompt > 100,000"], Tier("batch")),
        ("batch, 1h write", Tier("batch")),
        ("regional processing", Tier("standard", "regional")),
        ("long-context", STANDARD),
    ],
)
def test_a_modifier_is_a_tier(modifier: Any, tier: Tier) -> None:
    assert modifier_of(modifier, NOW) == (tier, NOW)


@pytest.mark.parametrize(
    ("modifier", "day"), [("on 2026-10-06", 6), ("before 2026-10-07", 6), ("date=2026-10-08", 8), ("2026-10-09", 9)]
)
def test_a_modifier_may_be_a_date(modifier: str, day: int) -> None:
    assert modifier_of(modifier, NOW) == (STANDARD, datetime(2026, 10, day, tzinfo=UTC))


@pytest.mark.parametrize("modifier", ["quantum", "batch of purple", "speed=ludicrous"])
def test_a_modifier_without_a_meaning_is_named(modifier: str) -> None:
    with pytest.raises(CaseError, match=modifier.rpartition("=")[2].rpartition(" ")[2]):
        modifier_of(modifier, NOW)


def test_t17_totals_are_taken_apart() -> None:
    fields = {"total_input_tokens": 100, "cached": 60, "cache_write": 30, "output_tokens": 5}
    assert usage_of(Fields(fields, "usage")) == Usage(input_uncached=10, cache_read=60, cache_write_30m=30, output=5)
    with pytest.raises(CaseError, match="no rule for smiles"):
        usage_of(Fields({"smiles": 3}, "usage"))


def pricing(**more: Any) -> dict[str, Any]:
    usage = {"input_tokens": 1000, "output_tokens": 100}
    return {"id": "P", "model": "claude-sonnet-5-5", "usage": usage, "cost_usd": "0.003"} | more


def test_a_case_is_priced_at_the_files_date_or_its_own() -> None:
    read = {"usage": {"cache_read": 1000}, "cost_usd": "0.0002"}
    assert run_pricing_case(pricing(), 1, NOW).passed
    assert not run_pricing_case(pricing(**read), 1, NOW).passed
    assert run_pricing_case(pricing(**read), 1, datetime(2026, 10, 1, tzinfo=UTC)).passed
    assert run_pricing_case(pricing(**read, as_of="2026-10-01"), 1, NOW).passed


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (3, "not an object"),
        (pricing(usage=None), "not an object"),
        (pricing(cost_usd=None), "expects no cost"),
        (pricing(model="gpt-9"), "gpt-9"),
        (pricing(modifier="quantum"), "quantum"),
        (pricing(as_of="someday"), "someday"),
        (pricing(flavour="mint"), "flavour"),
        (pricing(modifier="speed=fast"), "fast"),
    ],
)
def test_what_cannot_be_priced_fails_with_its_reason(broken: Any, why: str) -> None:
    outcome = run_pricing_case(broken, 1, NOW)
    assert not outcome.passed
    assert why in outcome.mismatches[0].got


def test_the_files_table_is_compared_with_ours() -> None:
    band = {"input": "0.50", "cache_read": "0.06"}
    table = {
        "anthropic": {
            "claude-haiku-5-5": {"input": "0.1", "min_cacheable_tokens": 512, "above_100000_prompt_tokens": band},
            "claude-opus-9": {"input": "1"},
        },
        "openai": {"gpt-4o": {"input": "2.5", "cached_input": "1.25", "cache_write_30m": None, "output": "11"}},
        "openai_long_context_rule": "words",
    }
    assert table_differences(table, NOW) == [
        "claude-haiku-5-5 above 100,000 prompt tokens: cache_read is 0.06 in the file and 0.05 in our table",
        "claude-opus-9: no price for model 'claude-opus-9'",
        "gpt-4o: output is 11 in the file and 10 in our table",
    ]
    assert table_differences(None, NOW) == []


def test_a_date_is_its_first_moment_in_utc() -> None:
    assert date_of("2026-10-07") == datetime(2026, 10, 7, tzinfo=UTC)
    with pytest.raises(CaseError, match="soon"):
        date_of("soon")

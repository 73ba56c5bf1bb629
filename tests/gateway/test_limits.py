from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.gateway.limits import Bucket, Limit, limits_of, need_of
from penstock.wire.usage import Usage


def test_both_providers_headers_are_read() -> None:
    lines = [
        (b"anthropic-ratelimit-requests-limit", b"50"),
        (b"anthropic-ratelimit-requests-remaining", b"49"),
        (b"anthropic-ratelimit-requests-reset", b"1970-01-01T00:01:40Z"),
        (b"anthropic-ratelimit-input-tokens-limit", b"40000"),
        (b"anthropic-ratelimit-input-tokens-remaining", b"39000"),
    ]
    assert limits_of(lines, 40.0) == [Limit("requests", 50, 49, 60.0), Limit("input-tokens", 40000, 38500, 0.0)]
    lines = [
        (b"x-ratelimit-limit-tokens", b"1000"),
        (b"x-ratelimit-remaining-tokens", b"0"),
        (b"x-ratelimit-reset-tokens", b"1m30.5s"),
        (b"x-ratelimit-limit-requests", b"nonsense"),
    ]
    assert limits_of(lines, 0.0) == [Limit("tokens", 1000, 0, 90.5)]


def test_anthropic_s_limit_of_tokens_repeats_another_one_and_is_no_bucket_of_its_own() -> None:
    lines = [
        (b"anthropic-ratelimit-%b-%b" % (kind, part), b"%d" % amount)
        for kind, limit in ((b"tokens", 8000), (b"input-tokens", 40000), (b"output-tokens", 8000))
        for part, amount in ((b"limit", limit), (b"remaining", 5000))
    ]
    assert [limit.kind for limit in limits_of(lines, 0.0)] == ["input-tokens", "output-tokens"]
    assert [limit.kind for limit in limits_of(lines[:2], 0.0)] == ["tokens"]


def test_limits_of_another_kind_are_left_alone() -> None:
    assert limits_of([(b"x-ratelimit-limit-images", b"5"), (b"x-ratelimit-remaining-images", b"0")], 0.0) == []


@pytest.mark.parametrize(
    ("provider", "model", "tokens"),
    [
        ("anthropic", "claude-haiku-4-5", 30),
        ("anthropic", "claude-none", 30),
        ("anthropic", "claude-3-5-haiku-20241022", 130),
        ("openai", "gpt-5-mini", 130),
    ],
)
def test_cached_reads_count_as_each_provider_counts_them(provider: str, model: str, tokens: int) -> None:
    usage = Usage(input_uncached=10, cache_read=100, cache_write_5m=20, output=7)
    assert need_of(provider, model, usage) == (1.0, tokens, 7.0 if provider == "anthropic" else 0.0)


def test_openai_counts_an_output_cap_that_is_larger_than_the_prompt() -> None:
    assert need_of("openai", "gpt-5-mini", Usage(input_uncached=10), 4000) == (1.0, 4000.0, 0.0)
    assert need_of("anthropic", "claude-haiku-4-5", Usage(input_uncached=10), 4000) == (1.0, 10.0, 0.0)


def test_a_bucket_fills_at_its_rate_and_not_beyond() -> None:
    bucket = Bucket(Limit("tokens", 600, 0, 60.0), 0.0)
    assert bucket.level(1.0) == 10.0
    assert bucket.wait_s(30.0, 0.0) == 3.0
    assert bucket.level(1000.0) == 600.0
    assert bucket.wait_s(6000.0, 1000.0) == 0.0  # never more than a full bucket


@settings(max_examples=50)
@given(st.lists(st.floats(0.1, 50.0), min_size=1, max_size=20))
def test_what_is_taken_is_waited_for(amounts: list[float]) -> None:
    bucket = Bucket(Limit("tokens", 60, 60, 0.0), 0.0)
    now = 0.0
    for amount in amounts:
        now += bucket.wait_s(amount, now)
        bucket.take(amount, now)
        assert bucket.level(now) >= -1e-6
    assert now >= sum(amounts) - 60 - 1e-6


def test_an_answer_corrects_the_level_downwards_at_once_and_upwards_to_what_is_certain() -> None:
    bucket = Bucket(Limit("requests", 60, 60, 0.0), 0.0)
    bucket.learn(Limit("requests", 60, 10, 0.0), 0.0, uncounted=0.0)
    assert bucket.level(0.0) == 10.0
    bucket.learn(Limit("requests", 60, 50, 0.0), 0.0, uncounted=45.0)
    assert bucket.level(0.0) == 10.0
    bucket.learn(Limit("requests", 60, 50, 0.0), 0.0, uncounted=5.0)
    assert bucket.level(0.0) == 45.0


@given(st.integers(1, 10_000), st.integers(0, 10_000), st.floats(0.0, 10_000.0), st.floats(0.0, 600.0, allow_nan=False))
def test_what_a_request_of_ours_leaves_is_at_least_half_of_the_limit(
    limit: int, remaining: int, amount: float, later: float
) -> None:
    bucket = Bucket(Limit("tokens", limit, min(limit, remaining), 0.0), 0.0)
    wait = bucket.spare_wait_s(amount, later)
    if wait == math.inf:
        assert amount > limit / 2
        return
    bucket.take(amount, later + wait)
    assert bucket.level(later + wait) >= limit / 2 - 1e-6 * limit

from __future__ import annotations

import pytest

from penstock.simulator.limits import Bucket, Limits, RateLimiter, duration

SMALL = Limits(requests=2, input_tokens=1000, output_tokens=100, tokens=500)


def test_a_bucket_refills_continuously_up_to_its_limit() -> None:
    bucket = Bucket(60, at=0.0)
    bucket.take(60, at=0.0)
    assert bucket.remaining(0.0) == 0
    assert bucket.remaining(30.0) == 30
    assert bucket.remaining(300.0) == 60
    assert bucket.wait_for(10, 0.0) == 10.0
    assert bucket.until_full(0.0) == 60.0


def test_more_than_a_minutes_worth_waits_for_a_full_bucket_only() -> None:
    bucket = Bucket(10, at=0.0)
    assert bucket.wait_for(1000, 0.0) == 0.0
    bucket.take(1, 0.0)
    assert bucket.wait_for(1000, 0.0) == 6.0


def test_a_refused_request_takes_nothing() -> None:
    limiter = RateLimiter(SMALL)
    assert limiter.admit("anthropic", "m", {"requests": 1, "input_tokens": 900}, 0.0) is None
    refused = limiter.admit("anthropic", "m", {"requests": 1, "input_tokens": 900}, 0.0)
    assert refused is not None
    assert (refused.name, refused.limit, refused.used, refused.requested) == ("input_tokens", 1000, 900, 900)
    assert refused.retry_after == pytest.approx(48.0)
    assert limiter.admit("anthropic", "m", {"requests": 1}, 0.0) is None


def test_limits_are_per_model() -> None:
    limiter = RateLimiter(SMALL)
    assert limiter.admit("openai", "a", {"tokens": 500}, 0.0) is None
    assert limiter.admit("openai", "b", {"tokens": 500}, 0.0) is None
    assert limiter.admit("openai", "a", {"tokens": 1}, 0.0) is not None


def test_unenforced_limits_show_headers_and_refuse_nothing() -> None:
    limiter = RateLimiter(Limits(requests=1, enforced=False))
    assert all(limiter.admit("openai", "m", {"requests": 1}, 0.0) is None for _ in range(5))
    assert ("x-ratelimit-remaining-requests", "0") in limiter.headers("openai", "m", 0.0)


def test_anthropic_headers_round_tokens_and_give_reset_times() -> None:
    limiter = RateLimiter(Limits(input_tokens=100_000, output_tokens=50_000))
    limiter.correct("anthropic", "m", {"input_tokens": 1234, "output_tokens": 10_000}, 0.0)
    headers = dict(limiter.headers("anthropic", "m", 0.0))
    assert headers["anthropic-ratelimit-input-tokens-remaining"] == "99000"
    assert headers["anthropic-ratelimit-tokens-limit"] == "50000", "the most restrictive limit is shown"
    assert headers["anthropic-ratelimit-output-tokens-reset"] == "1970-01-01T00:00:12Z"
    assert len(headers) == 12


def test_openai_headers_give_durations() -> None:
    limiter = RateLimiter(Limits(requests=60, tokens=60_000))
    limiter.correct("openai", "m", {"requests": 1, "tokens": 30_000}, 0.0)
    headers = dict(limiter.headers("openai", "m", 0.0))
    assert headers["x-ratelimit-reset-requests"] == "1s"
    assert headers["x-ratelimit-remaining-tokens"] == "30000"
    limiter.reset()
    assert dict(limiter.headers("openai", "m", 0.0))["x-ratelimit-remaining-tokens"] == "60000"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0, "0ms"), (0.12, "120ms"), (1, "1s"), (59.2, "1m0s"), (360, "6m0s"), (3725, "1h2m5s")]
)
def test_durations_are_written_as_openai_writes_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text

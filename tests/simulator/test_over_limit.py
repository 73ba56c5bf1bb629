from __future__ import annotations

from penstock.simulator.limits import Refusal
from penstock.simulator.over_limit import over_limit


def test_anthropic_says_the_limit_and_whole_seconds() -> None:
    error = over_limit("anthropic", "claude-x", Refusal("input_tokens", 1000, 900, 200, 6.2))
    assert (error.status, error.kind) == (429, "rate_limit_error")
    assert "1000 input tokens per minute for claude-x" in error.message
    assert error.headers == (("retry-after", "7"),)


def test_openai_says_limit_used_requested_and_when() -> None:
    error = over_limit("openai", "gpt-x", Refusal("tokens", 1000, 900, 200, 0.25))
    assert (error.kind, error.code) == ("tokens", "rate_limit_exceeded")
    assert "Limit 1000, Used 900, Requested 200. Please try again in 250ms." in error.message
    assert error.headers == (("retry-after-ms", "250"), ("retry-after", "1"))

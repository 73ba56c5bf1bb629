"""The 429 of a request that is over a rate limit, as each provider words it (provider-semantics 1.9, 2.7)."""

from __future__ import annotations

import math

from penstock.simulator.errors import ApiError
from penstock.simulator.limits import Refusal, duration

_ANTHROPIC_NAMES = {"requests": "requests", "input_tokens": "input tokens", "output_tokens": "output tokens"}
_OPENAI_SHORT = {"requests": "RPM", "tokens": "TPM"}
_LEAST_WAIT_S = 0.001


def over_limit(provider: str, model: str, refused: Refusal) -> ApiError:
    """The error, with the headers that say when to come back."""
    wait = max(_LEAST_WAIT_S, refused.retry_after)
    retry_after = ("retry-after", str(math.ceil(wait)))
    if provider == "anthropic":
        message = (
            f"This request would exceed your organization's rate limit of {refused.limit} "
            f"{_ANTHROPIC_NAMES[refused.name]} per minute for {model}."
        )
        return ApiError(429, "rate_limit_error", message, headers=(retry_after,))
    message = (
        f"Rate limit reached for {model} on {refused.name} per min ({_OPENAI_SHORT[refused.name]}): "
        f"Limit {refused.limit}, Used {refused.used}, Requested {refused.requested}. "
        f"Please try again in {duration(wait)}."
    )
    milliseconds = ("retry-after-ms", str(math.ceil(wait * 1000)))
    return ApiError(429, refused.name, message, code="rate_limit_exceeded", headers=(milliseconds, retry_after))

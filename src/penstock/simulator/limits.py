"""Rate limits as token buckets: per model, refilled continuously, with each provider's headers (semantics 1.8, 2.7)."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from functools import lru_cache

import msgspec

_MINUTE = 60.0


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one organisation may use of one model per minute.

    Attributes:
        requests: requests (both providers).
        input_tokens: Anthropic's uncached and written prompt tokens; reads are free.
        output_tokens: Anthropic's generated tokens.
        tokens: OpenAI's tokens, cached ones included.
        enforced: False only shows the headers; nothing is refused.
    """

    requests: int = 10_000
    input_tokens: int = 10_000_000
    output_tokens: int = 2_000_000
    tokens: int = 40_000_000
    enforced: bool = True


UNENFORCED = Limits(enforced=False)


class Bucket:
    """A token bucket that holds at most one minute's worth and refills continuously."""

    def __init__(self, limit: int, at: float) -> None:
        self.limit = limit
        self._level = float(limit)
        self._at = at

    def remaining(self, at: float) -> float:
        """What is left at a time; below 0 when usage was corrected upwards after the call."""
        return min(self.limit, self._level + max(0.0, at - self._at) * self.limit / _MINUTE)

    def take(self, amount: float, at: float) -> None:
        """Use some; the level may fall below 0."""
        self._level = self.remaining(at) - amount
        self._at = max(at, self._at)

    def wait_for(self, amount: float, at: float) -> float:
        """Seconds until ``amount`` is there; 0 when it is, and a full bucket serves any amount."""
        missing = min(amount, self.limit) - self.remaining(at)
        return missing * _MINUTE / self.limit if missing > 0 else 0.0

    def until_full(self, at: float) -> float:
        """Seconds until the bucket is full."""
        return self.wait_for(self.limit, at)


class Refusal(msgspec.Struct, frozen=True):
    """Why a request is over a limit.

    Attributes:
        name: ``requests``, ``input_tokens``, ``output_tokens`` or ``tokens``.
        limit: that limit per minute.
        used: what the bucket says is used of it.
        requested: what the request asked for.
        retry_after: seconds until it would pass.
    """

    name: str
    limit: int
    used: int
    requested: int
    retry_after: float


class RateLimiter:
    """The buckets of one organisation, by provider and model."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._buckets: dict[tuple[str, str], dict[str, Bucket]] = {}

    def reset(self) -> None:
        """Fill every bucket."""
        self._buckets.clear()

    def buckets(self, provider: str, model: str, at: float) -> dict[str, Bucket]:
        """The buckets of a model, by name."""
        known = self._buckets.get((provider, model))
        if known is None:
            names = ("requests", "input_tokens", "output_tokens") if provider == "anthropic" else ("requests", "tokens")
            known = {name: Bucket(getattr(self.limits, name), at) for name in names}
            self._buckets[provider, model] = known
        return known

    def admit(self, provider: str, model: str, needs: dict[str, float], at: float) -> Refusal | None:
        """Take what a request needs, or say which limit it breaks; a broken limit takes nothing."""
        buckets = self.buckets(provider, model, at)
        if self.limits.enforced:
            for name, amount in needs.items():
                bucket = buckets[name]
                wait = bucket.wait_for(amount, at)
                if wait > 0:
                    used = bucket.limit - math.floor(bucket.remaining(at))
                    return Refusal(name, bucket.limit, used, math.ceil(amount), wait)
        for name, amount in needs.items():
            buckets[name].take(amount, at)
        return None

    def correct(self, provider: str, model: str, extra: dict[str, float], at: float) -> None:
        """Take what turned out to be used beyond the estimate, without refusing."""
        for name, amount in extra.items():
            self.buckets(provider, model, at)[name].take(amount, at)

    def headers(self, provider: str, model: str, at: float) -> list[tuple[str, str]]:
        """The provider's rate-limit headers for a model."""
        buckets = self.buckets(provider, model, at)
        return _anthropic_headers(buckets, at) if provider == "anthropic" else _openai_headers(buckets, at)


def _anthropic_headers(buckets: dict[str, Bucket], at: float) -> list[tuple[str, str]]:
    headers: list[tuple[str, str]] = []
    tightest = min(("input_tokens", "output_tokens"), key=lambda name: buckets[name].remaining(at))
    shown = {
        "requests": "requests",
        "tokens": tightest,
        "input-tokens": "input_tokens",
        "output-tokens": "output_tokens",
    }
    for label, name in shown.items():
        bucket = buckets[name]
        remaining = max(0, math.floor(bucket.remaining(at)))
        if label != "requests":
            remaining = round(remaining, -3)
        prefix = f"anthropic-ratelimit-{label}"
        headers += [
            (f"{prefix}-limit", str(bucket.limit)),
            (f"{prefix}-remaining", str(remaining)),
            (f"{prefix}-reset", _rfc3339(int(at + bucket.until_full(at)))),
        ]
    return headers


def _openai_headers(buckets: dict[str, Bucket], at: float) -> list[tuple[str, str]]:
    headers: list[tuple[str, str]] = []
    for name in ("requests", "tokens"):
        bucket = buckets[name]
        headers += [
            (f"x-ratelimit-limit-{name}", str(bucket.limit)),
            (f"x-ratelimit-remaining-{name}", str(max(0, math.floor(bucket.remaining(at))))),
            (f"x-ratelimit-reset-{name}", duration(bucket.until_full(at))),
        ]
    return headers


@lru_cache(maxsize=64)
def _rfc3339(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def duration(seconds: float) -> str:
    """Seconds as OpenAI writes them in headers: ``120ms``, ``1s``, ``6m0s``."""
    if seconds < 1:
        return f"{math.ceil(seconds * 1000)}ms"
    whole = math.ceil(seconds)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m{rest}s"
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"

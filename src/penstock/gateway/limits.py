"""What a provider's rate-limit headers say, turned into buckets (provider-semantics 1.8, 2.7)."""

from __future__ import annotations

import math
import re
from datetime import datetime

import msgspec

from penstock.gateway.headers import Lines
from penstock.models.catalog import profile_of
from penstock.unknown import Unknown
from penstock.wire.usage import Usage

_PERIOD_S = 60.0
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}

_ROUNDED = 500

FOR_CALLERS = 0.5
"""Share of each limit that requests of our own leave to callers: room for as much to come at once."""

ANTHROPIC = "anthropic-ratelimit-"
OPENAI = "x-ratelimit-"
_LEAST_OF_BOTH = "tokens"
"""Anthropic's ``tokens`` repeats whichever of the input and output limits is nearest: it is no bucket of its own."""


class Limit(msgspec.Struct, frozen=True):
    """One limit as an answer told it.

    Attributes:
        kind: ``requests``, ``tokens``, ``project-tokens``, ``input-tokens`` or ``output-tokens``.
        limit: for a minute.
        remaining: at least, when the request was counted. Anthropic tells tokens to the nearest thousand; half of one
            is taken off.
        reset_s: seconds until it is full again.
    """

    kind: str
    limit: int
    remaining: int
    reset_s: float


def limits_of(lines: Lines, now: float) -> list[Limit]:
    """The limits that an answer's headers tell; ``now`` in seconds since the epoch."""
    found: dict[str, dict[str, str]] = {}
    for raw_name, raw_value in lines:
        if b"ratelimit-" not in raw_name:
            continue
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        if name.startswith(ANTHROPIC):
            kind, _, part = name.removeprefix(ANTHROPIC).rpartition("-")
        elif name.startswith(OPENAI):
            part, _, kind = name.removeprefix(OPENAI).partition("-")
        else:
            continue
        found.setdefault(kind, {})[part] = value
    rounded = "input-tokens" in found or "output-tokens" in found
    if rounded:
        found.pop(_LEAST_OF_BOTH, None)
    limits = []
    for kind, parts in found.items():
        if kind not in PART:
            continue
        limit, remaining = _whole(parts.get("limit")), _whole(parts.get("remaining"))
        if limit and remaining is not None:
            if rounded and kind != "requests":
                remaining = max(0, remaining - _ROUNDED)
            limits.append(Limit(kind, limit, remaining, _seconds(parts.get("reset", ""), now)))
    return limits


Need = tuple[float, float, float]
"""What one request takes: requests, input tokens (OpenAI's one limit of tokens too), output tokens.

Output that nobody foresees is 0 here; the mean of recent answers stands in for it.
"""

PART = {"requests": 0, "input-tokens": 1, "tokens": 1, "project-tokens": 1, "output-tokens": 2}
"""Which part of a need each limit counts."""


def need_of(provider: str, model: str, usage: Usage, max_tokens: int | None = None) -> Need:
    """What a call with such a usage takes.

    Anthropic does not count what was read from a cache, except for Haiku 3.5, and counts output as it is written;
    OpenAI counts all input, and the output cap where that is larger.
    """
    if provider == "anthropic":
        profile = profile_of(model)
        reads = usage.cache_read if not isinstance(profile, Unknown) and profile.limits_count_reads else 0
        return 1.0, float(usage.input_uncached + usage.cache_write + reads), float(usage.output)
    return 1.0, float(max(usage.input_total, max_tokens or 0)), 0.0


class Bucket:
    """One limit between two answers: it fills at its rate, and running calls have taken from it.

    Time is monotonic seconds; ``uncounted`` is what others took that the provider may not have counted yet.
    """

    __slots__ = ("_at", "_level", "limit")

    def __init__(self, limit: Limit, now: float, uncounted: float = 0.0) -> None:
        self.limit = limit.limit
        self._level = limit.remaining - uncounted
        self._at = now

    def learn(self, limit: Limit, now: float, uncounted: float) -> None:
        """A new answer's word."""
        self.limit = limit.limit
        told = float(limit.remaining)
        self._level = min(told, max(self.level(now), told - uncounted))
        self._at = now

    def level(self, now: float) -> float:
        """What is there at ``now``."""
        return min(float(self.limit), self._level + (now - self._at) * self.limit / _PERIOD_S)

    def take(self, amount: float, now: float) -> None:
        """A call goes; the level may fall below zero."""
        self._level = self.level(now) - amount
        self._at = now

    def wait_s(self, amount: float, now: float) -> float:
        """Seconds until there is room; an amount beyond the limit needs a full bucket."""
        return self.wait_behind_s(amount, 0.0, now)

    def wait_behind_s(self, amount: float, ahead: float, now: float) -> float:
        """The same behind others that wait for ``ahead`` in all."""
        missing = ahead + min(amount, float(self.limit)) - self.level(now)
        return max(0.0, missing * _PERIOD_S / self.limit)

    def spare_wait_s(self, amount: float, now: float) -> float:
        """Seconds until ``FOR_CALLERS`` of the limit would be left after an amount; infinite where it never is."""
        kept = self.limit * FOR_CALLERS
        return math.inf if amount > self.limit - kept else self.wait_behind_s(amount, kept, now)


def _whole(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdigit() else None


def _seconds(text: str, now: float) -> float:
    parts = _DURATION.findall(text)
    if parts and "".join(number + unit for number, unit in parts) == text:
        return sum(float(number) * _UNITS[unit] for number, unit in parts)
    try:
        return max(0.0, datetime.fromisoformat(text).timestamp() - now)
    except ValueError:
        return 0.0

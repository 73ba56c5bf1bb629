"""Whether a failed try is repeated, and when. Providers' own words come first.

The official SDKs repeat by themselves and say so with ``x-stainless-retry-count``; their calls are tried once at each
address, so that tries never multiply.
"""

from __future__ import annotations

from collections.abc import Iterable
from email.utils import parsedate_to_datetime

from penstock.gateway.headers import Lines, header

REPEATABLE = frozenset({408, 409, 429, 500, 502, 503, 504, 529})
"""Statuses that may pass (provider-semantics 1.9, 2.7)."""

TOO_MANY = 429

UNHEALTHY = frozenset({500, 502, 503, 504, 529})
"""Statuses that speak against an address; 429 speaks about the caller's limits."""

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 8.0
"""Backoff between tries, as the SDKs have it."""


def repeats_by_itself(lines: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether the caller is an SDK that repeats failed requests."""
    return any(name == b"x-stainless-retry-count" for name, _ in lines)


def may_repeat(status: int, lines: Lines) -> bool:
    """Whether an answer invites another try."""
    word = header(lines, b"x-should-retry")
    if word in ("true", "false"):
        return word == "true"
    return status in REPEATABLE


def wait_of(tries: int, lines: Lines, *, now: float, draw: float) -> float:
    """Seconds to wait before the next try.

    Args:
        tries: so far, at least 1.
        lines: of the answer; ``retry-after-ms`` and ``retry-after`` count first.
        now: seconds since the epoch, for a ``retry-after`` that is a date.
        draw: uniform in 0..1; spreads the backoff over its upper quarter.
    """
    told = retry_after(lines, now)
    if told is not None:
        return told
    return float(min(FIRST_WAIT_S * 2 ** (tries - 1), LONGEST_WAIT_S)) * (1.0 - 0.25 * draw)


def retry_after(lines: Lines, now: float) -> float | None:
    """What the answer says about when to come back, in seconds; None when it says nothing that can be read."""
    millis = header(lines, b"retry-after-ms")
    if millis is not None:
        try:
            return max(0.0, float(millis) / 1000)
        except ValueError:
            pass
    text = header(lines, b"retry-after")
    if text is None:
        return None
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except ValueError:
        return None

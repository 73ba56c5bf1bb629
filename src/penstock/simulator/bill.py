"""What every call used and cost: the truth that Penstock's own figures are compared with."""

from __future__ import annotations

from collections import deque
from typing import Any

import msgspec

from penstock.money import ZERO, Picodollars, usd
from penstock.unknown import Unknown
from penstock.wire.usage import Usage


class Billed(msgspec.Struct, frozen=True, kw_only=True):
    """One call that a provider would charge for.

    Attributes:
        id: the id in the response's request id header.
        at: simulated time when the request started, seconds since the epoch.
        path: the HTTP path.
        model: the model asked for.
        usage: what was billed, disjoint buckets.
        cost: exact, or Unknown when a price is missing.
        tier: the service tier that the response names.
        task: the ``x-simulator-task`` or ``x-penstock-task`` header, if any reached the simulator.
        stream: whether the answer was streamed.
        finish: why the answer ended.
        complete: False when the stream was cut before its end; ``usage`` then holds what had been generated.
    """

    id: str
    at: float
    path: str
    model: str
    usage: Usage
    cost: Picodollars | Unknown
    tier: str
    task: str | None
    stream: bool
    finish: str
    complete: bool = True


class Logged(msgspec.Struct, frozen=True, kw_only=True):
    """One request as it reached the simulator, for tests that look at what was sent.

    Attributes:
        id: the request id.
        at: simulated time when it arrived.
        method: HTTP method.
        path: HTTP path with its query.
        headers: lower-case names; credentials are replaced by a digest.
        body: the bytes as they came.
        status: what the simulator answered; 0 when it closed the connection instead.
        model: the model asked for; empty when the body names none.
        faults: the kinds of the faults that were put on it.
    """

    id: str
    at: float
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    status: int
    model: str
    faults: tuple[str, ...]


class Bill:
    """All billed calls (the newest of them, when bounded) and the totals over all."""

    def __init__(self, keep: int | None = None) -> None:
        self._keep = keep
        self.clear()

    def clear(self) -> None:
        """Start anew."""
        self.calls: deque[Billed] = deque(maxlen=self._keep)
        self.total: int = ZERO
        self.unpriced = 0
        self._by_model: dict[str, dict[str, int]] = {}

    def add(self, billed: Billed) -> None:
        """Book a call."""
        self.calls.append(billed)
        totals = self._by_model.setdefault(billed.model, dict.fromkeys(_COLUMNS, 0))
        usage = billed.usage
        totals["calls"] += 1
        totals["input_uncached"] += usage.input_uncached
        totals["cache_read"] += usage.cache_read
        totals["cache_write"] += usage.cache_write
        totals["output"] += usage.output
        if isinstance(billed.cost, Unknown):
            self.unpriced += 1
            totals["unpriced"] += 1
        else:
            self.total += billed.cost
            totals["picodollars"] += billed.cost

    def summary(self) -> dict[str, Any]:
        """Totals for people and for the control endpoint; money in picodollars and as decimal USD text."""
        return {
            "calls": sum(totals["calls"] for totals in self._by_model.values()),
            "picodollars": self.total,
            "usd": str(usd(Picodollars(self.total))),
            "unpriced_calls": self.unpriced,
            "models": {model: dict(totals) for model, totals in sorted(self._by_model.items())},
        }


_COLUMNS = ("calls", "input_uncached", "cache_read", "cache_write", "output", "picodollars", "unpriced")

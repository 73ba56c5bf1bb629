"""The simulator's time: every lifetime, limit and timestamp of it runs on one of these clocks."""

from __future__ import annotations

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """Simulated seconds since the epoch, and how long a simulated wait takes on the wall."""

    def now(self) -> float:
        """The simulated time, in seconds since the epoch."""
        ...

    def wall(self, seconds: float) -> float:
        """Wall seconds that a simulated wait of ``seconds`` takes; 0 when waits only move numbers."""
        ...

    def advance(self, seconds: float) -> float:
        """Move the clock forward by ``seconds`` and return the new time; ValueError if negative."""
        ...


class RealClock:
    """The machine's clock, optionally faster: at speed 60 an hour of simulated time passes in a minute."""

    def __init__(self, speed: float = 1.0, start: float | None = None) -> None:
        if speed <= 0:
            raise ValueError("a clock's speed must be above 0")
        self.speed = speed
        self._started = time.monotonic()
        self._base = time.time() if start is None else start

    def now(self) -> float:
        """Start time plus elapsed wall time times the speed (plus what `advance` added)."""
        return self._base + (time.monotonic() - self._started) * self.speed

    def wall(self, seconds: float) -> float:
        """``seconds`` divided by the speed."""
        return max(0.0, seconds) / self.speed

    def advance(self, seconds: float) -> float:
        """Jump forward."""
        self._base += _forward(seconds)
        return self.now()


class ManualClock:
    """A clock that stands still until it is moved; waits take no wall time. It starts on 2026-11-22 (UTC)."""

    def __init__(self, start: float = 1_795_305_600.0) -> None:
        self._now = start
        self._lock = threading.Lock()

    def now(self) -> float:
        """The time that was last set."""
        return self._now

    def wall(self, seconds: float) -> float:  # noqa: ARG002 - the protocol's signature
        """Always 0."""
        return 0.0

    def advance(self, seconds: float) -> float:
        """Jump forward."""
        with self._lock:
            self._now += _forward(seconds)
            return self._now

    def set(self, now: float) -> None:
        """Move to a time at or after the present one; ValueError when it lies before."""
        with self._lock:
            if now < self._now:
                raise ValueError("a clock does not run backwards")
            self._now = now


def _forward(seconds: float) -> float:
    if not seconds >= 0:
        raise ValueError("a clock advances by 0 or more seconds")
    return seconds

"""Leaving a failing address alone for a while.

closed ──failures in a row──▶ open ──time──▶ half-open ──a probe succeeds──▶ closed
                               ▲                └──── the probe fails ────▶ open
"""

from __future__ import annotations

from typing import Literal

State = Literal["closed", "open", "half-open"]


class Breaker:
    """The health of one address. Time is an argument everywhere.

    Args:
        failures: in a row, after which it opens.
        open_s: for how long it stays open.
    """

    __slots__ = ("_failures", "_in_a_row", "_open_s", "_opened_at", "_probing", "opened")

    def __init__(self, failures: int, open_s: float) -> None:
        self._failures = failures
        self._open_s = open_s
        self._in_a_row = 0
        self._opened_at: float | None = None
        self._probing = False
        self.opened = 0

    def state(self, now: float) -> State:
        """How it stands at ``now``, monotonic seconds."""
        if self._opened_at is None:
            return "closed"
        return "half-open" if now >= self._opened_at + self._open_s else "open"

    def admit(self, now: float) -> bool:
        """Whether a call may go; in the half-open state one at a time. A call that was let in must be reported."""
        if self._opened_at is None:
            return True
        if self._probing or now < self._opened_at + self._open_s:
            return False
        self._probing = True
        return True

    def wait_s(self, now: float) -> float:
        """Seconds until a call could be let in."""
        return 0.0 if self._opened_at is None else max(0.0, self._opened_at + self._open_s - now)

    def succeeded(self) -> None:
        """A call was answered, be it with an error of the caller's."""
        self._in_a_row = 0
        self._opened_at = None
        self._probing = False

    def failed(self, now: float) -> None:
        """A call found nobody, or a server that cannot serve."""
        self._in_a_row += 1
        if self._probing or (self._opened_at is None and self._in_a_row >= self._failures):
            self._opened_at = now
            self.opened += 1
        self._probing = False

    def abandoned(self) -> None:
        """A call was given up before it showed anything."""
        self._probing = False

"""How much longer a call takes because it goes through the gateway, the provider's own time taken off.

    gateway   from the whole request to its first sending, and from the last byte of the answer to its showing, without
              the two below; of a stream only the first, for it is passed on while it comes
    hold      waiting for a sibling's cache write (``cache.hold_ms``)
    queue     waiting for room in the provider's limits, or for a throttled budget's turn

A second request of a call (an escalation, another try) is no delay of the gateway's: it is what the policy asks for.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

from penstock.gateway.metrics import Metrics

GATEWAY, HOLD, QUEUE = "gateway", "hold", "queue"


class Added:
    """The watch of one call; it runs from its making.

    Args:
        clock: seconds, monotonic.

    Attributes:
        held_s: seconds that it waited for a sibling.
    """

    __slots__ = ("_ahead_s", "_answered_at", "_began_at", "_clock", "held_s")

    def __init__(self, clock: Callable[[], float] = perf_counter) -> None:
        self._clock = clock
        self._began_at = clock()
        self._ahead_s = self._answered_at = -1.0
        self.held_s = 0.0

    def sent(self, queued_s: float) -> None:
        """The request goes to the provider; only the first time counts.

        Args:
            queued_s: seconds that it waited for room.
        """
        if self._ahead_s < 0.0:
            self._ahead_s = self._clock() - self._began_at - self.held_s - queued_s

    def answered(self) -> None:
        """The last byte of an answer that is shown as a whole has come."""
        self._answered_at = self._clock()

    def over(self, metrics: Metrics, queued_s: float) -> None:
        """The caller has its answer: count what was added. Nothing was to a call that was not sent.

        Args:
            metrics: to count in.
            queued_s: seconds that the call waited for room, all its requests together.
        """
        own = self._ahead_s
        if own < 0.0:
            return
        if self._answered_at >= 0.0:
            own += self._clock() - self._answered_at
        metrics.added(GATEWAY, own)
        if self.held_s:
            metrics.added(HOLD, self.held_s)
        if queued_s:
            metrics.added(QUEUE, queued_s)

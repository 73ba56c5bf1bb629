"""Where a gateway takes in what other processes on its ledger have learnt: on its event loop, between its calls."""

from __future__ import annotations

import asyncio
import threading

from penstock.ledger.evidencekeeper import PAUSE_S, Slice


class Intake:
    """Carries slices (``ledger.evidencekeeper.Carry``) onto the event loop, once it runs."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None

    def begin(self) -> None:
        """The running loop is the one in which the evidence is changed."""
        self._loop = asyncio.get_running_loop()

    def __call__(self, take: Slice, closing: threading.Event) -> None:  # noqa: ARG002 - a slice after it does nothing
        """Have all slices done; RuntimeError when the loop does not run yet, or any more."""
        if self._loop is None:
            raise RuntimeError("no event loop")
        self._loop.call_soon_threadsafe(self._step, self._loop, take)

    def _step(self, loop: asyncio.AbstractEventLoop, take: Slice) -> None:
        if take():
            loop.call_later(PAUSE_S, self._step, loop, take)

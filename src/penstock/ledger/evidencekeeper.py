"""Keeps what a process learnt from traffic in the ledger's file, and takes in what other processes learn there.

A snapshot is taken when a call ends and the last one is old enough, and at the close. Where calls end only a copy is
made; a thread turns it into rows, and looks from time to time whether others have written. What they have learnt is
added to this process's evidence in slices of half a millisecond, where the evidence is changed and no caller waits
(``Carry``); what all of them know counts each call once (``exchange``). The gates have a keeper of their own
(``gatekeeper``), which follows them within seconds.
"""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from penstock.engine.record import Call
from penstock.errors import InternalError
from penstock.evidence.store import Evidence
from penstock.ledger.exchange import Exchange, Growth
from penstock.ledger.learnt import Learnt, learnt
from penstock.ledger.sqlite import Ledger, open_ledger

EVERY_S = 60.0
"""Seconds between two snapshots, and between two looks at what others have learnt."""

SPARING = 100.0
"""What took long makes its next time wait so many times as long: at most a hundredth of a core."""

SLICE_S = 0.0005
"""Seconds of work in one slice of taking in."""

PAUSE_S = 0.005
"""Seconds between two slices."""

POLL_S = 1.0
"""Seconds between two looks at whether others have written at all."""

Slice = Callable[[], bool]
"""Does a slice of taking in; whether there is more."""

Carry = Callable[[Slice, threading.Event], object]
"""Has slices done where the evidence is changed, ``PAUSE_S`` apart, until there are no more or the event is set.

Called from the keeper's thread; RuntimeError when it cannot be done now.
"""


class EvidenceKeeper:
    """Made once for each process and ledger, before its engine's context; ``close`` writes what is left.

    Args:
        path: the ledger's file.
        clock: seconds since the epoch.
        writer: a name of this process.
        every_s: see ``EVERY_S``.
        sparing: see ``SPARING``.
        carry: where others' learning is taken in; None takes in when calls end.

    Attributes:
        evidence: what the file holds; the engine goes on with it.
        broken: names of parts that could not be read and begin empty.
        saved: snapshots written.
        taken: how often what others had learnt was taken in.
        failing: the message of the last write or look if it failed, else None.

    Raises:
        InputError: the file cannot be opened.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        clock: Callable[[], float],
        writer: str,
        every_s: float = EVERY_S,
        sparing: float = SPARING,
        carry: Carry | None = None,
    ) -> None:
        self._clock = clock
        self._every_s = every_s
        self._sparing = sparing
        self._poll_s = max(0.01, min(POLL_S, every_s))
        self._carry = carry
        self._ledger: Ledger = open_ledger(path)
        self._exchange = Exchange(self._ledger.evidence, writer)
        self.evidence, self.broken = self._exchange.begin()
        self._failures: Counter[str] = Counter()
        self._due = clock() + every_s
        self._look_at = time.monotonic() + every_s
        self._unsaved = False
        self._behind = False
        self._copy: tuple[int, dict[str, Callable[[], Any]]] | None = None
        self._taking: Iterator[None] | None = None
        self._carried = True
        self._given = 0
        self.taken = 0
        self._closing = threading.Event()
        self._something = threading.Event()
        self.saved = 0
        self.failing: str | None = None
        self._thread = threading.Thread(target=self._run, name="penstock-evidence", daemon=True)
        self._thread.start()

    def begin(self, evidence: Evidence, failures: Counter[str]) -> None:
        """Follow an evidence that was not made here: what the file holds is added to it.

        Args:
            evidence: the engine's.
            failures: the engine's count of what failed open; broken parts are counted in it.
        """
        failures.update(f"evidence: {part} could not be read" for part in self.broken)
        self._failures = failures
        if evidence is not self.evidence:
            evidence.merge(self.evidence)
            self.evidence = evidence

    def heard(self, call: Call) -> None:  # noqa: ARG002 - one of the books' listeners
        """A call ended: take a snapshot when one is due. Called where the evidence is changed.

        Where others have written, the file is looked at first: what they have learnt is then in the snapshot too, and
        nothing has to be added up in the file.
        """
        self._unsaved = True
        if self._taking is not None:
            if self._carry is None:
                self._slice()
        elif self._copy is None and self._clock() >= self._due:
            if self._behind:
                self._look_at = 0.0
            else:
                self._unsaved = False
                self._copy = self.taken, self.evidence.snapshot()
            self._something.set()

    def close(self, timeout_s: float = 30.0) -> bool:
        """Write a last snapshot and close the file; False when it could not be written. Call it when no call runs."""
        self._closing.set()
        self._something.set()
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            return False
        self._ledger.close()
        return self.failing is None

    def _run(self) -> None:
        while True:
            self._something.wait(self._poll_s)
            self._something.clear()
            if self._closing.is_set():
                self._finish()
                return
            copy = self._copy
            if copy is not None:
                self._write(*copy)
                self._copy = None
            else:
                self._look()
            if self._taking is not None and not self._carried:
                self._hand_over()

    def _write(self, taken: int, parts: dict[str, Callable[[], Any]]) -> None:
        """Turn a copy into rows and keep them, unless it was made before something given was taken in."""
        if taken != self._given:
            self._unsaved = True  # the next call's end makes another
            return
        started, at = time.perf_counter(), self._clock()
        if self._tried(lambda: self._exchange.write(_rows(parts, at), at)):
            self.saved += 1
        else:
            self._unsaved = True
        self._due = at + max(self._every_s, self._sparing * (time.perf_counter() - started))

    def _look(self) -> None:
        """See what others have learnt, unless what they had learnt before is still being taken in."""
        started = time.perf_counter()
        if self._taking is not None or not self._tried(self._changed) or not self._behind:
            return
        if time.monotonic() >= self._look_at:
            self._behind = not self._tried(self._exchange.look)
            self._look_at = time.monotonic() + max(self._every_s, self._sparing * (time.perf_counter() - started))

    def _changed(self) -> None:
        self._behind = self._exchange.changed()

    def _tried(self, work: Callable[[], Growth | None]) -> bool:
        """Do something with the file, and give what others have learnt; a failure is said and tried again later."""
        try:
            growth = work()
        except InternalError as error:
            self.failing = str(error)
            return False
        except Exception as error:  # noqa: BLE001 - a part in trouble may not end the thread
            self.failing = type(error).__name__
            return False
        self.failing = None
        if growth is not None:
            self._given += 1
            self._carried = self._carry is None
            self._taking = self.evidence.advancing(*growth)
        return True

    def _hand_over(self) -> None:
        assert self._carry is not None  # noqa: S101 - without one there is nothing to hand over
        self._carried = True
        try:
            self._carry(self._slice, self._closing)
        except RuntimeError:
            self._carried = False

    def _slice(self) -> bool:
        """Take in for a while; whether there is more."""
        return not self._closing.is_set() and self._take_in(time.perf_counter() + SLICE_S)

    def _take_in(self, until: float) -> bool:
        taking = self._taking
        if taking is None:
            return False
        try:
            for _ in taking:
                if time.perf_counter() >= until:
                    return True
        except Exception as error:  # noqa: BLE001 - what others have learnt may not stop a call
            self._failures[f"evidence: {type(error).__name__} while taking in"] += 1
        self._taking = None
        self.taken += 1
        return False

    def _finish(self) -> None:
        """The last snapshot. No call runs, so this thread may take in what is left."""
        self._take_in(math.inf)
        if self._unsaved or self._copy is not None:
            self._write(self._given, self.evidence.snapshot())


def _rows(parts: dict[str, Callable[[], Any]], at: float) -> list[Learnt]:
    return [learnt(name, values(), at) for name, values in parts.items()]


class UnderLock:
    """Carries slices in the keeper's own thread, each under the lock under which the evidence is changed."""

    def __init__(self, lock: threading.RLock) -> None:
        self._lock = lock

    def __call__(self, take: Slice, closing: threading.Event) -> None:
        """Do all slices."""
        more = True
        while more and not closing.is_set():
            if self._lock.acquire(timeout=PAUSE_S):
                try:
                    more = take()
                finally:
                    self._lock.release()
                closing.wait(PAUSE_S)

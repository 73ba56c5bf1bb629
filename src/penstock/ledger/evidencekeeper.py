"""Keeps what a process learnt from traffic in the ledger's file, so that a restart goes on where it stopped.

A snapshot is taken when a call ends and the last one is old enough, and at the close. Where calls end only a copy is
made; a thread turns it into rows. Where other processes write to the file too, each adds what it has learnt since its
last snapshot to what stands there, so that a restart goes on with what all of them learnt, counted once
(decision 0014). The gates have a keeper of their own (``gatekeeper``), which follows them within seconds.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from penstock.engine.record import Call
from penstock.errors import InternalError
from penstock.evidence.store import Evidence
from penstock.ledger.learnt import Learnt, Stamp, evidence_of, learnt
from penstock.ledger.sqlite import Ledger, open_ledger

EVERY_S = 60.0
"""Seconds between two snapshots."""

SPARING = 100.0
"""A snapshot that took long makes the next one wait so many times as long: at most a hundredth of a core."""


class EvidenceKeeper:
    """Made once for each process and ledger, before its engine's context; ``close`` writes what is left.

    Args:
        path: the ledger's file.
        clock: seconds since the epoch.
        writer: a name of this process.
        every_s: see ``EVERY_S``.

    Attributes:
        evidence: what the file holds; the engine goes on with it.
        broken: names of parts that could not be read and begin empty.
        saved: snapshots written.
        failing: the message of the last write if it failed, else None.

    Raises:
        InputError: the file cannot be opened.
    """

    def __init__(self, path: str | Path, *, clock: Callable[[], float], writer: str, every_s: float = EVERY_S) -> None:
        self._clock = clock
        self._writer = writer
        self._every_s = every_s
        self._ledger: Ledger = open_ledger(path)
        shelf = self._ledger.evidence
        self._stamp, self._last = shelf.stamp(), shelf.rows()
        self._alone = True
        self.evidence, self.broken = shelf.load()
        self._due = clock() + every_s
        self._heard = 0
        self._copy: dict[str, Callable[[], Any]] | None = None
        self._closing = False
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
        if evidence is not self.evidence:
            evidence.merge(self.evidence)
            self.evidence = evidence

    def heard(self, call: Call) -> None:  # noqa: ARG002 - one of the books' listeners
        """A call ended: take a snapshot when one is due. Called where the evidence is changed."""
        self._heard += 1
        if self._copy is None and self._clock() >= self._due:
            self._take()

    def close(self, timeout_s: float = 30.0) -> bool:
        """Write a last snapshot and close the file; False when it could not be written. Call it when no call runs."""
        self._closing = True
        self._something.set()
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            return False
        self._ledger.close()
        return self.failing is None

    def _take(self) -> None:
        self._heard = 0
        self._copy = self.evidence.snapshot()
        self._something.set()

    def _run(self) -> None:
        while True:
            self._something.wait()
            self._something.clear()
            if self._copy is not None:
                self._write(self._copy)
                self._copy = None
            if self._closing:
                if self._heard:
                    self._write(self.evidence.snapshot())
                return

    def _write(self, parts: dict[str, Callable[[], Any]]) -> None:
        """Turn a copy into rows and keep them; a failure is said and the next snapshot tries again."""
        started, at = time.perf_counter(), self._clock()
        try:
            self._keep([learnt(name, values(), at) for name, values in parts.items()], at)
        except InternalError as error:
            self.failing = str(error)
        except Exception as error:  # noqa: BLE001 - a part in trouble may not end the thread
            self.failing = type(error).__name__
        else:
            self.saved += 1
            self.failing = None
        self._due = at + max(self._every_s, SPARING * (time.perf_counter() - started))

    def _keep(self, rows: list[Learnt], at: float) -> None:
        """Keep rows; where others wrote, what was learnt since the last ones is added to what they left."""
        shelf = self._ledger.evidence
        kept: Stamp | None = None
        while kept is None:
            found = shelf.stamp()
            alone = self._alone and found == self._stamp
            kept = shelf.save(rows if alone else self._added(rows, at), self._writer, found)
            self._alone = alone
        self._stamp, self._last = kept, rows

    def _added(self, rows: list[Learnt], at: float) -> list[Learnt]:
        earlier, now = evidence_of(self._last)[0], evidence_of(rows)[0]
        shared, broken = self._ledger.evidence.load()
        whole = set(broken) | (_parts(self._last) - _parts(self._ledger.evidence.rows()))
        shared.advance(earlier, now)
        for part in filter(now.keeps, whole):
            setattr(shared, part, getattr(now, part))
        return [learnt(name, values(), at) for name, values in shared.snapshot().items()]


def _parts(rows: list[Learnt]) -> set[str]:
    return {row.part for row in rows}

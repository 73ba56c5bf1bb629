"""Keeps a process's gates in the ledger's file, and tells the process what was decided elsewhere.

At the start the gates of the file become the process's own. From then on a change is written within seconds by a
thread; a change of state at once. The same thread looks for decisions by hand, and for gates whose state another
process changed later: a demotion anywhere is a demotion everywhere. Evidence itself is not added up between processes
that write to one file; the last one to write is who a restart goes on from.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path

from penstock.engine.gates import Gates
from penstock.errors import InternalError
from penstock.evidence.gate import Gate
from penstock.ledger.gates import Order, SavedGate, obey, saved
from penstock.ledger.sqlite import Ledger, open_ledger

EVERY_S = 2.0
"""Seconds between two looks, and between two writes of one gate while only its evidence changes."""

_OVERLAP_S = 60.0  # clocks of several hosts may differ by so much


class GateKeeper:
    """Made once for each process and ledger; ``close`` writes what is left.

    Args:
        gates: of the engine's context, before its first call.
        path: the ledger's file.
        clock: seconds since the epoch.
        writer: a name of this process, unlike any other's.
        every_s: see ``EVERY_S``.

    Attributes:
        failing: the message of the last write if it failed, else None.

    Raises:
        InputError: the file cannot be opened.
    """

    def __init__(
        self, gates: Gates, path: str | Path, *, clock: Callable[[], float], writer: str, every_s: float = EVERY_S
    ) -> None:
        self._gates = gates
        self._clock = clock
        self._writer = writer
        self._every_s = every_s
        self._ledger: Ledger = open_ledger(path)
        self._written: dict[tuple[str, str], tuple[float, int]] = {}
        self._stale: dict[tuple[str, str], Gate] = {}
        self._queue: deque[SavedGate] = deque()
        self._closing = threading.Event()
        self._something = threading.Event()
        self._seen = clock()
        self.failing: str | None = None
        gates.book.merge(self._ledger.gates.book())
        self._obeyed = self._ledger.gates.last_order()
        gates.changed = self.changed
        self._thread = threading.Thread(target=self._run, name="penstock-gates", daemon=True)
        self._thread.start()

    def changed(self, gate: Gate) -> None:
        """A gate's evidence or state changed: keep it, now or soon. Called where gates are changed."""
        key = (gate.task, gate.candidate)
        at = self._clock()
        written, entries = self._written.get(key, (0.0, -1))
        if len(gate.history) == entries and at - written < self._every_s:
            self._stale[key] = gate
            return
        self._stale.pop(key, None)
        self._written[key] = (at, len(gate.history))
        self._queue.append(saved(gate, at))
        self._something.set()

    def close(self, timeout_s: float = 10.0) -> bool:
        """Write what waits and close the file; False when it could not be written. Call it when no call runs."""
        at = self._clock()
        self._queue.extend(saved(gate, at) for gate in self._stale.values())
        self._stale.clear()
        self._gates.changed = None
        self._closing.set()
        self._something.set()
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            return False
        self._ledger.close()
        return not self._queue

    def _run(self) -> None:
        while True:
            self._something.wait(self._every_s)
            self._something.clear()
            closing = self._closing.is_set()
            try:
                self._write()
                if not closing:
                    self._look()
                self.failing = None
            except InternalError as error:
                self.failing = str(error)
            except Exception as error:  # noqa: BLE001 - a file in trouble may not end the thread
                self.failing = type(error).__name__
            if closing:
                return
            if self.failing is not None:
                self._closing.wait(self._every_s)

    def _write(self) -> None:
        batch = list(self._queue)
        if batch:
            self._ledger.gates.save(batch, self._writer)
            for _ in batch:
                self._queue.popleft()

    def _look(self) -> None:
        shelf = self._ledger.gates
        for order in shelf.orders(self._obeyed):
            self._obeyed = order.number
            self._gates.inbox.append(partial(self._obey, order))
        at = self._clock()
        for gate in shelf.of_others(self._writer, self._seen - _OVERLAP_S):
            self._gates.inbox.append(partial(self._adopt, gate))
        self._seen = at

    def _obey(self, order: Order) -> None:
        """Carry out a decision in this process's book."""
        if obey(self._gates.book, order):
            self.changed(self._gates.book.gates[order.task][order.candidate])

    def _adopt(self, gate: Gate) -> None:
        """Take over another process's gate when its state changed later than ours."""
        mine = self._gates.book.gates.get(gate.task, {}).get(gate.candidate)
        if mine is None or (mine.identity == gate.identity and gate.entered_at > mine.entered_at):
            self._gates.book.gates.setdefault(gate.task, {})[gate.candidate] = gate

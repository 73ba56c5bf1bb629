"""Where a driver's records go: the ledger, the traffic log, and what listens for finished calls."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

from penstock.engine.record import Call
from penstock.ledger.sqlite import Amended, Ledger, open_ledger
from penstock.ledger.traffic import Exchanged, TrafficLog
from penstock.ledger.writer import Writer


class Books:
    """Keeps records off the caller's path. Each part is optional.

    Args:
        ledger: the ledger's file, or None.
        record: the file for full traffic, or None.
        recent: how many finished calls to keep in memory.

    Attributes:
        recent: the newest calls, oldest first.
        heard: functions that are given each finished call; they must be quick and must not raise.

    Raises:
        InputError: a file cannot be opened.
    """

    def __init__(
        self, *, ledger: str | Path | None = None, record: str | Path | None = None, recent: int = 1000
    ) -> None:
        self.recent: deque[Call] = deque(maxlen=recent)
        self.heard: list[Callable[[Call], None]] = []
        self._ledger: Ledger | None = open_ledger(ledger) if ledger is not None else None
        self._calls: Writer[Call | Amended] | None = None
        self._traffic: Writer[Exchanged] | None = None
        self._log: TrafficLog | None = None
        try:
            if record is not None:
                self._log = TrafficLog(record)
                self._traffic = Writer(self._log.append, capacity=10_000, name="penstock-traffic")
        except BaseException:
            if self._ledger is not None:
                self._ledger.close()
            raise
        if self._ledger is not None:
            self._calls = Writer(self._ledger.write, name="penstock-ledger")

    @property
    def records_traffic(self) -> bool:
        """Whether full traffic is kept."""
        return self._traffic is not None

    @property
    def ledger_path(self) -> str | None:
        """The ledger's file, or None."""
        return None if self._ledger is None else self._ledger.path

    @property
    def writers(self) -> dict[str, Writer[Call | Amended] | Writer[Exchanged]]:
        """The queues by name, for metrics."""
        found: dict[str, Writer[Call | Amended] | Writer[Exchanged]] = {}
        if self._calls is not None:
            found["ledger"] = self._calls
        if self._traffic is not None:
            found["traffic"] = self._traffic
        return found

    def earlier(self, since: float) -> Iterator[Call]:
        """Calls that the ledger's file has from a time on, oldest first; nothing without a file."""
        if self._ledger is not None:
            with open_ledger(self._ledger.path) as reader:
                yield from reader.calls(since=since)

    def keep(self, call: Call) -> None:
        """Keep a finished call."""
        self.recent.append(call)
        if self._calls is not None:
            self._calls.put(call)
        for listen in self.heard:
            listen(call)

    def amend(self, call: Call) -> None:
        """Put a record in the place of the one of the same id that was kept."""
        for index, kept in enumerate(self.recent):
            if kept.id == call.id:
                self.recent[index] = call
        if self._calls is not None:
            self._calls.put(Amended(call))

    def keep_traffic(self, exchanged: Exchanged) -> None:
        """Keep a call's traffic, if that was asked for."""
        if self._traffic is not None:
            self._traffic.put(exchanged)

    def close(self, timeout_s: float = 10.0) -> bool:
        """Write what waits and close the files; False when something could not be written."""
        clean = [writer.close(timeout_s) for writer in self.writers.values()]
        if self._ledger is not None:
            self._ledger.close()
        if self._log is not None:
            self._log.close()
        return all(clean)

"""Keeping records off the hot path: a bounded queue and one thread that writes what gathers in it.

Nothing that a caller waits for is done here. When a sink fails (a full disk) its items stay in the queue and are tried
again; when the queue is full the newest item is refused and counted, and traffic goes on.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Generic, TypeVar

from penstock.errors import InternalError

Item = TypeVar("Item")

MOST_AT_ONCE = 512
"""Items in one call of the sink."""


class Writer(Generic[Item]):
    """Hands items to a sink in batches, in order, each exactly once unless it is refused.

    Args:
        sink: keeps a batch, all or none; raises InternalError when it cannot now.
        capacity: items that may wait.
        gather_s: how long to let items gather before a write.
        retry_s: pause after a failed write.
        name: of the thread.

    Attributes:
        written: items that the sink kept.
        refused: items that were dropped because the queue was full, or lost at the close.
        failing: the message of the last write if it failed, else None.
    """

    def __init__(
        self,
        sink: Callable[[Sequence[Item]], object],
        *,
        capacity: int = 100_000,
        gather_s: float = 0.05,
        retry_s: float = 1.0,
        name: str = "penstock-writer",
    ) -> None:
        self._sink = sink
        self._capacity = capacity
        self._gather_s = gather_s
        self._retry_s = retry_s
        self._queue: deque[Item] = deque()
        self._something = threading.Event()
        self._closing = threading.Event()
        self.written = 0
        self.refused = 0
        self.failing: str | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Items in the queue."""
        return len(self._queue)

    def put(self, item: Item) -> bool:
        """Queue an item; False when the queue is full or closed and the item is refused. Never waits."""
        if len(self._queue) >= self._capacity or self._closing.is_set():
            self.refused += 1
            return False
        self._queue.append(item)
        if not self._something.is_set():
            self._something.set()
        return True

    def close(self, timeout_s: float = 10.0) -> bool:
        """Write what waits and stop; False when something could not be written in time."""
        self._closing.set()
        self._something.set()
        self._thread.join(timeout_s)
        left = len(self._queue)
        self.refused += left
        return left == 0 and not self._thread.is_alive()

    def _run(self) -> None:
        while True:
            self._something.wait()
            if not self._closing.is_set():
                self._closing.wait(self._gather_s)  # let a batch gather
            self._something.clear()
            if not self._drain() and self._closing.is_set():
                return
            if self._closing.is_set() and not self._queue:
                return
            if self.failing is not None:
                self._closing.wait(self._retry_s)
                self._something.set()

    def _drain(self) -> bool:
        """Write everything that waits; False when a write failed."""
        size = MOST_AT_ONCE
        while self._queue:
            batch = list(islice(self._queue, size))
            try:
                self._sink(batch)
            except InternalError as error:
                self.failing = str(error)
                return False
            except Exception as error:  # noqa: BLE001 - one item that cannot be kept must not stop the others
                if len(batch) > 1:
                    size = 1  # find it
                    continue
                self.failing = f"an item could not be kept ({type(error).__name__})"
                self._queue.popleft()
                self.refused += 1
                continue
            self.failing = None
            for _ in batch:
                self._queue.popleft()
            self.written += len(batch)
        return True

"""A few request bodies of each task, kept only while an audit runs, to see in what ways the task's prompts differ.

Bodies are chosen by the smallest hashes of their digests, so that the choice does not depend on the order of reading,
and two parts of a log give the same sample as the whole.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator

from xxhash import xxh3_64_intdigest

from penstock.wire.dialect import Dialect

SAMPLE = 16
"""Bodies kept for a task."""

LARGEST = 1 << 20
"""A larger body is not kept."""

TASKS = 2000
"""Past so many tasks, new ones get no sample."""

Body = tuple[Dialect, bytes]


class Samples:
    """Bottom-k samples by task."""

    def __init__(self, size: int = SAMPLE) -> None:
        self._size = size
        # A heap of (-hash, dialect, body): its first element is the one to give up.
        self._heaps: dict[str, list[tuple[int, Dialect, bytes]]] = {}

    def add(self, task: str, dialect: Dialect, body: bytes) -> None:
        """Offer a body."""
        if len(body) > LARGEST:
            return
        heap = self._heaps.get(task)
        if heap is None:
            if len(self._heaps) >= TASKS:
                return
            heap = self._heaps[task] = []
        rank = -xxh3_64_intdigest(body)
        if len(heap) < self._size:
            if all(rank != other for other, _, _ in heap):
                heapq.heappush(heap, (rank, dialect, body))
        elif rank > heap[0][0] and all(rank != other for other, _, _ in heap):
            heapq.heapreplace(heap, (rank, dialect, body))

    def of(self, task: str) -> list[Body]:
        """The sample of a task, in the order of hashes."""
        return [(dialect, body) for _, dialect, body in sorted(self._heaps.get(task, ()), reverse=True)]

    def merge(self, other: Samples) -> None:
        """Add another part's samples."""
        for task in other.tasks():
            for dialect, body in other.of(task):
                self.add(task, dialect, body)

    def tasks(self) -> Iterator[str]:
        """Tasks that have a sample."""
        return iter(self._heaps)

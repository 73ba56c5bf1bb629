"""A bounded memory of what was computed before, so that a growing conversation costs only its new turns."""

from __future__ import annotations

from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Memo(Generic[K, V]):
    """Keeps the most recently used values in two generations: when the young one is full the old one is dropped.

    It never changes a result, only what it costs, and may be shared by threads.
    """

    __slots__ = ("_most", "_old", "_weight", "_young")

    def __init__(self, most: int) -> None:
        """``most`` is the weight of one generation; at most two are held."""
        self._most = most
        self._weight = 0
        self._young: dict[K, tuple[V, int]] = {}
        self._old: dict[K, tuple[V, int]] = {}

    def get(self, key: K) -> V | None:
        """The value put under a key, or None when there is none any more."""
        held = self._young.get(key)
        if held is None:
            held = self._old.get(key)
            if held is None:
                return None
            self.put(key, *held)
        return held[0]

    def put(self, key: K, value: V, weight: int = 1) -> None:
        """Keep a value; one that is heavier than a whole generation is not kept."""
        if weight > self._most:
            return
        self._weight += weight
        if self._weight > self._most:
            self._old, self._young, self._weight = self._young, {}, weight
        self._young[key] = (value, weight)

    def __len__(self) -> int:
        return len(self._young.keys() | self._old.keys())

"""The entries of a prompt cache: a tree of prefixes whose nodes hold the entries that end there.

A path is a sequence of steps (block ids, and the settings of each level); equal paths are equal prefixes. Only prefixes
with live entries have nodes, so a look-up ends at the first step that nobody stored, and memory is bounded by the live
entries: once as many were added as were alive at the last sweep, the expired ones are swept out.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from penstock.cachemodel.admission import DEFAULTS, Decisions

_SWEEP_AT_LEAST = 4096
MINUTE = 60.0
"""The window of ``arrivals``: rates of machines are per minute."""


class Life:
    """One entry: when it was last written or read, and from when on it can be read."""

    __slots__ = ("base", "lifetime_s", "readable_at")

    def __init__(self, base: float, readable_at: float, lifetime_s: float) -> None:
        self.base = base
        self.readable_at = readable_at
        self.lifetime_s = lifetime_s


class Node:
    """One prefix."""

    __slots__ = ("children", "entries", "parent", "step")

    def __init__(self, parent: Node | None, step: Hashable) -> None:
        self.parent = parent
        self.step = step
        self.children: dict[Hashable, Node] = {}
        self.entries: dict[str, Life] = {}


class CacheState:
    """What a provider has cached at a moment. Times are seconds and must not run backwards between sweeps.

    Attributes:
        decisions: what to do where the documentation is silent.
        arrivals: start times of the latest minute's requests by stream; kept only where machines overflow.
    """

    def __init__(self, decisions: Decisions = DEFAULTS) -> None:
        self.decisions = decisions
        self._root = Node(None, None)
        self._stored = 0
        self._sweep_at = _SWEEP_AT_LEAST
        self.arrivals: dict[Hashable, list[float]] = {}

    def nodes(self, path: Sequence[Hashable]) -> list[Node]:
        """The nodes along a path as far as anything is stored there; shorter than the path after the last one."""
        found: list[Node] = []
        node = self._root
        for step in path:
            child = node.children.get(step)
            if child is None:
                break
            found.append(child)
            node = child
        return found

    def readable(self, node: Node, at: float) -> list[tuple[str, Life]]:
        """The entries of a node that a request starting at ``at`` can read, longest lifetime first."""
        if not node.entries:
            return []
        live = [
            (ttl, life)
            for ttl, life in node.entries.items()
            if life.readable_at <= at and self._alive(life, at - life.base)
        ]
        if len(live) > 1:
            live.sort(key=lambda pair: -pair[1].lifetime_s)
        return live

    def put(self, node: Node, ttl: str, life: Life) -> None:
        """Store an entry at a node of this state, or renew the one of that lifetime that is there.

        A renewal counts from the later start, and never takes back that an entry can already be read.
        """
        old = node.entries.get(ttl)
        if old is None:
            self._stored += 1
            node.entries[ttl] = life
            return
        if self._alive(old, life.base - old.base):
            old.readable_at = min(old.readable_at, life.readable_at)
            old.base = max(old.base, life.base)
            old.lifetime_s = life.lifetime_s
        else:
            node.entries[ttl] = life

    def extend(self, path: Sequence[Hashable]) -> list[Node]:
        """The nodes of a whole path, made where they are missing; the caller stores an entry at the last one."""
        found: list[Node] = []
        node = self._root
        for step in path:
            child = node.children.get(step)
            if child is None:
                child = node.children[step] = Node(node, step)
            found.append(child)
            node = child
        return found

    def sweep_if_due(self, at: float) -> None:
        """Drop what has expired by ``at``, when enough was stored since the last sweep to make it worth the walk."""
        if self._stored >= self._sweep_at:
            self.sweep(at)

    def sweep(self, at: float) -> None:
        """Drop every entry that has expired by ``at`` and every prefix without entries."""
        live = 0
        pending: list[Node] = [self._root]
        order: list[Node] = []
        while pending:
            node = pending.pop()
            order.append(node)
            pending.extend(node.children.values())
        for node in reversed(order):
            expired = [ttl for ttl, life in node.entries.items() if not self._alive(life, at - life.base)]
            for ttl in expired:
                del node.entries[ttl]
            live += len(node.entries)
            if not node.entries and not node.children and node.parent is not None:
                del node.parent.children[node.step]
        self.arrivals = {key: times for key, times in self.arrivals.items() if times and at - times[-1] <= MINUTE}
        self._stored = live
        self._sweep_at = max(_SWEEP_AT_LEAST, 2 * live)

    def __len__(self) -> int:
        """Stored entries, expired ones that were not swept yet included."""
        return self._stored

    def _alive(self, life: Life, age: float) -> bool:
        return age < life.lifetime_s or (age == life.lifetime_s and self.decisions.valid_at_boundary)

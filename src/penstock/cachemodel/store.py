"""The entries of a prompt cache: a tree of prefixes whose nodes hold the entries that end there.

A path is a sequence of steps (block ids, and the settings of each level); equal paths are equal prefixes. Only prefixes
with live entries have nodes, so a look-up ends at the first step that nobody stored, and memory is bounded by the live
entries: once as many were added as were alive at the last sweep, the expired ones are swept out.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import msgspec

from penstock.cachemodel.admission import DEFAULTS, Decisions

_SWEEP_AT_LEAST = 4096
MINUTE = 60.0
"""The window of ``arrivals``: rates of machines are per minute."""


class Life(msgspec.Struct, frozen=True):
    """One entry of a prefix.

    Attributes:
        ttl: the name of its lifetime; a prefix has at most one entry of each.
        base: the start of the request that wrote or last read it, seconds.
        readable_at: from when on it can be read: when the response that wrote it began.
        lifetime_s: how long it lives from ``base`` on.
    """

    ttl: str
    base: float
    readable_at: float
    lifetime_s: float


class Node:
    """One prefix: its entries, and the prefixes that are one step longer."""

    __slots__ = ("children", "lives", "parent", "step")

    def __init__(self, parent: Node | None, step: Hashable) -> None:
        self.parent = parent
        self.step = step
        self.children: dict[Hashable, Node] | None = None
        self.lives: tuple[Life, ...] = ()


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
        children = self._root.children
        for step in path:
            child = children.get(step) if children else None
            if child is None:
                break
            found.append(child)
            children = child.children
        return found

    def extend(self, path: Sequence[Hashable]) -> list[Node]:
        """The nodes of a whole path, made where they are missing; the caller stores an entry at the last one."""
        found = self.nodes(path)
        node = found[-1] if found else self._root
        for step in path[len(found) :]:
            child = Node(node, step)
            if node.children is None:
                node.children = {}
            node.children[step] = child
            found.append(child)
            node = child
        return found

    def readable(self, node: Node, at: float) -> list[Life]:
        """The entries of a node that a request starting at ``at`` can read."""
        return [life for life in node.lives if life.readable_at <= at and self._alive(life, at)]

    def put(self, node: Node, life: Life) -> None:
        """Store an entry at a node of this state, or renew the one of that lifetime that is there.

        A renewal counts from the later start, and never takes back that an entry can already be read.
        """
        lives = node.lives
        if len(lives) == 1 and lives[0].ttl == life.ttl:  # nearly always, and on every node of a grid prompt
            node.lives = (self._renewed(lives[0], life),)
            return
        kept = [old for old in lives if old.ttl != life.ttl]
        if len(kept) == len(node.lives):
            self._stored += 1
        else:
            old = next(old for old in node.lives if old.ttl == life.ttl)
            life = self._renewed(old, life)
        node.lives = (*kept, life) if kept else (life,)

    def _renewed(self, old: Life, new: Life) -> Life:
        """An entry after another write or read of the same lifetime."""
        if not self._alive(old, new.base):
            return new
        readable_at = min(new.readable_at, old.readable_at)
        return Life(new.ttl, max(new.base, old.base), readable_at, new.lifetime_s)

    def sweep_if_due(self, at: float) -> None:
        """Drop what has expired by ``at``, when enough was stored since the last sweep to make it worth the walk."""
        if self._stored >= self._sweep_at:
            self.sweep(at)

    def sweep(self, at: float) -> None:
        """Drop every entry that has expired by ``at`` and every prefix without entries."""
        order = [self._root]
        for node in order:
            if node.children:
                order.extend(node.children.values())
        self._stored = 0
        for node in reversed(order):
            node.lives = tuple([life for life in node.lives if self._alive(life, at)])
            self._stored += len(node.lives)
            if not node.lives and not node.children and node.parent is not None and node.parent.children:
                del node.parent.children[node.step]
        self.arrivals = {key: times for key, times in self.arrivals.items() if times and at - times[-1] <= MINUTE}
        self._sweep_at = max(_SWEEP_AT_LEAST, 2 * self._stored)

    def __len__(self) -> int:
        """Stored entries, expired ones that were not swept yet included."""
        return self._stored

    def _alive(self, life: Life, at: float) -> bool:
        age = at - life.base
        return age < life.lifetime_s or (age == life.lifetime_s and self.decisions.valid_at_boundary)

"""How many calls pass through each prefix."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable

from penstock.audit.row import CallRow
from penstock.audit.tree import ROOT, PrefixTree


def visits(tree: PrefixTree, rows: Iterable[CallRow]) -> dict[int, int]:
    """Node -> calls whose prompt begins with the prefix that ends there; each node is looked at once."""
    counts: Counter[int] = Counter(row.leaf for row in rows if row.leaf != ROOT)
    # A parent's index is below its children's, so the largest index left is always complete.
    waiting = [-node for node in counts]
    heapq.heapify(waiting)
    found: dict[int, int] = {}
    while waiting:
        node = -heapq.heappop(waiting)
        if node in found:
            continue
        found[node] = counts[node]
        parent = tree.nodes[node].parent
        if parent != ROOT:
            if parent not in counts:
                heapq.heappush(waiting, -parent)
            counts[parent] += counts[node]
    return found

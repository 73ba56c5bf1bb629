"""Tokens of each segment from what providers reported for whole prompts.

A reported total is exact for the prefix that it covers. When a prompt continues one that was seen, only the difference
of the two totals is shared out, over the segments that are new; so the counts of a conversation's segments are known
to within the framing of a turn, and the error of the cheap estimate stays inside one difference.

Cache counters are totals as well: what was read and written together is the prefix up to the last marked block.
"""

from __future__ import annotations

from collections.abc import Sequence

from penstock.audit.tree import PrefixTree
from penstock.wire.estimate import share_out


class TokenBook:
    """Known totals at nodes of the tree, for each tokenizer family apart."""

    def __init__(self, tree: PrefixTree) -> None:
        self._tree = tree
        self._known: dict[tuple[str, int], int] = {}

    def learn(self, family: str, node: int, total: int) -> None:
        """Keep that the prefix up to and with a node has so many tokens; the first report of a node counts."""
        if node >= 0 and total > 0:
            self._known.setdefault((family, node), total)

    def known(self, family: str, node: int) -> int | None:
        """The tokens up to and with a node, where a provider reported them."""
        return self._known.get((family, node))

    def tokens(self, family: str, chain: Sequence[int], total: int | None) -> list[int]:
        """Tokens of each node of a chain.

        Args:
            family: the tokenizer's.
            chain: nodes of a prompt, first segment first.
            total: the prompt's reported tokens, which the counts then sum to exactly; None to go by what is known of
                its prefixes, and beyond them by their measure.
        """
        estimates = [self._tree.nodes[node].estimate for node in chain]
        counts: list[int] = []
        done = begin = 0
        for end, cumulative in self._anchors(family, chain, total):
            counts += share_out(cumulative - done, estimates[begin:end])
            done, begin = cumulative, end
        if begin < len(chain):
            rest = estimates[begin:]
            before = sum(estimates[:begin])
            factor = done / before if before else 1.0
            counts += [max(1, round(estimate * factor)) for estimate in rest]
        return counts

    def _anchors(self, family: str, chain: Sequence[int], total: int | None) -> list[tuple[int, int]]:
        """``(segments, tokens of them)`` at which totals are known, ascending in both; the last is the total."""
        anchors: list[tuple[int, int]] = []
        ceiling = total
        if total is not None and chain:
            anchors.append((len(chain), total))
        for end in range(len(chain) - (total is not None), 0, -1):
            cumulative = self._known.get((family, chain[end - 1]))
            # Settings outside the prompt (a tool choice) can move a total; one that would leave nothing for the
            # segments behind it says more about them than about this prefix.
            if cumulative is not None and (ceiling is None or cumulative < ceiling):
                anchors.append((end, cumulative))
                ceiling = cumulative
        anchors.reverse()
        return anchors

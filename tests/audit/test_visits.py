from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.audit.row import CallRow
from penstock.audit.tree import Node, PrefixTree
from penstock.audit.visits import visits
from penstock.money import ZERO
from penstock.wire.segments import Level


def row(leaf: int) -> CallRow:
    return CallRow(ts=0.0, task="t", labelled=True, model="m", dialect=None, cost=ZERO, leaf=leaf)


@given(
    parents=st.lists(st.integers(0, 30), max_size=20).map(
        lambda draws: [draw % (index + 1) - 1 for index, draw in enumerate(draws)]
    ),
    leaves=st.lists(st.integers(-1, 19), max_size=25),
)
@settings(max_examples=150, deadline=None)
def test_every_prefix_of_every_prompt_is_counted_once(parents: list[int], leaves: list[int]) -> None:
    tree = PrefixTree()
    for parent in parents:
        depth = 0 if parent < 0 else tree.nodes[parent].depth + 1
        tree.nodes.append(Node(parent, b"", 1.0, depth, Level.MESSAGES, "text", "user", 0, True, True))  # noqa: FBT003
    rows = [row(leaf) for leaf in leaves if leaf < len(parents)]
    expected = Counter(node for one in rows for node in tree.chain(one.leaf))
    assert visits(tree, rows) == expected

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.audit.tokens import TokenBook
from penstock.audit.tree import Node, PrefixTree
from penstock.wire.segments import Level

CLAUDE = "claude"


def line(*estimates: float) -> PrefixTree:
    """A tree that is one prompt with these estimates."""
    tree = PrefixTree()
    for depth, estimate in enumerate(estimates):
        tree.nodes.append(
            Node(depth - 1, b"%d" % depth, estimate, depth, Level.MESSAGES, "text", "user", depth, True, True)  # noqa: FBT003
        )
    return tree


def test_a_total_is_shared_out_by_the_estimates() -> None:
    book = TokenBook(line(10, 30))
    assert book.tokens(CLAUDE, [0, 1], 80) == [20, 60]


def test_a_known_prefix_leaves_the_difference_to_what_is_new() -> None:
    book = TokenBook(line(10, 10, 500, 500))
    book.learn(CLAUDE, 1, 24)
    assert book.tokens(CLAUDE, [0, 1, 2, 3], 1024) == [12, 12, 500, 500]
    assert book.tokens("other", [0, 1, 2, 3], 1020)[0] == 10


def test_the_first_report_of_a_prefix_counts() -> None:
    book = TokenBook(line(10))
    book.learn(CLAUDE, 0, 12)
    book.learn(CLAUDE, 0, 99)
    assert book.known(CLAUDE, 0) == 12


def test_a_prefix_that_would_leave_nothing_is_passed_over() -> None:
    book = TokenBook(line(10, 10))
    book.learn(CLAUDE, 0, 50)
    assert book.tokens(CLAUDE, [0, 1], 40) == [20, 20]


def test_without_a_total_the_known_prefix_sets_the_measure() -> None:
    book = TokenBook(line(10, 20))
    book.learn(CLAUDE, 0, 15)
    assert book.tokens(CLAUDE, [0, 1], None) == [15, 30]
    assert TokenBook(line(10, 20)).tokens(CLAUDE, [0, 1], None) == [10, 20]


@given(
    estimates=st.lists(st.floats(0, 1e5), min_size=1, max_size=12),
    known=st.dictionaries(st.integers(0, 11), st.integers(1, 100_000), max_size=6),
    total=st.integers(1, 200_000),
)
@settings(max_examples=200, deadline=None)
def test_counts_are_whole_not_negative_and_sum_to_the_total(
    estimates: list[float], known: dict[int, int], total: int
) -> None:
    book = TokenBook(line(*estimates))
    for node, tokens in known.items():
        if node < len(estimates):
            book.learn(CLAUDE, node, tokens)
    counts = book.tokens(CLAUDE, list(range(len(estimates))), total)
    assert len(counts) == len(estimates)
    assert sum(counts) == total
    assert min(counts) >= 0

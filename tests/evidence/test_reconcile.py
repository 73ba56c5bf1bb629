from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from penstock.evidence.reconcile import HIDDEN, Reconciled, compare, tolerance
from penstock.wire.usage import Basis, Usage

SMALL = st.integers(0, 50_000)


def _usage(plain: int, read: int = 0, write: int = 0, **more: object) -> Usage:
    return Usage(**{"input_uncached": plain, "cache_read": read, "cache_write_5m": write, **more})


def test_the_prediction_is_brought_to_the_reported_total() -> None:
    one = compare(_usage(1000, read=9000), _usage(2000, read=18_000))
    assert one is not None
    assert (one.foreseen_read, one.read) == (18_000, 18_000)
    assert one.read_kept is True
    assert one.cached_kept is True


def test_a_read_that_did_not_come_is_a_broken_promise() -> None:
    one = compare(_usage(1000, read=9000), _usage(1000, write=9000))
    assert one is not None
    assert one.read_kept is False
    assert one.cached_kept is True


def test_what_is_neither_read_nor_written_breaks_both_promises() -> None:
    one = compare(_usage(1000, read=2000, write=7000), _usage(10_000))
    assert one is not None
    assert (one.read_kept, one.cached_kept) == (False, False)


def test_a_read_that_nobody_foresaw_breaks_nothing() -> None:
    one = compare(_usage(10_000), _usage(1000, read=9000))
    assert one is not None
    assert (one.read_kept, one.cached_kept) == (None, None)


def test_a_boundary_may_be_off_by_what_an_estimate_is_off_by_and_no_more() -> None:
    off = round(tolerance(5000, 10_000))
    assert off == HIDDEN + 1250
    for read, kept in ((5000 - off, True), (5000 - off - 1, False)):
        one = compare(_usage(5000, read=5000), _usage(10_000 - read, read=read))
        assert one is not None
        assert one.read_kept is kept


@given(st.integers(1, 40_000), st.integers(1, 40_000), st.floats(0.8, 1.2), st.floats(0.8, 1.2))
def test_parts_whose_tokens_are_estimated_wrongly_by_a_fifth_break_no_promise(
    shared: int, rest: int, one_ratio: float, other_ratio: float
) -> None:
    true_shared, true_rest = round(shared * one_ratio), round(rest * other_ratio)
    one = compare(_usage(rest, read=shared), _usage(true_rest, read=true_shared))
    assert one is None or one.read_kept is not False


def test_near_the_shortest_cached_prefix_nothing_is_promised() -> None:
    one = compare(_usage(10, write=1050), _usage(1060), minimum=1024)
    assert one is not None
    assert one.cached_kept is None
    one = compare(_usage(10, write=1500), _usage(1510), minimum=1024)
    assert one is not None
    assert one.cached_kept is False


def test_where_writes_are_not_reported_only_reads_are_judged() -> None:
    one = compare(_usage(1000, read=9000, cache_write_reported=False), _usage(10_000, cache_write_reported=False))
    assert one is not None
    assert (one.read_kept, one.cached_kept) == (False, None)


def test_an_estimated_or_an_empty_report_says_nothing() -> None:
    assert compare(_usage(1000), _usage(0)) is None
    assert compare(_usage(0), _usage(10)) is None
    assert compare(_usage(10, read=9000), _usage(9010, basis=Basis.ESTIMATED)) is None


@given(st.lists(st.tuples(SMALL, SMALL, SMALL, SMALL), max_size=20), st.integers(0, 20))
def test_sums_of_two_halves_merge_to_the_sums_of_the_whole(calls: list[tuple[int, ...]], cut: int) -> None:
    compared = [compare(_usage(a, read=b), _usage(c, read=d)) for a, b, c, d in calls]
    whole, left, right = Reconciled(), Reconciled(), Reconciled()
    for index, one in enumerate(compared):
        if one is not None:
            whole.add(one)
            (left if index < cut else right).add(one)
    left.merge(right)
    assert left == whole
    assert Reconciled(*whole.to_builtins()) == whole
    assert whole.reads_kept <= whole.reads <= whole.calls

from __future__ import annotations

from penstock.ledger.ids import call_ids


def test_ids_are_unique_and_ordered_by_time() -> None:
    times = iter([1.0, 1.0, 2.0, 1_800_000_000.0])
    next_id = call_ids(lambda: next(times))
    ids = [next_id() for _ in range(4)]
    assert len(set(ids)) == 4
    assert sorted(ids) == ids


def test_two_sources_do_not_meet() -> None:
    one, two = call_ids(lambda: 1.0), call_ids(lambda: 1.0)
    assert one() != two()

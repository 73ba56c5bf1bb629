from __future__ import annotations

from penstock.audit.row import CallRow
from penstock.money import ZERO


def row(ts: float | None, source: str) -> CallRow:
    return CallRow(ts=ts, task="t", labelled=True, model="m", dialect=None, cost=ZERO, source=source)


def test_rows_sort_by_time_and_then_by_place_with_untimed_ones_first() -> None:
    rows = [row(2.0, "b"), row(None, "z"), row(2.0, "a"), row(1.0, "y")]
    assert [one.source for one in sorted(rows, key=lambda one: one.order)] == ["z", "y", "a", "b"]

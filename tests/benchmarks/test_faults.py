from __future__ import annotations

from typing import Any

import pytest

from benchmarks.faults import PARTS, seen_by, summary_of
from benchmarks.processes import changed


def row(fault: str, caller: dict[str, Any], direct: dict[str, Any] | None, rows: int = 1) -> dict[str, Any]:
    same = None if direct is None else direct == caller
    return {
        "fault": fault,
        "call": "messages",
        "caller": caller,
        "direct": direct,
        "same_as_direct": same,
        "ledger": {"rows": rows},
    }


def test_a_broken_connection_told_as_a_502_is_no_other_difference() -> None:
    broken = {"exception": "APIConnectionError", "status": None}
    told = {"exception": "InternalServerError", "status": 502}
    rows = [
        row("500", told, told),
        row("garbage", told, broken),
        row("odd", {"outcome": "ok"}, broken),
        row("lost", told, None, rows=0),
    ]
    summary = summary_of(rows)
    assert (summary["calls"], summary["compared"], summary["broken_connection_told_as_502"]) == (4, 3, 1)
    assert summary["otherwise_different"] == [["odd", "messages"]]
    assert summary["not_once_in_ledger"] == [["lost", "messages"]]


def test_an_outcome_is_a_value_or_an_exception_by_its_class() -> None:
    def fails() -> None:
        raise ValueError

    assert seen_by(lambda: "ok") == {"outcome": "ok"}
    assert seen_by(fails) == {"exception": "ValueError", "status": None, "type": None}


def test_metrics_that_moved_are_told_without_histograms() -> None:
    before, after = {"a": 1.0, "h_count": 1.0}, {"a": 3.0, "b": 1.0, "h_count": 9.0, 'h_bucket{le="1"}': 9.0}
    assert changed(before, after) == {"a": 2.0, "b": 1.0}


@pytest.mark.parametrize("last", ["drain"])
def test_what_ends_the_gateway_comes_last(last: str) -> None:
    assert list(PARTS)[-1] == last

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.evidence.pace import Pace

ARRIVALS = st.lists(st.floats(0, 10_000), min_size=1, max_size=30).map(sorted)


def test_a_task_that_was_never_seen_has_no_pace() -> None:
    assert Pace().per_minute("t", 0.0) == 0.0


def test_a_steady_stream_is_counted_about_right() -> None:
    pace = Pace()
    for second in range(0, 3600, 6):
        pace.add("t", float(second))
    assert pace.per_minute("t", 3600.0) == pytest.approx(10.0, rel=0.03)


def test_pace_fades_when_calls_stop() -> None:
    pace = Pace()
    pace.add("t", 0.0)
    now, later, long_after = (pace.per_minute("t", at) for at in (0.0, 300.0, 3600.0))
    assert now > later > long_after > 0
    assert later == pytest.approx(now / 2.718281828, rel=1e-6)


def test_a_late_report_does_not_turn_time_back() -> None:
    pace = Pace()
    pace.add("t", 100.0)
    pace.add("t", 40.0)
    assert pace.per_minute("t", 100.0) == pytest.approx(2 * 60 / 300)


def test_tasks_do_not_share_a_pace() -> None:
    pace = Pace()
    pace.add("a", 0.0)
    assert pace.per_minute("b", 0.0) == 0.0


def test_the_number_of_tasks_is_bounded() -> None:
    pace = Pace()
    for number in range(6000):
        pace.add(f"t{number}", 0.0)
    assert len(pace.to_builtins()) == 5000
    assert pace.per_minute("t5999", 0.0) == 0.0


@settings(max_examples=50)
@given(times=ARRIVALS, split=st.integers(0, 30))
def test_two_workers_together_count_what_one_would(times: list[float], split: int) -> None:
    whole, first, second = Pace(), Pace(), Pace()
    for number, at in enumerate(times):
        whole.add("t", at)
        (first if number < split else second).add("t", at)
    first.merge(second)
    now = times[-1] + 10.0
    assert first.per_minute("t", now) == pytest.approx(whole.per_minute("t", now))


def test_it_travels_as_json() -> None:
    pace = Pace()
    pace.add("t", 7.0)
    again = Pace.from_builtins(pace.to_builtins())
    assert again.per_minute("t", 8.0) == pace.per_minute("t", 8.0)


def test_anything_else_is_refused() -> None:
    with pytest.raises((TypeError, ValueError)):
        Pace.from_builtins({"t": [1.0]})

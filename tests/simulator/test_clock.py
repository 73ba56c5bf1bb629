from __future__ import annotations

import pytest

from penstock.simulator.clock import ManualClock, RealClock


def test_a_manual_clock_stands_still_until_it_is_moved() -> None:
    clock = ManualClock(100.0)
    assert clock.now() == 100.0
    assert clock.advance(5) == 105.0
    clock.set(200.0)
    assert clock.now() == 200.0
    assert clock.wall(3600) == 0.0


def test_no_clock_runs_backwards() -> None:
    clock = ManualClock(100.0)
    with pytest.raises(ValueError, match="backwards"):
        clock.set(99.0)
    with pytest.raises(ValueError, match="0 or more"):
        clock.advance(-1)
    with pytest.raises(ValueError, match="0 or more"):
        clock.advance(float("nan"))


def test_a_faster_clock_waits_less_on_the_wall() -> None:
    clock = RealClock(speed=60.0, start=1000.0)
    assert clock.wall(60.0) == 1.0
    assert clock.wall(-1.0) == 0.0
    before = clock.now()
    assert clock.advance(300.0) >= before + 300.0


def test_a_speed_must_be_above_zero() -> None:
    with pytest.raises(ValueError, match="above 0"):
        RealClock(speed=0)

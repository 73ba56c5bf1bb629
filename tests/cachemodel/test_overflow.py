from __future__ import annotations

from penstock.cachemodel.admission import Decisions
from penstock.cachemodel.overflow import machine_of, record_arrival
from penstock.cachemodel.store import CacheState


def test_one_machine_remembers_nothing() -> None:
    state = CacheState()
    for second in range(100):
        record_arrival(state, "s", second)
    assert machine_of(state, "s", 100) == 0
    assert state.arrivals == {}


def test_t12_traffic_above_the_rate_overflows_to_the_next_machine_and_comes_back() -> None:
    state = CacheState(Decisions(openai_machines=2, openai_rate_per_minute=3))
    seen = []
    for second in range(8):
        seen.append(machine_of(state, "s", second))
        record_arrival(state, "s", second)
    assert seen == [0, 0, 0, 1, 1, 1, 0, 0]
    assert machine_of(state, "other", 8) == 0
    assert machine_of(state, "s", 120) == 0

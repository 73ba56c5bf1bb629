from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.cachemodel.admission import Decisions
from penstock.cachemodel.store import CacheState, Life


def store(state: CacheState, path: str, life: Life) -> None:
    state.put("root", [path], life)


def readable(state: CacheState, path: str, at: float) -> list[Life]:
    return state.readable("root", path, at)


def test_a_prefix_is_known_by_its_root_and_its_name() -> None:
    state = CacheState()
    store(state, "abc", Life("5m", 0, 1, 300))
    assert readable(state, "abc", 1)
    assert not readable(state, "ab", 1)
    assert not state.readable("other", "abc", 1)


def test_an_entry_at_many_prefixes_renews_each_from_what_it_was() -> None:
    state = CacheState()
    state.put("root", "ab", Life("5m", 0, 1, 300))
    state.put("root", "b", Life("1h", 0, 1, 3600))
    state.put("root", "abc", Life("5m", 200, 210, 300))
    assert len(state) == 4
    assert [[life.ttl for life in readable(state, step, 205)] for step in "abc"] == [["5m"], ["1h", "5m"], []]
    assert [[life.base for life in readable(state, step, 210)] for step in "ac"] == [[200], [200]]


def test_an_entry_is_readable_from_its_response_to_the_end_of_its_lifetime_inclusive() -> None:
    state = CacheState()
    store(state, "a", Life("5m", 10, 12, 300))
    assert [bool(readable(state, "a", at)) for at in (10, 11.9, 12, 310, 310.1)] == [False, False, True, True, False]


def test_the_boundary_of_a_lifetime_is_a_decision() -> None:
    state = CacheState(Decisions(valid_at_boundary=False))
    store(state, "a", Life("5m", 0, 1, 300))
    assert readable(state, "a", 299.9)
    assert not readable(state, "a", 300)


def test_a_renewal_counts_from_the_later_start_and_stays_readable() -> None:
    state = CacheState()
    store(state, "a", Life("5m", 0, 1, 300))
    store(state, "a", Life("5m", 200, 205, 300))
    assert readable(state, "a", 201)
    assert readable(state, "a", 500)
    store(state, "a", Life("5m", 100, 101, 300))
    assert readable(state, "a", 500)


def test_an_expired_entry_is_replaced_not_renewed() -> None:
    state = CacheState()
    store(state, "a", Life("5m", 0, 1, 300))
    store(state, "a", Life("5m", 400, 405, 300))
    assert not readable(state, "a", 402)
    assert readable(state, "a", 405)
    assert len(state) == 1


def test_lifetimes_of_one_prefix_are_entries_of_their_own() -> None:
    state = CacheState()
    store(state, "a", Life("5m", 0, 1, 300))
    store(state, "a", Life("1h", 0, 1, 3600))
    store(state, "a", Life("5m", 100, 101, 300))
    assert len(state) == 2
    assert {life.ttl for life in readable(state, "a", 200)} == {"5m", "1h"}
    assert [life.ttl for life in readable(state, "a", 1000)] == ["1h"]


def test_a_sweep_drops_what_expired() -> None:
    state = CacheState()
    store(state, "ab", Life("5m", 0, 1, 300))
    store(state, "abc", Life("1h", 0, 1, 3600))
    store(state, "xy", Life("5m", 0, 1, 300))
    state.sweep(1000)
    assert len(state) == 1
    assert readable(state, "abc", 1000)
    state.sweep(10_000)
    assert len(state) == 0
    assert not state._lives


def test_memory_is_bounded_by_what_is_alive() -> None:
    state = CacheState()
    for number in range(30_000):
        state.put("root", [number], Life("5m", number, number, 300))
        state.sweep_if_due(number)
    assert len(state) <= 4096


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.text("ab", min_size=1, max_size=4), st.sampled_from(["5m", "1h"]), st.integers(0, 40), st.booleans()
        ),
        max_size=25,
    ),
    st.text("ab", min_size=1, max_size=4),
)
def test_sweeping_at_any_moment_changes_no_later_answer(writes: list[tuple[str, str, int, bool]], asked: str) -> None:
    lifetimes = {"5m": 5.0, "1h": 15.0}
    plain, swept = CacheState(), CacheState()
    now = 0.0
    for path, ttl, wait, sweep in writes:
        now += wait / 4
        for state in (plain, swept):
            store(state, path, Life(ttl, now, now + 1, lifetimes[ttl]))
        if sweep:
            swept.sweep(now)
    for at in (now, now + 1, now + 4, now + 6, now + 20):
        assert set(readable(plain, asked, at)) == set(readable(swept, asked, at))

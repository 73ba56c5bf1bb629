from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.evidence.prefixes import Prefixes

NOW = 1_795_000_000.0
sightings = st.lists(st.tuples(st.integers(1, 40), st.integers(0, 5000)), max_size=40)
"""Key and seconds after ``NOW``."""


def _see(table: Prefixes, key: int, at: float, until: float | None = None) -> None:
    table.start(at)
    shard, place = table.open(key)
    shard.seen[place] = table.ticks(at)
    shard.count[place] += 1
    if until is not None:
        shard.until[place] = table.ticks(until)


def _table(seen: list[tuple[int, int]]) -> Prefixes:
    table = Prefixes()
    for key, after in sorted(seen, key=lambda sighting: sighting[1]):
        _see(table, key, NOW + after)
    return table


def _contents(table: Prefixes) -> dict[int, tuple[float, int]]:
    """Key -> when it was last seen (seconds since the epoch), how often."""
    assert table.base is not None or not len(table)
    base = table.base or 0.0
    return {
        shard.keys[place]: (base + (shard.seen[place] - 1) / 10.0, shard.count[place])
        for shard, place in table.records()
    }


def _key(n: int) -> int:
    return (n * 0x9E3779B97F4A7C15) % (1 << 64) or 1


def test_a_prefix_that_was_never_opened_is_not_found() -> None:
    table = Prefixes()
    table.open(7)
    assert table.find(8) is None
    assert table.find(7) is not None


def test_keys_that_meet_in_one_place_are_told_apart() -> None:
    table = Prefixes()
    keys = [(n << 9) | 5 for n in range(1, 40)]
    for n, key in enumerate(keys):
        shard, place = table.open(key)
        shard.owner[place] = n
    for n, key in enumerate(keys):
        found = table.find(key)
        assert found is not None
        assert found[0].owner[found[1]] == n


@given(sightings)
@settings(max_examples=50, deadline=None)
def test_the_table_holds_what_a_dictionary_would(seen: list[tuple[int, int]]) -> None:
    expected: dict[int, tuple[float, int]] = {}
    for key, after in sorted(seen, key=lambda sighting: sighting[1]):
        expected[key] = (NOW + after, expected.get(key, (0.0, 0))[1] + 1)
    table = _table(seen)
    assert len(table) == len(expected)
    assert _contents(table) == expected


@given(sightings, sightings)
@settings(max_examples=50, deadline=None)
def test_merging_equals_having_seen_both(ours: list[tuple[int, int]], theirs: list[tuple[int, int]]) -> None:
    merged, other = _table(ours), _table(theirs)
    merged.merge(other)
    assert _contents(merged) == _contents(_table(ours + theirs))
    assert _contents(other) == _contents(_table(theirs))


def test_merging_keeps_the_entry_that_lives_longer_whichever_table_began_first() -> None:
    ends = []
    for ours, theirs in ((0, 500), (500, 0)):
        merged, other = Prefixes(), Prefixes()
        _see(merged, 1, NOW + ours, until=NOW + ours + 300)
        _see(other, 1, NOW + theirs, until=NOW + theirs + 300)
        merged.merge(other)
        found = merged.find(1)
        assert found is not None
        assert merged.base is not None
        ends.append(merged.base + (found[0].until[found[1]] - 1) / 10.0)
    assert ends == [NOW + 800.0, NOW + 800.0]


def test_a_prefix_without_an_entry_has_none_after_merging() -> None:
    merged, other = Prefixes(), Prefixes()
    _see(merged, 1, NOW + 500)
    _see(other, 1, NOW)
    merged.merge(other)
    found = merged.find(1)
    assert found is not None
    assert found[0].until[found[1]] == 0


def test_counters_stop_at_their_ends_when_merged() -> None:
    merged, other = Prefixes(), Prefixes()
    for table in (merged, other):
        table.start(NOW)
        shard, place = table.open(1)
        shard.count[place], shard.kids[place] = 60_000, 200
    merged.merge(other)
    found = merged.find(1)
    assert found is not None
    assert (found[0].count[found[1]], found[0].kids[found[1]]) == (65_535, 255)


@given(sightings)
@settings(max_examples=30, deadline=None)
def test_the_table_survives_json(seen: list[tuple[int, int]]) -> None:
    table = _table(seen)
    again = Prefixes.from_builtins(json.loads(json.dumps(table.to_builtins())))
    assert again.to_builtins() == table.to_builtins()
    assert _contents(again) == _contents(table)


def test_a_table_with_a_short_column_is_refused() -> None:
    packed = _table([(1, 0), (2, 1)]).to_builtins()
    with pytest.raises(ValueError, match="different lengths"):
        Prefixes.from_builtins({**packed, "turn": ""})
    with pytest.raises(KeyError):
        Prefixes.from_builtins({"base": None, "limit": 10})


def test_the_table_stays_within_its_limit_and_forgets_what_was_seen_longest_ago() -> None:
    table = Prefixes(limit=2000)
    for n in range(1, 12_001):
        _see(table, _key(n), NOW + n)
    assert 500 < len(table) <= 2000
    assert all(table.find(_key(n)) is not None for n in range(11_700, 12_001))
    assert all(table.find(_key(n)) is None for n in range(1, 6000))


def test_a_shard_of_one_moment_makes_room_by_starting_anew() -> None:
    table = Prefixes(limit=700)
    for n in range(1, 5001):
        _see(table, _key(n), NOW)
    assert len(table) <= 700
    assert table.find(_key(5000)) is not None


def test_a_prefix_takes_fifty_bytes_or_less() -> None:
    table = Prefixes()
    for n in range(1, 40_001):
        table.open(_key(n))
    assert len(table) == 40_000
    assert table.nbytes <= 50 * 40_000


@pytest.mark.parametrize("limit", [2_000, 16_000])
def test_a_table_at_its_limit_takes_less_than_forty_bytes_for_each_prefix_of_it_whatever_comes(limit: int) -> None:
    table = Prefixes(limit)
    largest = 0
    for n in range(1, 3 * limit):
        _see(table, _key(n), NOW + n)
        largest = max(largest, table.nbytes) if n % 97 == 0 else largest
    assert len(table) <= limit
    assert largest <= 40 * limit


def test_times_before_the_first_sighting_and_far_after_it_stay_in_range() -> None:
    table = Prefixes()
    assert table.ticks(NOW) == 1
    table.start(NOW)
    assert table.ticks(NOW - 100.0) == 1
    assert table.ticks(NOW + 1.0) == 11
    assert table.ticks(NOW + 1e12) == 0xFFFFFFFF


def test_the_newest_prefixes_are_kept_and_the_table_goes_on() -> None:
    table = Prefixes(10_000)
    table.start(1000.0)
    for number in range(500):
        shard, place = table.open(number * 7919 + 1)
        shard.seen[place] = number
        shard.count[place] = 3
    newest = table.newest(100)
    assert len(newest) == 100
    assert newest.base == table.base
    assert newest.find(1) is None
    found = newest.find(499 * 7919 + 1)
    assert found is not None
    assert found[0].count[found[1]] == 3
    newest.open(1)
    assert len(newest) == 101
    assert table.newest(500) is table

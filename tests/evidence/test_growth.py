"""What processes that began alike have learnt apart, added up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.evidence.drift import DriftBook
from penstock.evidence.growth import grow_pairs
from penstock.evidence.lengths import LengthKey
from penstock.evidence.odds import Odds
from penstock.evidence.prefixes import Prefixes
from penstock.evidence.reconcile import Compared
from penstock.evidence.returns import Returns
from penstock.evidence.reuse import Entry
from penstock.evidence.sightings import Bill
from penstock.evidence.sites import Site, Sites
from penstock.evidence.store import Evidence
from tests.levers.cache.prompts import NOW, Blocks

tasks = st.sampled_from(["a", "b", "c"])
calls = st.lists(
    st.tuples(tasks, st.text("abc", min_size=1, max_size=5), st.integers(1, 900), st.booleans()), max_size=12
)
"""Task, prompt, seconds since the call before or tokens of its answer, and whether something went well."""


def taught(evidence: Evidence, listed: Sequence[tuple[str, str, int, bool]], at: float = NOW) -> Evidence:
    for task, prompt, number, well in listed:
        at += number
        evidence.lengths.add(LengthKey(task, "m"), number, cut=not well)
        evidence.calibration.add(task, number, 100.0)
        evidence.escalations.add(task, "m", None if well else "refused")
        evidence.idle.add(task, number % 9, came=well)
        evidence.late.add(task, 0.25, came=well)
        evidence.drift.observe(task, "m", Compared(number, 0, number, 0, well, None), at, kept=0.9)
        evidence.sites.merge(Sites((Site(at, f"{task}{number}", 1, (number, number)),)))
        bill = Bill("m", prompt=1000, read=0, written={"5m": number})
        evidence.reuse.observe(task, Blocks(prompt), at, [Entry(len(prompt) - 1, 300.0)], bill=bill)
    return evidence


def copy_of(evidence: Evidence) -> Evidence:
    """As a ledger's file would keep it."""
    return Evidence.from_json(evidence.to_json())


@given(calls, calls)
@settings(max_examples=40, deadline=None)
def test_from_its_own_earlier_state_a_process_leads_to_where_it_is(before: Any, after: Any) -> None:
    earlier = copy_of(taught(Evidence(), before))
    now = copy_of(taught(copy_of(earlier), after, NOW + 20_000.0))
    file = copy_of(earlier)
    file.advance(earlier, now)
    assert _without_lives(file) == _without_lives(now)


@given(calls, calls)
@settings(max_examples=30, deadline=None)
def test_who_learnt_nothing_adds_nothing(before: Any, after: Any) -> None:
    earlier = copy_of(taught(Evidence(), before))
    others = copy_of(taught(copy_of(earlier), after, NOW + 20_000.0))
    file = copy_of(others)
    file.advance(earlier, copy_of(earlier))
    assert file == others


@given(calls, calls, calls)
@settings(max_examples=40, deadline=None)
def test_counts_of_two_processes_add_up_and_their_beginning_is_counted_once(before: Any, one: Any, two: Any) -> None:
    earlier = copy_of(taught(Evidence(), before))
    file = copy_of(earlier)
    for listed in (one, two):
        file.advance(earlier, copy_of(taught(copy_of(earlier), listed, NOW + 20_000.0)))
    together = taught(taught(copy_of(earlier), one, NOW + 20_000.0), two, NOW + 20_000.0)
    assert file.lengths == together.lengths
    assert file.calibration == together.calibration
    assert file.escalations == together.escalations
    assert file.idle == together.idle
    assert file.late == together.late
    assert file.sites == together.sites
    assert file.drift.sums == together.drift.sums
    for task in "abc":
        bills = [each.reuse.returns.of(task, "m") for each in (file, together)]
        assert bills[0].prompt == bills[1].prompt
        assert bills[0].written == bills[1].written
        assert bills[0].writes == bills[1].writes


@given(calls, calls, calls)
@settings(max_examples=30, deadline=None)
def test_nothing_falls_below_zero(before: Any, one: Any, two: Any) -> None:
    earlier = copy_of(taught(Evidence(), before))
    file = copy_of(earlier)
    for listed in (one, two):
        file.advance(earlier, copy_of(taught(copy_of(earlier), listed, NOW + 20_000.0)))
    assert all(number >= 0 for number in _numbers(file.reuse.reach.to_builtins()))
    assert all(number >= 0 for number in _numbers(file.reuse.returns.to_builtins()))
    assert all(number >= 0 for number in _numbers(file.reuse.pace.to_builtins()))


@given(calls, calls, calls)
@settings(max_examples=30, deadline=None)
def test_what_was_taken_in_shares_nothing_with_where_it_came_from(before: Any, one: Any, more: Any) -> None:
    earlier = copy_of(taught(Evidence(), before))
    now = copy_of(taught(copy_of(earlier), one, NOW + 20_000.0))
    states = earlier.to_json(), now.to_json()
    running = Evidence()
    for _ in running.advancing(earlier, now):
        pass
    taught(running, more, NOW + 40_000.0)
    assert (earlier.to_json(), now.to_json()) == states


@given(calls, calls, calls)
@settings(max_examples=30, deadline=None)
def test_learning_goes_on_between_the_steps_of_taking_in(before: Any, one: Any, two: Any) -> None:
    earlier = copy_of(taught(Evidence(), before))
    now = copy_of(taught(copy_of(earlier), one, NOW + 20_000.0))
    running = copy_of(earlier)
    left, at = list(two), NOW + 20_000.0
    for _ in running.advancing(earlier, now):
        if left:
            taught(running, left[:1], at)
            at += left.pop(0)[2]
    taught(running, left, at)
    together = taught(taught(copy_of(earlier), one, NOW + 20_000.0), two, NOW + 20_000.0)
    assert running.lengths == together.lengths
    assert running.calibration == together.calibration
    assert running.escalations == together.escalations
    assert running.idle == together.idle
    assert running.drift.sums == together.drift.sums
    names = [{row[1] for row in each.sites.to_builtins()} for each in (running, together)]
    assert names[0] == names[1]


def test_a_prefix_that_two_processes_saw_was_seen_by_both() -> None:
    earlier = Prefixes()
    earlier.start(NOW)
    shard, place = earlier.open(77)
    shard.count[place], shard.seen[place] = 5, 10
    states = []
    for added in (2, 3):
        now = Prefixes.from_builtins(earlier.to_builtins())
        shard, place = now.open(77)
        shard.count[place] += added
        shard.seen[place] = 20 * added
        states.append(now)
    file = Prefixes.from_builtins(earlier.to_builtins())
    for now in states:
        file.advance(earlier, now)
    found = file.find(77)
    assert found is not None
    assert (found[0].count[found[1]], found[0].seen[found[1]]) == (10, 60)


def test_a_weight_gathers_no_more_than_its_memory() -> None:
    earlier, now = Odds(), Odds()
    for _ in range(3000):
        now.learn((3,), 0.0, came=True)
    file = Odds.from_builtins(now.to_builtins())
    file.advance(earlier, now)
    once, twice = (each.chance((3,), 0.0) for each in (now, file))
    assert file._precision[3] <= 400.0
    assert twice == pytest.approx(once, abs=0.05)


def test_of_two_watches_the_one_with_the_alarm_stands() -> None:
    earlier = DriftBook()
    books = [DriftBook(), DriftBook()]
    for number in range(200):
        books[0].observe("t", "m", Compared(9, 0, 0, 0, read_kept=False, cached_kept=None), NOW + number, kept=0.9)
        books[1].observe("t", "m", Compared(9, 0, 9, 0, read_kept=True, cached_kept=None), NOW + number, kept=0.9)
    for order in (books, books[::-1]):
        file = DriftBook.from_builtins(earlier.to_builtins())
        for now in order:
            file.advance(earlier, now)
        assert file.standing("m", NOW + 300.0) is not None


def test_a_streak_that_one_process_ended_is_not_counted_below_zero() -> None:
    earlier = Returns()
    earlier.bill("t", "m", prompt=10, read=0, written={"5m": 10}, at=NOW)
    earlier.unread("t", "m", expected=1.5, tokens=10, read_then=0)
    ended = Returns.from_builtins(earlier.to_builtins())
    ended.read_again("t", "m")
    file = Returns.from_builtins(earlier.to_builtins())
    for _ in range(2):
        file.advance(earlier, ended)
    assert file.of("t", "m").unread == 0.0
    assert file.of("t", "m").unread_writes == 0


def halved(pair: list[float], came: Sequence[bool]) -> list[float]:
    """Exposures and events after some more of them, as those who count do."""
    exposures, events = pair
    for one in came:
        exposures, events = exposures + 1.0, events + one
        if exposures >= 400.0:
            exposures, events = exposures / 2.0, events / 2.0
    return [exposures, events]


@given(st.integers(0, 350), st.integers(0, 900), st.integers(0, 900), st.integers(1, 9))
@settings(max_examples=60, deadline=None)
def test_counts_of_two_that_were_halved_stay_within_their_memory_and_near_what_was_seen(
    before: int, one: int, two: int, every: int
) -> None:
    earlier = halved([0.0, 0.0], [number % every == 0 for number in range(before)])
    file = list(earlier)
    for count in (one, two):
        now = halved(earlier, [number % every == 0 for number in range(count)])
        grow_pairs(file, earlier, now, memory=400.0)
    assert min(before + one + two, 200) - 2 <= file[0] < 400.0
    assert file[1] / max(file[0], 1.0) == pytest.approx(
        1.0 / every if file[0] else 0.0, abs=0.1 + 6.0 / max(file[0], 1.0)
    )


def test_what_two_know_is_not_faded_twice() -> None:
    earlier = [390.0, 195.0]
    now = halved(earlier, [True, False] * 10)
    file = list(earlier)
    grow_pairs(file, earlier, now, memory=400.0)
    assert file == now
    grow_pairs(file, earlier, now, memory=400.0)  # another one that has seen as much
    assert file[0] > now[0]
    assert file[1] / file[0] == pytest.approx(0.5, abs=0.02)


def test_there_are_never_more_events_than_exposures() -> None:
    mine = [300.0, 200.0]
    grow_pairs(mine, [0.0, 0.0], [50.0, 60.0], memory=400.0)
    assert mine[1] <= mine[0]


def _without_lives(evidence: Evidence) -> Any:
    """All of it but how long cache entries live, for which the longer stands."""
    plain = msgspec.json.decode(evidence.to_json())
    for field in ("until", "life", "limit"):
        plain["reuse"]["prefixes"].pop(field)
    return plain


def _numbers(value: Any) -> list[float]:
    if isinstance(value, dict):
        return [number for one in value.values() for number in _numbers(one)]
    if isinstance(value, list):
        return [number for one in value for number in _numbers(one)]
    return [value] if isinstance(value, int | float) else []

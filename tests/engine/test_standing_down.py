from __future__ import annotations

from penstock.engine.edit import Note
from penstock.engine.standing_down import StandDowns


def test_notes_are_counted_by_task_lever_and_what_it_did_with_the_latest_arithmetic() -> None:
    found = StandDowns()
    found.add("t", [Note("cache", "2 writes"), Note("cap", "12 answers")], 20.0)
    found.add("t", [Note("cache", "1 write")], 10.0)
    found.add("t", [Note("cache", "a second", "waits")], 30.0)
    found.add("a", [Note("route", "thinking")], 5.0)
    ranked = [(one.task, one.lever, one.did, one.calls, one.why) for one in found.ranked()]
    assert ranked == [
        ("a", "route", "stands down", 1, "thinking"),
        ("t", "cache", "stands down", 2, "2 writes"),
        ("t", "cache", "waits", 1, "a second"),
        ("t", "cap", "stands down", 1, "12 answers"),
    ]


def test_the_sums_are_bounded() -> None:
    found = StandDowns()
    for number in range(1500):
        found.add(f"t{number}", [Note("cache", "why")], 1.0)
    found.add("t0", [Note("cache", "why")], 2.0)
    assert len(found.sums) == 1000
    assert found.ranked()[0].calls == 2

from __future__ import annotations

import random

import msgspec
import pytest

from penstock.evidence.drift import OTHER, Alarm, DriftBook
from penstock.evidence.reconcile import Compared

GOOD = Compared(9000, 0, 9000, 0, read_kept=True, cached_kept=True)
MISSED = Compared(9000, 0, 0, 9000, read_kept=False, cached_kept=True)
IGNORED = Compared(0, 9000, 0, 0, read_kept=None, cached_kept=False)
HOUR = 3600.0


def _until_alarm(book: DriftBook, one: Compared, at: float = 0.0, model: str = "m") -> tuple[int, Alarm]:
    for n in range(1, 200):
        alarm = book.observe("t", model, one, at, kept=0.9)
        if alarm is not None:
            return n, alarm
    pytest.fail("no alarm")


@pytest.mark.parametrize(("broken", "kind"), [(MISSED, "read"), (IGNORED, "cached")])
def test_a_rule_that_no_longer_holds_is_found_within_ten_calls_after_thousands_of_good_ones(
    broken: Compared, kind: str
) -> None:
    book = DriftBook()
    for _ in range(3000):
        assert book.observe("t", "m", GOOD, 0.0, kept=0.9) is None
    calls, alarm = _until_alarm(book, broken, at=5.0)
    assert calls <= 10
    assert (alarm.model, alarm.kind, alarm.at) == ("m", kind, 5.0)


def test_a_provider_that_keeps_nearly_all_of_its_promises_raises_no_alarm() -> None:
    draw = random.Random(3)
    book = DriftBook()
    for _ in range(20_000):
        one = GOOD if draw.random() < 0.95 else MISSED
        assert book.observe("t", "m", one, 0.0, kept=0.9) is None
    assert book.standing("m", 0.0) is None


def test_the_alarm_stands_the_model_down_with_its_arithmetic_and_no_other_model() -> None:
    book = DriftBook()
    calls, alarm = _until_alarm(book, MISSED, at=100.0)
    assert book.standing("m", 101.0) == alarm.why
    assert f"of {calls} calls whose prefix should have been read, 0 were read" in alarm.why
    assert "tries again after 1 h" in alarm.why
    assert book.standing("other", 101.0) is None


def test_after_the_pause_a_provider_that_behaves_again_is_believed_again() -> None:
    book = DriftBook()
    _until_alarm(book, MISSED)
    assert book.observe("t", "m", MISSED, HOUR - 1, kept=0.9) is None
    assert book.standing("m", HOUR) is None
    for _ in range(1000):
        assert book.observe("t", "m", GOOD, HOUR, kept=0.9) is None
    assert book.standing("m", HOUR) is None


def test_each_further_alarm_doubles_the_pause_up_to_a_day() -> None:
    book = DriftBook()
    at, pauses = 0.0, []
    for _ in range(7):
        _until_alarm(book, MISSED, at)
        pauses.append((book.watches["m"].until - at) / HOUR)
        at = book.watches["m"].until
    assert pauses == [1, 2, 4, 8, 16, 24, 24]


def test_where_nothing_is_promised_calls_are_counted_and_never_judged() -> None:
    book = DriftBook()
    for _ in range(500):
        assert book.observe("t", "m", MISSED, 0.0, kept=None) is None
    assert book.sums["t", "m"].reads == 500
    assert book.watches == {}


def test_a_book_survives_json_and_merges() -> None:
    book, other = DriftBook(), DriftBook()
    for n in range(30):
        book.observe("t", "m", GOOD if n % 2 else MISSED, 1.0, kept=0.5)
        other.observe("u", "m", GOOD, 1.0, kept=0.5)
    _until_alarm(other, MISSED, at=50.0, model="n")
    again = DriftBook.from_builtins(msgspec.json.decode(msgspec.json.encode(book.to_builtins())))
    assert again == book
    again.merge(other)
    assert again.sums["t", "m"].calls == 30
    assert again.sums["u", "m"].calls == 30
    assert again.watches["m"].promised == (60, 60)
    assert again.standing("n", 51.0) == other.standing("n", 51.0)


def test_a_book_stays_small_however_many_tasks_there_are() -> None:
    book = DriftBook()
    for n in range(10_050):
        book.observe(f"t{n}", f"m{n % 300}", GOOD, 0.0, kept=0.9)
    assert len(book.sums) == 10_001
    assert book.sums[OTHER, OTHER].calls == 50
    assert len(book.watches) == 200

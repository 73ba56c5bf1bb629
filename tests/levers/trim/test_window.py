from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.levers.trim.turns import Message
from penstock.levers.trim.window import Cut, Marks, Worth, find_cut

ALWAYS = Worth(1.25, 0.1, 10, always=True)
SAY, ANSWER = Message(speaks=True), Message()


def _talk(turns: int) -> list[Message]:
    """User and assistant by turns, the user last."""
    return [one for _ in range(turns - 1) for one in (SAY, ANSWER)] + [SAY]


def _cuts(turns: int, marks: Marks, size: int = 10, worth: Worth = ALWAYS) -> list[int]:
    """Where a conversation that grows turn by turn is cut, 0 for whole."""
    found = []
    for number in range(1, turns + 1):
        messages = _talk(number)
        cut = find_cut(messages, [size] * len(messages), 0, marks, worth)
        found.append(0 if cut is None else cut.until)
    return found


def test_t1_the_cut_is_held_to_the_high_mark_and_then_made_to_the_low_one() -> None:
    """Ten tokens a message: 130 pass 120 at the seventh turn, and 70 leave the first message and six more."""
    cuts = _cuts(14, Marks(120, 70))
    assert cuts == [0, 0, 0, 0, 0, 0, 8, 8, 8, 8, 16, 16, 16, 16]


def test_t1_a_restart_does_not_move_the_cut() -> None:
    messages = _talk(40)
    once = find_cut(messages, [10] * len(messages), 0, Marks(120, 70), ALWAYS)
    again = find_cut(list(messages), [10] * len(messages), 0, Marks(120, 70), ALWAYS)
    assert once == again


@settings(max_examples=80, deadline=None)
@given(st.lists(st.integers(1, 60), min_size=1, max_size=40), st.integers(20, 200), st.integers(0, 50), st.booleans())
def test_t1_a_longer_history_never_takes_a_cut_back(sizes: list[int], high: int, fixed: int, pays: bool) -> None:
    marks, worth = Marks(high, 0.6 * high), Worth(1.25, 0.1, 10, always=not pays)
    last = 0
    for number in range(1, len(sizes) // 2 + 1):
        messages = _talk(number)
        cut = find_cut(messages, sizes[: len(messages)], fixed, marks, worth)
        until = 0 if cut is None else cut.until
        assert until >= last
        last = until


@settings(max_examples=80, deadline=None)
@given(st.lists(st.integers(1, 60), min_size=5, max_size=41), st.integers(50, 300))
def test_after_a_fresh_cut_the_history_is_at_the_low_mark_or_only_the_newest_turn_is_left(
    sizes: list[int], high: int
) -> None:
    sizes = sizes[: len(sizes) - (len(sizes) + 1) % 2]
    messages = _talk((len(sizes) + 1) // 2)
    cut = find_cut(messages, sizes, 0, Marks(high, 0.7 * high), ALWAYS)
    if cut is None:
        assert sum(sizes) <= Marks(high, 0.7 * high).next_cut(sizes[0])
    elif cut.fresh:
        kept = sizes[0] + sum(sizes[cut.until :])
        assert kept <= 0.7 * high or cut.until == len(messages) - 1
        assert cut.removed == sum(sizes[1 : cut.until])


def test_t22_a_prefix_that_is_larger_than_the_window_leaves_the_newest_turn() -> None:
    messages = _talk(4)
    cut = find_cut(messages, [10] * 7, 10_000, Marks(120, 70), ALWAYS)
    assert cut is not None
    assert (cut.until, cut.fresh) == (6, True)


@pytest.mark.parametrize("fixed", [0, 59, 60, 61, 100, 200, 10_000])
def test_t1_whatever_stays_the_cut_is_held_while_history_gathers_between_the_marks(fixed: int) -> None:
    """Fifty tokens lie between the marks, and two turns are forty: no two cuts follow each other within two turns."""
    cuts = []
    for number in range(1, 60):
        messages = _talk(number)
        cut = find_cut(messages, [10] * len(messages), fixed, Marks(120, 70), ALWAYS)
        cuts.append(0 if cut is None else cut.until)
    moves = [turn for turn, (before, after) in enumerate(pairwise(cuts)) if before != after]
    assert len(moves) >= 10
    assert min(after - before for before, after in pairwise(moves)) >= 2


def test_t1_instructions_that_stay_do_not_make_every_turn_a_cut() -> None:
    rule, cuts = Message(stays=True), []
    for number in range(2, 40):
        messages = [SAY, *[one for _ in range(number - 1) for one in (ANSWER, rule, SAY)]]
        cut = find_cut(messages, [10] * len(messages), 0, Marks(120, 70), ALWAYS)
        cuts.append(0 if cut is None else cut.until)
    moves = [turn for turn, (before, after) in enumerate(pairwise(cuts)) if before != after]
    assert len(moves) > 5
    assert min(after - before for before, after in pairwise(moves)) >= 2


def test_one_turn_is_never_cut() -> None:
    assert find_cut(_talk(1), [10_000], 0, Marks(120, 70), ALWAYS) is None
    assert find_cut([ANSWER], [10_000], 0, Marks(120, 70), ALWAYS) is None
    assert find_cut([], [], 0, Marks(120, 70), ALWAYS) is None


def test_a_cut_is_made_only_when_it_repays_the_cache_that_it_breaks() -> None:
    """Anthropic's 5m prices: 11.5 x S / r turns, so 60 removed before 60 kept need 12 turns (statistics 5)."""
    assert Worth(1.25, 0.1, 12).pays(removed=60, rewritten=60)
    assert not Worth(1.25, 0.1, 11).pays(removed=60, rewritten=60)
    assert Worth(1.0, 0.1, 9).pays(removed=60, rewritten=60)
    assert Worth(1.0, 0.5, 1).pays(removed=60, rewritten=60)
    assert _cuts(9, Marks(120, 70), worth=Worth(1.25, 0.1, 1.0)) == [0] * 9


def test_t21_a_cut_never_stands_between_a_call_and_its_late_result() -> None:
    messages = [SAY, Message(opens=("a",)), SAY, ANSWER, Message(closes=("a",)), SAY, ANSWER, SAY]
    cut = find_cut(messages, [50] * 8, 0, Marks(120, 100), ALWAYS)
    assert cut is not None
    assert cut.until in (5, 7)


def test_a_call_that_nobody_answered_goes_alone() -> None:
    messages = [SAY, Message(opens=("lost",)), SAY, ANSWER, SAY]
    cut = find_cut(messages, [50] * 5, 0, Marks(120, 70), ALWAYS)
    assert cut is not None
    assert cut.until == 4


def test_t21_what_must_not_go_is_never_behind_a_cut() -> None:
    messages = [SAY, ANSWER, SAY, Message(fixed=True), SAY, ANSWER, SAY]
    cut = find_cut(messages, [50] * 7, 0, Marks(120, 70), ALWAYS)
    assert cut == Cut(after=0, until=2, removed=50, rewritten=50, fresh=False)


def test_instructions_between_the_turns_stay_and_are_counted() -> None:
    messages = [SAY, ANSWER, Message(stays=True), ANSWER, SAY]
    cut = find_cut(messages, [50] * 5, 0, Marks(200, 150), ALWAYS)
    assert cut is not None
    assert (cut.until, cut.removed) == (4, 100)

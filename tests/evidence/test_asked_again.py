from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.evidence.asked_again import WINDOW_S, AskedAgain, Question, words_of

ASKED = "Summarise the second mail of Tuesday for me"


def _question(text: str = ASKED, *, session: str | None = "s", history: str = "", task: str = "t") -> Question:
    return Question(task, session, f"{history}|{text}".encode(), words_of(text))


def _settled(second: Question, *, first: Question | None = None, after: float = 10.0) -> list[tuple[str, bool]]:
    book: AskedAgain[str] = AskedAgain()
    assert not list(book.answered(first or _question(), 100.0, "first"))
    return list(book.asked(second, 100.0 + after))


@pytest.mark.parametrize(
    ("second", "again"),
    [
        (_question(), True),
        (_question("Please summarise the second mail of Tuesday for me!", history="two turns"), True),
        (_question("And who wrote it, by the way?", history="two turns"), False),
        (_question("What is the capital of France?"), False),
    ],
)
def test_the_same_question_in_the_same_or_other_words_is_asked_again(second: Question, again: bool) -> None:
    assert _settled(second) == [("first", again)]


def test_a_question_after_the_window_is_a_new_one() -> None:
    assert _settled(_question(), after=WINDOW_S + 1) == [("first", False)]


def test_short_turns_are_no_rephrasing_but_the_very_same_prompt_is() -> None:
    go_on = _question("go on", history="one turn")
    assert _settled(_question("go on", history="two turns"), first=go_on) == [("first", False)]
    assert _settled(go_on, first=go_on) == [("first", True)]


def test_without_a_session_only_the_very_same_prompt_counts() -> None:
    first = _question(session=None)
    assert _settled(first, first=first) == [("first", True)]
    assert _settled(_question(ASKED + " please", session=None), first=first) == []


def test_another_task_or_session_settles_nothing_until_the_time_is_over() -> None:
    for second in (_question(session="other"), _question(task="other")):
        assert _settled(second) == []
        assert _settled(second, after=WINDOW_S + 1) == [("first", False)]


def test_of_two_answers_at_once_neither_is_the_other_s_repetition() -> None:
    book: AskedAgain[str] = AskedAgain()
    list(book.answered(_question(), 1.0, "a"))
    assert list(book.answered(_question(), 2.0, "b")) == [("a", False)]
    assert list(book.asked(_question(), 3.0)) == [("b", True)]


def test_no_more_than_the_most_are_remembered() -> None:
    book: AskedAgain[int] = AskedAgain(most=3)
    settled = [one for n in range(5) for one in book.answered(_question(session=str(n)), float(n), n)]
    assert settled == [(0, False), (1, False)]
    assert len(book) == 3


@given(
    st.lists(
        st.tuples(st.booleans(), st.integers(0, 60), st.sampled_from(["a", "b", None]), st.sampled_from("xy")),
        max_size=60,
    )
)
def test_each_answered_call_is_settled_once_and_in_time(
    events: list[tuple[bool, int, str | None, str]],
) -> None:
    book: AskedAgain[int] = AskedAgain(most=4)
    at, answered, settled = 0.0, 0, []
    for is_answer, later, session, text in events:
        at += later
        question = _question(text, session=session)
        if is_answer:
            settled += book.answered(question, at, answered)
            answered += 1
        else:
            settled += book.asked(question, at)
    settled += book.asked(_question("the end", session="none"), at + WINDOW_S + 1)
    assert sorted(tag for tag, _ in settled) == list(range(answered))
    assert len(book) == 0


@given(st.text(), st.text())
def test_likeness_is_the_same_both_ways(one: str, other: str) -> None:
    left, right = _question(one), _question(other)
    assert left.repeats(left)
    assert left.repeats(right) == right.repeats(left)

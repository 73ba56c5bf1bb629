from __future__ import annotations

import pytest

from penstock.engine.simulated import simulated_words, tags_with_mark


def test_the_mark_joins_the_caller_s_tags_and_only_where_answers_are_simulated() -> None:
    tags = {"team": "mail"}
    assert tags_with_mark(tags, simulated=True) == {"team": "mail", "simulated": "simulated"}
    assert tags_with_mark(tags, simulated=False) == tags


@pytest.mark.parametrize(
    ("count", "of", "said"),
    [
        (0, 5, ""),
        (1, 1, "Simulated: the 1 call has"),
        (5, 5, "Simulated: all 5 calls have"),
        (2, 1234, "Simulated: 2 of 1,234 calls have"),
    ],
)
def test_how_many_are_simulated_is_said_in_a_sentence(count: int, of: int, said: str) -> None:
    assert simulated_words(count, of).startswith(said)
    assert bool(simulated_words(count, of)) is bool(count)

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from penstock.evidence.lengths import Lengths
from penstock.levers.cap.saving import expected_saving, longest_own_end


def _saving(whole: dict[int, int], cap: int, runaway: int = 1000, retry_input: int = 0) -> int:
    return expected_saving(Lengths(whole), cap, runaway, output_rate=1, retry_input=retry_input)


def test_a_cap_that_cuts_nothing_saves_nothing() -> None:
    assert _saving({10: 50, 100: 50}, 100) == 0


def test_a_runaway_cut_short_is_saved_less_a_second_try() -> None:
    """One of ten ran to 2,000: cut at 200, asked again for a mean of 100, and a prompt of 50."""
    assert _saving({100: 9, 2000: 1}, 200, retry_input=50) == (2000 - 200 - 100 - 50) // 10


def test_an_honest_long_answer_cut_by_mistake_is_a_loss() -> None:
    """It is as long the second time, so that the first try and its prompt were for nothing."""
    assert _saving({100: 9, 300: 1}, 200, retry_input=50) == -25


def test_an_answer_cut_at_the_callers_cap_counts_with_the_length_it_reached() -> None:
    lengths = Lengths({100: 9}, {4000: 1})
    assert expected_saving(lengths, 200, 1000, output_rate=1, retry_input=0) == (4000 - 200 - 100) // 10


def test_the_longest_answer_of_its_own_end_is_no_runaway() -> None:
    assert longest_own_end(Lengths({100: 9, 900: 1, 4000: 1}), 1000) == 900
    assert longest_own_end(Lengths(), 1000) == 0


@given(st.dictionaries(st.integers(1, 1000), st.integers(1, 9), min_size=1))
def test_a_cap_at_the_longest_answer_never_loses(whole: dict[int, int]) -> None:
    assert _saving(whole, max(whole), retry_input=10**6) == 0

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.evidence.features import prompt_features
from penstock.evidence.surface import CHOICES, OPENING, OPENINGS, SURFACES

QUESTION = "Mr. Lee asks: which planet is not a giant?"
CHOICE = QUESTION + "\nA. Mars\nB. Jupiter and Saturn\nC. All of the above\nD. 42"


def surface(text: str) -> np.ndarray:
    return prompt_features(text).surface


def opening(text: str) -> bytes | None:
    flags = surface(text)[OPENING]
    return OPENINGS[int(flags.argmax())] if flags.any() else None


@given(st.text(alphabet="aB1 .?\n():,é\0", max_size=300))
@settings(max_examples=60)
def test_any_text_has_a_finite_surface_and_at_most_one_opening(text: str) -> None:
    found = surface(text)
    assert found.shape == (SURFACES,)
    assert np.isfinite(found).all()
    assert found[OPENING].sum() <= 1


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("What is it?", b"what"),
        ("It rained all day. Why did it rain?", b"why"),
        ("## Question:\n\nHow many are left?\n\n## Instruction\nAnswer in JSON.", b"how"),
        (QUESTION, b"which"),
        ("Find the degree of x.", b"find"),
        ("Translate this.", None),
        ("", None),
        ("?", None),
    ],
)
def test_the_opening_is_the_first_word_of_the_question(text: str, first: bytes | None) -> None:
    assert opening(text) == first


def test_a_prompt_without_choices_has_none_of_their_features() -> None:
    assert not surface(QUESTION)[CHOICES].any()
    assert not surface(QUESTION + "\nA. the only one")[CHOICES].any()
    assert surface(CHOICE)[CHOICES].any()


@pytest.mark.parametrize("label", ["{}.", "{})", "({})", "  {}."])
def test_choices_are_found_under_any_usual_label(label: str) -> None:
    lines = "".join(f"\n{label.format(letter)} choice {letter * 3}" for letter in "ABCD")
    assert surface(QUESTION + lines)[CHOICES][0] == pytest.approx(np.log1p(4))


def test_what_the_choices_say_is_told_apart() -> None:
    mixed, plain = surface(CHOICE)[CHOICES], surface(QUESTION + "\nA. red\nB. green\nC. blue\nD. pink")[CHOICES]
    assert mixed[0] == plain[0]
    assert mixed[11] == pytest.approx(0.25)  # one number of four
    assert (mixed[14], plain[14]) == (1.0, 0.0)  # all of the above
    assert mixed[6] > plain[6]  # unequal lengths


def test_shaping_words_count_wherever_they_stand() -> None:
    with_not, without = surface("which planet is not big"), surface("which planet is how big")
    assert (with_not != without).any()


def test_years_are_numbers_of_their_own_kind() -> None:
    year, other = surface("the war of 1914"), surface("the war of 9141")
    assert (year != other).sum() == 1

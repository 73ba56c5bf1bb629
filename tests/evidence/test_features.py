from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.evidence.features import BITS, GRAMS, HEAD, TAIL, prompt_features
from penstock.evidence.surface import SURFACES

WORDS = 1 << BITS


@given(st.text(max_size=200), st.integers(0, 30))
@settings(max_examples=40)
def test_any_text_has_features_of_the_same_shape(text: str, tools: int) -> None:
    found = prompt_features(text, tools)
    assert found.surface.shape == (SURFACES,)
    assert np.isfinite(found.surface).all()
    assert (np.diff(found.grams) > 0).all()
    assert found.grams.size == 0 or (found.grams[0] >= 0 and found.grams[-1] < GRAMS)


@pytest.mark.parametrize("text", ["", "a", "ab ", " ", "\ud800", "日本語", "x" * 10])
def test_odd_texts_are_fine(text: str) -> None:
    assert prompt_features(text).surface.shape == (SURFACES,)


def test_the_same_words_in_another_place_hash_the_same() -> None:
    one = prompt_features("refund please").grams
    two = prompt_features("kindly send the refund please").grams
    assert set(one[one < WORDS]) <= set(two[two < WORDS])
    assert len(set(one[one < WORDS])) == 3  # two words and their pair


def test_case_of_words_does_not_matter_but_order_does() -> None:
    assert (prompt_features("Where Is It").grams == prompt_features("where is it").grams).all()
    assert set(prompt_features("is where it").grams) != set(prompt_features("where is it").grams)


def test_the_surface_tells_lengths_digits_and_tools_apart() -> None:
    short, long = prompt_features("one two").surface, prompt_features("one two " * 50).surface
    assert long[0] > short[0]
    assert (prompt_features("a 12 b 34").surface != prompt_features("a bc d ef").surface).any()
    assert (prompt_features("same", 3).surface != prompt_features("same", 0).surface).sum() == 1


def test_only_head_and_tail_of_a_long_prompt_are_read_but_its_length_counts() -> None:
    head, tail = "h" * HEAD, "t" * TAIL
    one, two = prompt_features(head + " middle " * 3000 + tail), prompt_features(head + " centre " * 9000 + tail)
    assert (one.grams == two.grams).all()
    assert (one.surface != two.surface).sum() == 1

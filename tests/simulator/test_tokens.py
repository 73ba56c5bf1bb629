from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.simulator.tokens import base_count, count_text, scaled, truncate


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("hello", 1),
        ("hello world", 2),
        ("internationalisation", 3),
        ("12345", 2),
        ("a  b", 3),
        ("a\n\n\nb", 3),
        ('{"a"', 3),
        ("日本", 2),
        ("\x00\x01", 2),
    ],
)
def test_the_rule_counts_words_digits_punctuation_and_bytes(text: str, tokens: int) -> None:
    assert base_count(text) == tokens


def test_a_newer_tokenizer_counts_more_for_the_same_text() -> None:
    text = "the quick brown fox jumps over the lazy dog " * 10
    assert count_text(text, 1.3) == -(-count_text(text, 1.0) * 13 // 10)


def test_a_factor_rounds_up() -> None:
    assert scaled(1, 1.3) == 2
    assert scaled(10, 1.3) == 13


@settings(max_examples=80, deadline=None)
@given(st.text(max_size=300), st.sampled_from([1.0, 1.3]), st.integers(0, 100))
def test_a_truncated_text_is_a_beginning_within_its_limit(text: str, factor: float, limit: int) -> None:
    cut = truncate(text, factor, limit)
    assert text.startswith(cut)
    assert count_text(cut, factor) <= limit
    if count_text(text, factor) <= limit:
        assert cut == text


@settings(max_examples=80, deadline=None)
@given(st.text(max_size=200), st.text(max_size=200))
def test_joining_texts_saves_at_most_what_lies_at_the_seam(left: str, right: str) -> None:
    together = base_count(left + right)
    assert together <= base_count(left) + base_count(right) + 1
    assert base_count(left) <= together

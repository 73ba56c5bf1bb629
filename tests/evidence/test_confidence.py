from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.evidence.confidence import ScoreCounts

SCORES = st.lists(st.floats(0.0, 1.0), max_size=40)


def seen(scores: list[float]) -> ScoreCounts:
    counts = ScoreCounts()
    for score in scores:
        counts.observe(score)
    return counts


def test_before_any_score_nothing_is_known() -> None:
    nothing = ScoreCounts()
    assert (nothing.lower(0.05), nothing.upper(0.05), nothing.mean, nothing.n) == (0.0, 1.0, None, 0)


@given(SCORES)
def test_the_bounds_enclose_the_observed_mean(scores: list[float]) -> None:
    counts = seen(scores)
    mean = counts.mean
    if mean is None:
        return
    assert counts.lower(0.05) <= mean + 1e-9
    assert counts.upper(0.05) >= mean - 1e-9


@given(SCORES, SCORES)
def test_bounds_of_merged_counts_are_those_of_all_scores(one: list[float], two: list[float]) -> None:
    merged = seen(one).merge(seen(two))
    assert merged.counts == seen(two).merge(seen(one)).counts
    assert merged.lower(0.05) == pytest.approx(seen(one + two).lower(0.05))


def test_a_hundred_good_scores_show_a_mean_above_nine_tenths() -> None:
    assert seen([1.0] * 100).lower(0.05) > 0.93
    assert seen([0.0] * 100).upper(0.05) < 0.08


def test_a_reference_at_fifteen_percent_is_shown_to_be_below_a_half_within_thirty() -> None:
    scores = ([0.0] * 6 + [1.0]) * 5
    assert seen(scores[:30]).upper(0.05) < 0.5


def test_the_lower_bound_covers_at_all_sample_sizes_together() -> None:
    draw = random.Random(5)
    missed = 0
    for _ in range(150):
        counts = ScoreCounts()
        for n in range(1, 121):
            counts.observe(float(draw.random() < 0.9))
            if n % 20 == 0 and counts.lower(0.1) > 0.9:
                missed += 1
                break
    assert missed / 150 <= 0.16


def test_more_confidence_means_a_lower_bound() -> None:
    counts = seen([1.0] * 45 + [0.0] * 5)
    assert counts.lower(0.01) < counts.lower(0.2) < 0.9


@pytest.mark.parametrize("odd", [-0.1, 1.1, float("nan")])
def test_only_scores_are_taken(odd: float) -> None:
    with pytest.raises(ValueError, match="score"):
        seen([odd])

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.evidence.calibration import Calibration


def _calibration(calls: list[tuple[str, int, float]]) -> Calibration:
    made = Calibration()
    for model, provider, estimated in calls:
        made.add(model, provider, estimated)
    return made


def test_a_model_never_seen_is_not_corrected_and_has_a_wide_band() -> None:
    assert Calibration().factor("m") == 1.0
    assert Calibration().band("m") == (0.5, 2.0)


def test_t16_a_model_that_counts_more_tokens_is_corrected_for_itself_alone() -> None:
    seen = _calibration([("new", 13_000, 10_000.0)] * 20 + [("old", 10_000, 10_000.0)] * 20)
    assert seen.factor("new") == pytest.approx(1.3, abs=0.01)
    assert seen.factor("old") == 1.0


def test_the_band_holds_the_calls_that_were_seen() -> None:
    seen = _calibration([("m", 900 + 2 * n, 1000.0) for n in range(100)])
    low, high = seen.band("m")
    assert low == pytest.approx(0.91, abs=0.02)
    assert high == pytest.approx(1.09, abs=0.02)


def test_a_few_tokens_do_not_swing_the_factor() -> None:
    assert _calibration([("m", 30, 10.0)]).factor("m") < 1.15


def test_a_call_without_tokens_or_estimate_says_nothing() -> None:
    assert _calibration([("m", 0, 10.0), ("m", 10, 0.0)]).by_model["m"].calls == 0


def test_an_absurd_ratio_is_kept_within_the_scale() -> None:
    assert _calibration([("m", 10**9, 1.0)]).band("m")[1] == pytest.approx(144.8, rel=0.01)


Calls = list[tuple[str, int, float]]
calls = st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 10**6), st.floats(0, 1e6)), max_size=20)


@settings(max_examples=60, deadline=None)
@given(calls, calls)
def test_merging_is_counting_everything_in_one(first: Calls, second: Calls) -> None:
    merged = _calibration(first)
    merged.merge(_calibration(second))
    assert merged.to_builtins() == _calibration(first + second).to_builtins()
    again = Calibration.from_builtins(msgspec.json.decode(msgspec.json.encode(merged.to_builtins())))
    assert again == merged


def test_t16_corrections_are_compared_only_between_models_that_were_both_measured() -> None:
    seen = _calibration([("a", 100, 100.0)] * 20 + [("b", 100, 100.0)] * 19)
    assert not seen.together("a", "b")
    seen.add("b", 100, 100.0)
    assert seen.together("a", "b")
    assert seen.together("never", "never")

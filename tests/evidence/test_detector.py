from __future__ import annotations

import random

import pytest

from penstock.evidence.detector import CEILING, STAKES, DropDetector, paired_baseline


def delay(drop_to: float, *, baseline: float, seed: int, usual: float = 0.99) -> int:
    draw = random.Random(seed)
    detector = DropDetector(baseline=baseline)
    for _ in range(300):
        detector.observe(float(draw.random() < usual))
    for n in range(1, 5000):
        detector.observe(float(draw.random() < drop_to))
        if detector.value >= 10_000:
            return n
    return 5000


def test_gross_breakage_of_a_free_signal_is_seen_within_ten_calls() -> None:
    assert max(delay(0.0, baseline=0.95, seed=seed) for seed in range(20)) <= 10


def test_a_larger_drop_is_seen_sooner() -> None:
    delays = [sorted(delay(to, baseline=0.95, seed=seed) for seed in range(21))[10] for to in (0.9, 0.8, 0.5)]
    assert delays == sorted(delays, reverse=True)
    assert delays[-1] < 25


def test_quiet_traffic_raises_no_alarm() -> None:
    draw = random.Random(1)
    detector = DropDetector(baseline=0.95)
    worst = 0.0
    for _ in range(5000):
        detector.observe(float(draw.random() < 0.98))
        worst = max(worst, detector.value)
    assert worst < 10_000


def test_at_the_baseline_the_statistic_grows_by_one_a_step_on_average() -> None:
    start = DropDetector(baseline=0.9, n=3, sums=(2.0, 5.0, 0.0, 1.0, 7.0))
    good, bad = DropDetector(baseline=0.9, sums=start.sums), DropDetector(baseline=0.9, sums=start.sums)
    good.observe(1.0)
    bad.observe(0.0)
    assert 0.9 * good.value + 0.1 * bad.value == pytest.approx(start.value + 1.0)


def test_a_paired_detector_alarms_only_below_the_margin() -> None:
    assert paired_baseline(0.02) == pytest.approx(0.49)
    detector = DropDetector(baseline=paired_baseline(0.02))
    for _ in range(400):
        detector.observe((-0.02 + 1) / 2)
    assert detector.value == pytest.approx(400.0)


def test_merged_detectors_add_their_sums_and_counts() -> None:
    a, b = DropDetector(baseline=0.9), DropDetector(baseline=0.9)
    a.observe(0.0)
    b.observe(1.0)
    assert a.merge(b) == b.merge(a)
    assert a.merge(b).n == 2
    assert a.merge(b).value == pytest.approx(a.value + b.value)


def test_the_sums_stay_finite() -> None:
    detector = DropDetector(baseline=0.999)
    for _ in range(400):
        detector.observe(0.0)
    assert detector.sums == (CEILING,) * len(STAKES)


def test_odd_values_are_refused() -> None:
    with pytest.raises(ValueError, match="baseline"):
        DropDetector(baseline=1.0)
    with pytest.raises(ValueError, match="score"):
        DropDetector(baseline=0.5).observe(float("nan"))
    with pytest.raises(ValueError, match="baselines"):
        DropDetector(baseline=0.5).merge(DropDetector(baseline=0.6))

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.routing_metrics import apgr, cpt, curve, within_folds


def scores(n: int = 2000) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    return (rng.random(n) < 0.8).astype(float), (rng.random(n) < 0.6).astype(float)


def test_a_random_router_recovers_half_the_area_and_needs_half_the_calls() -> None:
    strong, weak = scores()
    found = curve(np.random.default_rng(2).random(len(strong)), strong, weak)
    assert apgr(found, strong.mean(), weak.mean()) == pytest.approx(0.5, abs=0.06)
    assert cpt(found, strong.mean(), weak.mean()) == pytest.approx(0.5, abs=0.1)


def test_eleven_points_from_no_strong_call_to_all() -> None:
    strong, weak = scores()
    found = curve(np.arange(len(strong), dtype=float), strong, weak)
    assert found.shares.tolist() == pytest.approx([index / 10 for index in range(11)], abs=0.001)
    assert found.scores[0] == pytest.approx(weak.mean())
    assert found.scores[-1] == pytest.approx(strong.mean())


def test_equal_needs_share_one_edge() -> None:
    strong, weak = scores()
    found = curve(np.zeros(len(strong)), strong, weak)
    assert found.shares.tolist() == [0.0]


def test_an_oracle_recovers_more_than_everything() -> None:
    strong, weak = scores()
    found = curve(strong - weak + np.random.default_rng(3).random(len(strong)) * 1e-6, strong, weak)
    assert (apgr(found, strong.mean(), weak.mean()) or 0) > 1.0


def test_a_strong_model_that_is_not_better_has_no_metric() -> None:
    strong, weak = scores()
    found = curve(np.arange(len(strong), dtype=float), weak, strong)
    assert apgr(found, weak.mean(), strong.mean()) is None
    assert cpt(found, weak.mean(), strong.mean()) is None


def test_costs_follow_the_choice() -> None:
    strong, weak = scores()
    found = curve(np.arange(len(strong), dtype=float), strong, weak, (np.full(len(strong), 3.0), np.ones(len(strong))))
    assert found.costs is not None
    assert found.costs[0] == pytest.approx(1.0)
    assert found.costs[-1] == pytest.approx(3.0)


def test_each_fold_has_its_own_scale() -> None:
    need = np.array([1.0, 2.0, 100.0, 200.0])
    assert within_folds(need, [np.array([0, 1]), np.array([2, 3])]).tolist() == [0.25, 0.75, 0.25, 0.75]

from __future__ import annotations

import numpy as np
import pytest

from penstock.evidence.ridge import FOLDS, RIDGES, best_fits, out_of_fold


def world(noise: float, n: int = 120, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """A kernel of rank 3 and centred labels that follow it, with noise."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, 3))
    labels = rows @ rng.normal(size=3) + noise * rng.normal(size=n)
    return rows @ rows.T, labels - labels.mean()


def test_more_noise_asks_for_a_stronger_ridge() -> None:
    strengths = []
    for noise in (0.5, 3.0, 10.0):
        kernel, labels = world(noise)
        (fit,) = best_fits(kernel, [labels[:, None]])
        strengths.append(fit.ridge)
    assert strengths == sorted(strengths)
    assert strengths[0] == RIDGES[0] < strengths[-1]


def test_the_dual_weights_solve_the_ridge_equations() -> None:
    kernel, labels = world(2.0)
    (fit,) = best_fits(kernel, [labels[:, None]])
    assert (kernel + fit.ridge * np.eye(len(labels))) @ fit.dual[:, 0] == pytest.approx(labels)


def test_each_group_of_labels_has_its_own_strength() -> None:
    kernel, clear = world(0.5)
    noise = np.random.default_rng(3).normal(size=len(clear))
    first, second = best_fits(kernel, [clear[:, None], (noise - noise.mean())[:, None]])
    assert first.ridge < second.ridge
    assert first.likelihood > second.likelihood


def test_left_out_is_what_a_fit_without_the_row_would_say() -> None:
    kernel, labels = world(2.0)
    (fit,) = best_fits(kernel, [labels[:, None]])
    rest = np.arange(1, len(labels))
    dual = np.linalg.solve(kernel[np.ix_(rest, rest)] + fit.ridge * np.eye(len(rest)), labels[rest])
    assert fit.left_out(labels)[0] == pytest.approx(kernel[0, rest] @ dual)


def test_a_row_has_no_part_in_its_own_prediction_nor_have_the_others_of_its_fold() -> None:
    kernel, labels = world(1.0)
    columns = np.stack([labels, -labels], axis=1)
    before = out_of_fold(kernel, columns, 5.0)
    changed = columns.copy()
    changed[0] += 100.0
    after = out_of_fold(kernel, changed, 5.0)
    same = np.isclose(before[:, 0], after[:, 0])
    assert same[::FOLDS].all()
    assert not same[1::FOLDS].any()
    assert np.corrcoef(before[:, 0], labels)[0, 1] > 0.5

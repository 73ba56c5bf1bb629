"""Ridge regression in its dual form: its strength by marginal likelihood, and predictions of what was not trained on.

Needs the ``learn`` extra (numpy, scipy).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

RIDGES = (2.0, 5.0, 10.0, 20.0, 50.0, 150.0)
"""Candidates for the variance of the noise, in the unit of the kernel."""

FOLDS = 5
"""Parts of the training labels, each predicted from the others."""

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Fit:
    """One strength for the columns of ``dual`` together.

    Attributes:
        ridge: the chosen strength.
        likelihood: log marginal likelihood, scales of the columns profiled out, up to a constant.
        dual: weights of the training rows, of shape (row, column).
        factor: lower Cholesky factor of ``kernel + ridge``.
    """

    ridge: float
    likelihood: float
    dual: Doubles
    factor: Doubles

    def left_out(self, labels: Doubles) -> Doubles:
        """What would have been predicted of each training row without it; of the first column, centred as that is."""
        inverse = linalg.cho_solve((self.factor, True), np.eye(len(labels)), check_finite=False)
        rest: Doubles = labels - self.dual[:, 0] / np.diag(inverse)
        return rest


def best_fits(kernel: Doubles, columns: list[Doubles]) -> list[Fit]:
    """For each group of centred labels (of shape (row, column)) the fit with the highest marginal likelihood."""
    best: list[Fit | None] = [None] * len(columns)
    n = len(kernel)
    for ridge in RIDGES:
        factor = linalg.cholesky(kernel + ridge * np.eye(n), lower=True, check_finite=False)
        shrunk = float(np.log(np.diag(factor)).sum())
        for index, labels in enumerate(columns):
            half = linalg.solve_triangular(factor, labels, lower=True, check_finite=False)
            fit = np.maximum((half * half).sum(axis=0), 1e-12)
            likelihood = float((-0.5 * n * np.log(fit / n) - shrunk).sum())
            found = best[index]
            if found is None or likelihood > found.likelihood:
                dual = linalg.solve_triangular(factor, half, lower=True, trans=1, check_finite=False)
                best[index] = Fit(ridge, likelihood, dual, factor)
    return [fit for fit in best if fit is not None]


def out_of_fold(kernel: Doubles, labels: Doubles, ridge: float) -> Doubles:
    """Each training row predicted from the folds that it is not in.

    Whole folds are left out, not single rows: among rows that are alike, leaving out a row moves its own prediction
    away from its label, and a second model would learn just that.
    """
    n = len(labels)
    fold = np.arange(n) % FOLDS
    found = np.empty_like(labels)
    for index in range(FOLDS):
        kept, out = np.flatnonzero(fold != index), np.flatnonzero(fold == index)
        mean = labels[kept].mean(axis=0)
        square = kernel[np.ix_(kept, kept)] + ridge * np.eye(len(kept))
        factor = linalg.cho_factor(square, lower=True, check_finite=False)
        dual = linalg.cho_solve(factor, labels[kept] - mean, check_finite=False)
        found[out] = mean + kernel[np.ix_(out, kept)] @ dual
    return found

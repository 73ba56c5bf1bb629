"""RouteLLM's routing metrics, as its ``evals`` compute them.

A router gives every prompt a need for the strong model. The thresholds are the edges of 10 quantile bins of the needs
(equal edges are dropped); at each threshold prompts at or above it go to the strong model (strictly above the last
one), which gives at most 11 points of strong share against mean score, from all-strong to all-cheap.

* APGR: trapezoid area under those points between the two models' scores, over the area of the whole rectangle.
* CPT50: the share of strong calls at which half of the gap is recovered, interpolated between the points (the first
  crossing, where noise makes the curve fall).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
BINS = 10


@dataclass(frozen=True)
class Curve:
    """Points from no strong call to all: shares of strong calls, mean scores, mean costs (None when unknown)."""

    shares: Numbers
    scores: Numbers
    costs: Numbers | None


def curve(need: Numbers, strong: Numbers, weak: Numbers, costs: tuple[Numbers, Numbers] | None = None) -> Curve:
    """The curve of a router; ``costs`` are (strong, weak) per prompt."""
    edges = np.unique(np.quantile(need, np.linspace(0.0, 1.0, BINS + 1)))
    points = []
    for index, edge in enumerate(edges):
        chosen = need >= edge if index < len(edges) - 1 else need > edge
        cost = float(np.where(chosen, *costs).mean()) if costs else 0.0
        points.append((float(chosen.mean()), float(np.where(chosen, strong, weak).mean()), cost))
    shares, scores, paid = (np.array(column) for column in zip(*sorted(points), strict=True))
    return Curve(shares, scores, paid if costs else None)


def apgr(found: Curve, strong: float, weak: float) -> float | None:
    """Average performance gap recovered; None when the strong model is not the better one."""
    if strong <= weak:
        return None
    width = found.shares[-1] - found.shares[0]
    area = np.trapezoid(found.scores, found.shares)
    return float((area - weak * width) / ((strong - weak) * width)) if width > 0 else None


def cpt(found: Curve, strong: float, weak: float, part: float = 0.5) -> float | None:
    """Share of strong calls that recovers ``part`` of the gap; None when the strong model is not the better one."""
    if strong <= weak:
        return None
    target = weak + part * (strong - weak)
    for left in range(len(found.shares) - 1):
        low, high = found.scores[left], found.scores[left + 1]
        if low >= target:
            return float(found.shares[left])
        if high >= target:
            step = (target - low) / (high - low)
            return float(found.shares[left] + step * (found.shares[left + 1] - found.shares[left]))
    return 1.0


def within_folds(need: Numbers, folds: list[NDArray[np.int64]]) -> Numbers:
    """Needs as quantiles inside their own test fold: each fold's router has a scale of its own."""
    ranked = np.empty(len(need))
    for fold in folds:
        order = np.argsort(np.argsort(need[fold], kind="stable"), kind="stable")
        ranked[fold] = (order + 0.5) / len(fold)
    return ranked

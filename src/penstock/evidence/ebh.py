"""Which of many tests may be believed at once: the e-BH procedure (Wang and Ramdas).

Of T hypotheses with e-values the k largest are rejected for the largest k whose k-th largest value is at least
``T / (k * alpha)``. The expected share of false rejections is at most ``alpha`` under any dependence between the tests,
which is needed here because one change at a provider moves all tasks together.

Each hypothesis may carry a weight of at most 1, by which its e-value is multiplied: a candidate that was promoted and
demoted before is tried again with half the weight, which is half the alpha.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from math import inf, log
from typing import TypeVar

Name = TypeVar("Name", bound=Hashable)


def believed(log_e: Mapping[Name, float], alpha: float) -> frozenset[Name]:
    """The hypotheses that are rejected, which is to say the candidates that are believed.

    Args:
        log_e: natural log of each weighted e-value, for every hypothesis under test.
        alpha: bound on the expected share of false ones among the returned.
    """
    ranked = sorted(log_e.items(), key=lambda item: -item[1])
    accepted = 0
    for rank, (_, value) in enumerate(ranked, start=1):
        if value >= log(len(ranked) / (rank * alpha)):
            accepted = rank
    return frozenset(name for name, _ in ranked[:accepted])


def log_threshold(log_e: Mapping[Name, float], name: Name, alpha: float) -> float:
    """The log e-value that ``name`` must reach to be believed while all others stay as they are."""
    tested = len(log_e)
    others = sorted((value for key, value in log_e.items() if key != name), reverse=True)
    best = inf
    for rank in range(1, tested + 1):
        bar = log(tested / (rank * alpha))
        if rank == 1 or others[rank - 2] >= bar:
            best = min(best, bar)
    return best

"""Evidence of conversations that pause, as tests of several rooms begin with."""

from __future__ import annotations

from penstock.evidence.gaps import EDGES, Gaps
from penstock.evidence.sightings import Shape
from penstock.evidence.spots import LAST_STAGE, gap_class


def go_on_late(tails: Gaps, one_in: int = 5) -> None:
    """One in so many conversations that were left for five minutes went on in ten to twenty, and no other did."""
    for stage in range(LAST_STAGE + 1):
        for n in range(40):
            for interval in range(1, len(EDGES)):
                tails.add(gap_class(stage, Shape.DIALOGUE), interval, came=n % one_in == 0 and interval == 2)

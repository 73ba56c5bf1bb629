from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from penstock.evidence.sightings import Outlook

shares = st.floats(0.0, 1.0)


@given(shares, shares)
def test_a_longer_lifetime_never_lowers_the_chance_to_come_again(soon: float, stays: float) -> None:
    outlook = Outlook(spots=[(0, soon)], stays={3600.0: stays}, then={})
    assert soon - 1e-12 <= outlook.chance(soon, 3600.0) <= 1.0


def test_a_lifetime_that_was_never_measured_promises_what_the_shortest_does() -> None:
    outlook = Outlook(spots=[], stays={3600.0: 0.5}, then={})
    assert outlook.chance(0.4, 43_200.0) == 0.4
    assert outlook.chance(0.4, 3600.0) == 1.0 - 0.6 * 0.5

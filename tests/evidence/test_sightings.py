from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.evidence.sightings import Outlook

shares = st.floats(0.0, 1.0)


@given(shares, shares)
def test_a_longer_lifetime_never_lowers_the_chance_to_come_again(soon: float, stays: float) -> None:
    outlook = Outlook(spots=[(0, soon)], stays={3600.0: stays}, then={})
    assert soon - 1e-12 <= outlook.chance(0, soon, 3600.0) <= 1.0


def test_a_lifetime_that_was_never_measured_promises_what_the_shortest_does() -> None:
    outlook = Outlook(spots=[], stays={3600.0: 0.5}, then={})
    assert outlook.chance(0, 0.4, 43_200.0) == 0.4
    assert outlook.chance(0, 0.4, 3600.0) == 1.0 - 0.6 * 0.5


def test_the_tail_has_a_lateness_of_its_own() -> None:
    outlook = Outlook([(0, 0.9), (1, 0.5)], {3600.0: 0.0}, {}, tail=1, tail_stays={3600.0: 0.8}, begun=0.5)
    assert outlook.chance(0, 0.9, 3600.0) == 1.0
    assert outlook.chance(1, 0.5, 3600.0) == pytest.approx(0.5 + 0.5 * 0.2)


def test_a_tail_s_deeper_ends_are_late_as_often_as_its_beginning_reaches_them() -> None:
    outlook = Outlook([(0, 0.5), (1, 0.25)], {}, {}, tail=0, tail_stays={3600.0: 0.8}, begun=0.5)
    assert outlook.chance(1, 0.25, 3600.0) == pytest.approx(0.25 + 0.5 * 0.2 * 0.5)


def test_a_tail_that_never_comes_is_never_late() -> None:
    assert Outlook([(0, 0.0)], {}, {}, tail=0, tail_stays={3600.0: 0.1}).chance(0, 0.0, 3600.0) == 0.0


def test_an_entry_above_the_tail_serves_the_tail_s_return_and_what_parts() -> None:
    outlook = Outlook([(0, 0.9), (1, 0.8)], {}, {}, tail=1, begun=0.8, parts=0.7)
    assert outlook.reads(0, 0.9, 300.0) == pytest.approx(1.5)
    assert outlook.reads(1, 0.8, 300.0) == pytest.approx(0.8)
    assert outlook._replace(parts=0.0).reads(0, 0.9, 300.0) == pytest.approx(0.9)

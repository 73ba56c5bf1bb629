from __future__ import annotations

import pytest

from penstock.simulator.drawing import log_normal, share, whole


def test_a_draw_depends_on_digest_seed_and_purpose_alone() -> None:
    assert whole(b"a", 1, b"p") == whole(b"a", 1, b"p")
    assert len({whole(b"a", 1, b"p"), whole(b"b", 1, b"p"), whole(b"a", 2, b"p"), whole(b"a", 1, b"q")}) == 4


def test_shares_spread_over_the_unit_interval() -> None:
    drawn = sorted(share(bytes([n, m]), 0, b"p") for n in range(40) for m in range(25))
    assert 0 < drawn[0] < 0.01
    assert 0.99 < drawn[-1] < 1
    assert sum(drawn) / len(drawn) == pytest.approx(0.5, abs=0.05)


def test_a_log_normal_draw_has_its_median() -> None:
    drawn = sorted(log_normal(100, 0.5, bytes([n, m]), 0, b"p") for n in range(40) for m in range(25))
    assert drawn[500] == pytest.approx(100, rel=0.1)
    assert drawn[841] == pytest.approx(100 * 2.71828**0.5, rel=0.15), "one sigma above"
    assert log_normal(100, 0, b"x", 0, b"p") == pytest.approx(100)

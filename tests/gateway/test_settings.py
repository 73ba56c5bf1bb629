from __future__ import annotations

from penstock.gateway.settings import Settings


def test_a_body_of_33_mb_is_beyond_the_limit_and_one_of_30_is_not() -> None:
    assert 30 * 1024 * 1024 < Settings().max_body < 33 * 1000 * 1000

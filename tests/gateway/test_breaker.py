from __future__ import annotations

from penstock.gateway.breaker import Breaker


def test_it_opens_after_failures_in_a_row_only() -> None:
    breaker = Breaker(3, 10.0)
    for _ in range(5):
        breaker.failed(0.0)
        breaker.failed(0.0)
        breaker.succeeded()
    assert breaker.state(0.0) == "closed"
    for _ in range(3):
        assert breaker.admit(0.0)
        breaker.failed(1.0)
    assert breaker.state(2.0) == "open"
    assert not breaker.admit(2.0)
    assert breaker.wait_s(2.0) == 9.0


def test_one_probe_at_a_time_decides() -> None:
    breaker = Breaker(1, 10.0)
    breaker.failed(0.0)
    assert breaker.state(10.0) == "half-open"
    assert breaker.admit(10.0)
    assert not breaker.admit(10.0)
    breaker.failed(11.0)
    assert breaker.state(12.0) == "open"
    assert not breaker.admit(20.0)
    assert breaker.admit(21.0)
    breaker.succeeded()
    assert breaker.state(21.0) == "closed"
    assert breaker.opened == 2


def test_a_probe_that_was_given_up_lets_another_one_go() -> None:
    breaker = Breaker(1, 10.0)
    breaker.failed(0.0)
    assert breaker.admit(10.0)
    breaker.abandoned()
    assert breaker.admit(10.0)

from __future__ import annotations

from penstock.unknown import Unknown


def test_an_unknown_is_never_taken_for_a_value() -> None:
    assert not Unknown("no price for model x")


def test_an_unknown_says_why() -> None:
    assert Unknown("no price").why == "no price"
    assert Unknown("no price") == Unknown("no price") != Unknown("no usage")


def test_an_unknown_is_not_zero() -> None:
    assert Unknown("no price") != 0

from __future__ import annotations

from penstock.simulator.ids import Ids


def test_a_seed_gives_the_same_identifiers_again() -> None:
    first, second = Ids(7), Ids(7)
    assert [first.next("msg_") for _ in range(5)] == [second.next("msg_") for _ in range(5)]
    assert first.hexadecimal("req_") == second.hexadecimal("req_")


def test_identifiers_differ_from_each_other_and_between_seeds() -> None:
    one, other = Ids(1), Ids(2)
    drawn = [one.next("a", 24) for _ in range(500)] + [other.next("a", 24) for _ in range(500)]
    assert len(set(drawn)) == 1000
    assert all(len(each) == 25 for each in drawn)


def test_hexadecimal_identifiers_have_the_length_asked_for() -> None:
    assert len(Ids(0).hexadecimal("resp_", 48)) == 53

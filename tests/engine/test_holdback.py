from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from penstock.engine.holdback import arm_of, draw


@given(st.text(), st.text())
def test_a_draw_is_in_range_and_never_changes(salt: str, unit: str) -> None:
    assert 0.0 <= draw(salt, unit) < 1.0
    assert draw(salt, unit) == draw(salt, unit)


def test_a_known_draw_stays_what_it_was_on_every_host() -> None:
    assert round(draw("penstock", "session s1"), 6) == 0.964145


def test_the_share_held_back_is_the_share_asked_for() -> None:
    arms = [arm_of(0.1, "salt", session=None, call_id=str(n)) for n in range(20_000)]
    assert 0.09 < arms.count("holdback") / len(arms) < 0.11


def test_a_session_stays_in_one_arm_whatever_the_call() -> None:
    assert len({arm_of(0.5, "salt", session="s", call_id=str(n)) for n in range(50)}) == 1


def test_another_salt_draws_anew() -> None:
    first = [arm_of(0.5, "a", session=str(n), call_id="") for n in range(200)]
    second = [arm_of(0.5, "b", session=str(n), call_id="") for n in range(200)]
    assert first != second


def test_nothing_and_everything_can_be_held_back() -> None:
    assert {arm_of(0.0, "s", session=None, call_id=str(n)) for n in range(100)} == {"treated"}
    assert {arm_of(1.0, "s", session=None, call_id=str(n)) for n in range(100)} == {"holdback"}

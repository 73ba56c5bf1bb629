from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.evidence.returns import Returns

MODEL = "claude-opus-5-5"
bills = st.tuples(
    st.sampled_from(["triage", "extract"]), st.integers(0, 9000), st.integers(0, 9000), st.integers(0, 9000)
)


def told(calls: Sequence[tuple[str, int, int, int]]) -> Returns:
    returns = Returns()
    for number, (task, prompt, read, written) in enumerate(calls):
        returns.bill(task, MODEL, prompt=prompt, read=read, written={"5m": written}, at=float(number))
    return returns


@given(st.lists(bills, max_size=12), st.lists(bills, max_size=12))
@settings(max_examples=50)
def test_the_tokens_of_two_workers_add_up(
    mine: list[tuple[str, int, int, int]], theirs: list[tuple[str, int, int, int]]
) -> None:
    both, whole = told(mine), told([*mine, *theirs])
    both.merge(told(theirs))
    for task in ("triage", "extract"):
        got, wanted = both.of(task, MODEL), whole.of(task, MODEL)
        assert (got.prompt, got.read, got.written, got.writes) == (
            wanted.prompt,
            wanted.read,
            wanted.written,
            wanted.writes,
        )


@given(st.lists(bills, max_size=12))
@settings(max_examples=30)
def test_accounts_travel_as_json(calls: list[tuple[str, int, int, int]]) -> None:
    returns = told(calls)
    assert Returns.from_builtins(returns.to_builtins()).to_builtins() == returns.to_builtins()


def test_a_write_that_is_read_ends_the_streak_of_unread_ones() -> None:
    returns = told([("triage", 100, 0, 100)])
    for _ in range(3):
        returns.settle("triage", MODEL, expected=0.5, read=False)
    streak = returns.of("triage", MODEL)
    assert (streak.unread, streak.unread_writes) == (1.5, 3)
    returns.settle("triage", MODEL, expected=0.5, read=True)
    assert (returns.of("triage", MODEL).unread, returns.of("triage", MODEL).unread_writes) == (0.0, 0)


def test_t11_models_have_accounts_of_their_own() -> None:
    returns = told([("triage", 100, 0, 100)])
    assert returns.of("triage", "claude-haiku-5-5").writes == 0
    assert returns.of("triage", MODEL).writes == 1

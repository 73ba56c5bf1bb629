from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.evidence.returns import UNREAD, Returns

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
        returns.unread("triage", MODEL, expected=0.5, tokens=100, read_then=0)
    streak = returns.of("triage", MODEL)
    assert (streak.unread, streak.unread_writes, streak.unread_tokens) == (1.5, 3, 300)
    returns.read_again("triage", MODEL)
    assert (streak.unread, streak.unread_writes, streak.unread_tokens) == (0.0, 0, 0)


def test_reads_of_other_entries_end_a_streak_once_they_come_to_as_many_tokens() -> None:
    returns = told([("triage", 7000, 0, 7000)])
    returns.unread("triage", MODEL, expected=0.9, tokens=7000, read_then=0)
    returns.unread("triage", MODEL, expected=0.9, tokens=7, read_then=0)
    returns.bill("triage", MODEL, prompt=7000, read=6000, written={}, at=9.0)
    assert returns.of("triage", MODEL).unread_writes == 2
    returns.bill("triage", MODEL, prompt=7000, read=1007, written={}, at=9.0)
    assert returns.of("triage", MODEL).unread == 0.0


def test_a_few_tokens_after_a_prompt_that_is_read_are_no_streak() -> None:
    returns = Returns()
    for second in range(9):
        returns.bill("fields", MODEL, prompt=7007, read=7000, written={"5m": 7}, at=float(second))
    for second in range(9):
        returns.unread("fields", MODEL, expected=0.9, tokens=7, read_then=7000 * (second + 1))
    assert returns.of("fields", MODEL).unread_writes == 1


def test_only_writes_after_a_streak_count_as_probes() -> None:
    returns = told([("triage", 100, 0, 100)])
    returns.unread("triage", MODEL, expected=UNREAD / 2, tokens=100, read_then=0)
    returns.bill("triage", MODEL, prompt=100, read=0, written={"5m": 100}, at=1.0)
    assert returns.of("triage", MODEL).probes == 0
    returns.unread("triage", MODEL, expected=UNREAD / 2, tokens=100, read_then=0)
    returns.bill("triage", MODEL, prompt=100, read=0, written={"5m": 100}, at=2.0)
    assert returns.of("triage", MODEL).probes == 1


def test_t11_models_have_accounts_of_their_own() -> None:
    returns = told([("triage", 100, 0, 100)])
    assert returns.of("triage", "claude-haiku-5-5").writes == 0
    assert returns.of("triage", MODEL).writes == 1

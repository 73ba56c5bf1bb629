from __future__ import annotations

from typing import Any

import pytest

from penstock.engine.reconcile import reconciled
from penstock.engine.record import Call
from penstock.evidence.drift import DriftBook
from tests.engine.provider import Provider
from tests.playbook import chat, incoming, messages, sent

RULES = "What each side owes the other, clause by clause, and by when. " * 400
APPLY = 'mode = "apply"\nholdback.share = 0.0\n'


def _body(n: int = 0, words: int = 40) -> dict[str, Any]:
    """A request whose client marks the system prompt by itself; about six thousand tokens."""
    system = [{"type": "text", "text": RULES, "cache_control": {"type": "ephemeral"}}]
    return messages(f"Question {n}? " + "Which of the two is it? " * words, system=system)


def _book(provider: Provider) -> DriftBook:
    return provider.play.context.evidence.drift


def _alarms(calls: list[Call]) -> list[int]:
    return [index for index, call in enumerate(calls) if call.alarm]


@pytest.mark.parametrize("gap", [20.0, 200.0, 299.0])
def test_the_right_rules_raise_no_alarm_over_many_calls_though_the_tokens_are_only_estimated(gap: float) -> None:
    provider = Provider(APPLY)
    for n in range(400):
        provider.ask(_body(n, words=n % 90), after=gap)
    assert _alarms(provider.calls) == []
    sums = _book(provider).sums["t", "claude-opus-5-5"]
    assert sums.calls == 400
    assert sums.reads == sums.reads_kept == 399
    assert sums.cached == sums.cached_kept == 400


def test_the_right_rules_raise_no_alarm_on_openai_either() -> None:
    provider = Provider(APPLY)
    for n in range(300):
        provider.ask(chat(RULES, "ok", f"Question {n}?"), after=100.0)
    assert _alarms(provider.calls) == []
    assert _book(provider).sums["t", "gpt-6.1-sol"].reads >= 250


def test_a_lifetime_that_was_halved_raises_the_alarm() -> None:
    provider = Provider(APPLY)
    for n in range(100):
        provider.ask(_body(n), after=200.0)
    provider.lifetimes = 0.5
    for n in range(20):
        provider.ask(_body(n), after=200.0)
    (first,) = _alarms(provider.calls)
    assert 100 < first <= 112
    assert "should have been read" in provider.calls[first].alarm


def test_a_minimum_that_was_raised_raises_the_alarm() -> None:
    provider = Provider(APPLY)
    for n in range(50):
        provider.ask(_body(n), after=60.0)
    provider.changes = {"minimum_prefix": 20_000}
    for n in range(20):
        provider.ask(_body(n), after=400.0)
    assert 50 <= _alarms(provider.calls)[0] <= 60


def test_entries_that_are_evicted_raise_the_alarm_and_rare_evictions_do_not() -> None:
    provider = Provider(APPLY)
    for n in range(400):
        provider.forgets = 0 if n < 10 else 25
        provider.ask(_body(n), after=30.0)
    assert _alarms(provider.calls) == []
    provider.forgets = 2
    for n in range(40):
        provider.ask(_body(n), after=30.0)
    assert len(_alarms(provider.calls)) == 1


def test_the_alarm_stands_the_cache_lever_down_for_the_model_and_says_why() -> None:
    provider = Provider(APPLY)
    provider.lifetimes = 0.01
    while not _alarms(provider.calls):
        assert len(provider.calls) < 30
        provider.ask(_body(), after=60.0)
    plain = messages("Who pays?", system=RULES)
    stood_down = provider.ask(plain)
    assert stood_down.edits == ()
    assert [note.why for note in stood_down.notes] == [provider.calls[-2].alarm]
    other = provider.ask({**plain, "model": "claude-sonnet-5"})
    assert provider.calls[-2].alarm not in [note.why for note in other.notes]
    provider.at += 3600.0
    assert provider.ask(plain).notes == ()


def test_an_answer_of_another_model_is_not_held_against_the_one_that_was_asked() -> None:
    provider = Provider(APPLY)
    provider.ask(_body())
    before = _book(provider).sums["t", "claude-opus-5-5"].calls
    body = {
        "type": "message",
        "model": "claude-haiku-4-5",
        "content": [],
        "usage": {"input_tokens": 6000, "output_tokens": 1},
    }
    provider.play.call(incoming(_body(), task="t", started_at=provider.at), sent(body, at=provider.at))
    assert _book(provider).sums["t", "claude-opus-5-5"].calls == before


def test_a_recorded_call_is_compared_as_it_was_when_it_ran() -> None:
    provider = Provider(APPLY)
    calls = [provider.ask(_body(n)) for n in range(20)]
    again = [reconciled(call) for call in calls]
    assert sum(one is not None and one.read_kept is True for one in again) == 19
    assert sum(one.read for one in again if one is not None) == _book(provider).sums["t", "claude-opus-5-5"].read

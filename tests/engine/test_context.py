from __future__ import annotations

import pytest

from penstock.engine.context import SEVERAL, EngineContext, nothing_promoted
from penstock.policy.load import load_policy


def _context() -> EngineContext:
    return EngineContext(load_policy(""), scope="w")


def test_a_fresh_context_promotes_nothing_and_has_learnt_nothing() -> None:
    context = _context()
    assert context.promoted("t") == nothing_promoted("t") == frozenset()
    assert context.evidence.lengths.by_key == {}
    assert context.failures == {}


def test_a_session_is_pinned_per_task() -> None:
    context = _context()
    context.pin("t", "s", "m1")
    context.pin("u", "s", "m2")
    context.pin("t", None, "m3")
    assert (context.pinned("t", "s"), context.pinned("u", "s")) == ("m1", "m2")
    assert context.pinned("t", None) is None
    assert context.pin_of("t", "s").answered_by is None
    assert context.pinned("t", "other") is None


def test_the_session_used_least_lately_is_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("penstock.engine.context._SESSIONS", 2)
    context = _context()
    for session in ("a", "b", "a", "c"):
        context.pin("t", session, "m")
    assert [context.pinned("t", session) for session in "abc"] == ["m", None, "m"]


def test_an_answer_of_a_call_that_is_over_changes_nothing() -> None:
    _context().began("never heard of", 1.0)


def test_who_gave_a_sessions_answers_is_remembered_until_another_model_does() -> None:
    context = EngineContext(load_policy(""))
    context.pin("t", "s", "m", None)
    assert context.pin_of("t", "s") == ("m", None)
    for answered_by, expected in (("m", "m"), (None, "m"), ("m", "m"), ("other", SEVERAL), ("m", SEVERAL)):
        context.pin("t", "s", "m", answered_by)
        assert context.pin_of("t", "s") == ("m", expected)
    assert context.pin_of("t", None) == (None, None)

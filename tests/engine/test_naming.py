from __future__ import annotations

from typing import Any

from penstock.engine.naming import task_of
from penstock.evidence.task import fingerprint
from penstock.policy.load import load_policy
from penstock.wire.dialect import Dialect
from penstock.wire.view import View, read_request
from tests.playbook import incoming, messages


def _view(**more: Any) -> View:
    return read_request(Dialect.ANTHROPIC_MESSAGES, incoming(messages("x", system="Sort the mail.", **more)).raw)


def test_a_label_wins_over_every_match() -> None:
    policy = load_policy('[tasks.a.match]\nmodel = "claude-opus-5-5"')
    assert task_of(_view(), "mine", policy) == "mine"
    assert task_of(_view(), None, policy) == "a"


def test_every_key_of_a_match_has_to_fit() -> None:
    found = fingerprint(_view())
    policy = load_policy(
        f'[tasks.a.match]\nmodel = "other"\nfingerprint = "{found}"\n[tasks.b.match]\nfingerprint = "{found}"'
    )
    assert task_of(_view(), None, policy) == "b"
    assert task_of(_view(model="other"), None, policy) == "a"


def test_a_call_that_nothing_matches_is_counted_under_its_fingerprint() -> None:
    policy = load_policy("[tasks.a.match]\n[tasks.b.cap]\nmax_output = 3")
    assert task_of(_view(), None, policy) == fingerprint(_view()) == task_of(_view(), "", policy)

from __future__ import annotations

from typing import Any

from penstock.engine.naming import task_of
from penstock.evidence.sites import Sites
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


def test_a_site_whose_prompt_was_edited_a_little_keeps_its_name_and_either_fingerprint_matches() -> None:
    system = " ".join(
        f"rule {number} says {number * 7} and nothing else than word{'abcdefgh'[number % 8]}" for number in range(80)
    )
    first = read_request(Dialect.ANTHROPIC_MESSAGES, incoming(messages("x", system=system)).raw)
    edited = read_request(Dialect.ANTHROPIC_MESSAGES, incoming(messages("x", system=system + " Be brief.")).raw)
    sites, policy = Sites(), load_policy("")
    name = task_of(first, None, policy, sites, at=1.0)
    assert name == fingerprint(first) != fingerprint(edited)
    assert task_of(edited, None, policy, sites, at=2.0) == name
    for found in (name, fingerprint(edited)):
        matched = load_policy(f'[tasks.a.match]\nfingerprint = "{found}"')
        assert task_of(edited, None, matched, sites, at=3.0) == "a"


def test_any_of_several_fingerprints_matches() -> None:
    found = fingerprint(_view())
    policy = load_policy(f'[tasks.a.match]\nfingerprint = ["0000000000000000", "{found}"]')
    assert task_of(_view(), None, policy) == "a"
    assert task_of(_view(), None, load_policy('[tasks.a.match]\nfingerprint = ["0000000000000000"]')) == found
    assert task_of(_view(), None, load_policy("[tasks.a.match]")) == found

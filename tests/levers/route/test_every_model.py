"""T28: whatever a request uses, its routed form is one that the other model takes, by the simulator's own refusals."""

from __future__ import annotations

import json

import pytest

from penstock.engine.edit import Note
from penstock.engine.facts import Facts
from penstock.levers.route.propose import route_to
from penstock.models.catalog import known_models, profile_of
from penstock.policy.schema import RoutePolicy
from penstock.simulator.provider import Provider
from penstock.wire.body import Operation, apply
from penstock.wire.dialect import Dialect
from penstock.wire.view import View, read_request
from tests.levers.build import facts_of
from tests.levers.route.bodies import CHAT, MESSAGES, RESPONSES, Variants
from tests.simulator.asking import send

_TURNS = [{"role": "user", "content": "hi"}]
_DIALECTS = {
    Dialect.ANTHROPIC_MESSAGES: ("/v1/messages", {"max_tokens": 4000, "messages": _TURNS}, MESSAGES),
    Dialect.OPENAI_CHAT: ("/v1/chat/completions", {"messages": _TURNS}, CHAT),
    Dialect.OPENAI_RESPONSES: ("/v1/responses", {"input": "hi"}, RESPONSES),
}


def _kinds(models: list[str]) -> list[str]:
    """One model of each kind; models whose profiles differ only in what no request shows are one kind."""
    unseen = (
        "model",
        "tokenizer",
        "tokenizer_factor",
        "minimum_prefix",
        "released",
        "retired",
        "ttl_seconds",
        "default_effort",
        "keeps_thinking",
        "cache_interval",
        "reasons",
    )
    found: dict[str, str] = {}
    for model in models:
        profile = profile_of(model)
        seen = {name: getattr(profile, name) for name in profile.__struct_fields__ if name not in unseen}
        seen["forbidden_params"] = sorted(seen["forbidden_params"])
        seen["thinking_types"] = sorted(seen["thinking_types"])
        found.setdefault(repr(seen), model)
    return list(found.values())


def _accepted(
    provider: Provider, path: str, base: dict[str, object], variants: Variants, models: list[str]
) -> list[bytes]:
    """The bodies that their own models take."""
    bodies = [
        json.dumps({"model": model, **base, **variant}).encode() for model in models for variant in variants.values()
    ]
    return [body for body in bodies if send(provider, path, body).status == 200]


def _routed(view: View, facts: Facts, model: str) -> bytes | None:
    edits = route_to(view, facts, model, RoutePolicy())
    if isinstance(edits, Note):
        return None
    return apply(view.raw, [Operation(edit.path, edit.action.value, edit.value) for edit in edits])


@pytest.mark.parametrize("dialect", list(_DIALECTS))
def test_t28_no_model_is_ever_sent_what_it_rejects(dialect: Dialect) -> None:
    path, base, variants = _DIALECTS[dialect]
    provider = Provider()
    models = [one for one in known_models() if send(provider, path, {"model": one, **base}).status == 200]
    kinds = _kinds(models)
    answers: dict[bytes, int] = {}
    routed = kept = 0
    for body in _accepted(provider, path, base, variants, kinds):
        view = read_request(dialect, body)
        facts = facts_of(view)
        for model in kinds:
            sent = None if model == view.model else _routed(view, facts, model)
            kept += sent is None
            if sent is None:
                continue
            routed += 1
            if sent not in answers:
                answers[sent] = send(provider, path, sent).status
            assert answers[sent] == 200, (view.model, model, body, sent)
    assert len(kinds) >= 10
    assert routed > 1000
    assert kept > 100

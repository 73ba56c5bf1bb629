"""Requests, facts and evidence for lever tests."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from penstock.engine.edit import Edit, Note
from penstock.engine.facts import Facts, facts_for, length_key
from penstock.engine.pipeline import Lever
from penstock.evidence.store import Evidence
from penstock.policy.load import load_policy
from penstock.wire.dialect import Dialect
from penstock.wire.view import View, read_request
from tests.playbook import NOW


def view_of(body: Any, dialect: Dialect = Dialect.ANTHROPIC_MESSAGES) -> View:
    return read_request(dialect, json.dumps(body).encode())


def facts_of(view: View, policy: str = "", evidence: Evidence | None = None, **more: Any) -> Facts:
    """Facts for the task ``t`` under ``[tasks.t.*]`` of a policy text."""
    loaded = load_policy(policy)
    return facts_for(
        view,
        **{
            "task": "t",
            "policy": loaded.task("t"),
            "levers": loaded.levers,
            "prompts": loaded.prompts,
            "tiers": loaded.tiers,
            "evidence": evidence if evidence is not None else Evidence(),
            "now": NOW,
            "retries": True,
            **more,
        },
    )


def with_lengths(view: View, whole: Iterable[int], cut: Iterable[int] = ()) -> Evidence:
    """Evidence in which the task ``t`` answered this request with these lengths."""
    evidence = Evidence()
    key = length_key("t", view)
    for tokens in whole:
        evidence.lengths.add(key, tokens)
    for tokens in cut:
        evidence.lengths.add(key, tokens, cut=True)
    return evidence


def proposing(name: str, *proposals: Edit | Note) -> Lever:
    """A lever that proposes the same for every request."""

    def propose(view: View, facts: Facts) -> list[Edit | Note]:
        return list(proposals)

    return Lever(name, propose)

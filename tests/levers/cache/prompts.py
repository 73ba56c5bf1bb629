"""Requests, facts and chains that the cache tests share."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from penstock.engine.edit import Edit
from penstock.engine.facts import Facts, counts_of, facts_for
from penstock.evidence.sightings import Shape
from penstock.evidence.store import Evidence
from penstock.levers.cache.learn import learn_reuse
from penstock.levers.cache.propose import propose
from penstock.models.catalog import profile_of
from penstock.policy.load import load_policy
from penstock.wire.body import Operation, apply
from penstock.wire.dialect import Dialect
from penstock.wire.view import View, read_request

NOW = 1_795_000_000.0
CLAUDE = "claude-opus-5-5"
GPT = "gpt-6.1-sol"
LONG = "The contract says what each side owes the other, clause by clause. " * 120
"""About two thousand tokens."""


class Blocks:
    """A chain of blocks of equal size, one per letter; chains share a prefix where they share the first letters."""

    def __init__(self, names: str, tokens: int = 1000, landmarks: Sequence[int] = ()) -> None:
        self.shape = Shape.UNKNOWN
        self.names = names
        self.tokens = tokens
        self.landmarks = tuple(landmarks)

    def __len__(self) -> int:
        return len(self.names)

    def key(self, position: int) -> int:
        """A key of the names so far."""
        number = int.from_bytes(self.names[: position + 1].encode(), "big")
        return (number * 0x9E3779B97F4A7C15) % (1 << 64) or 1

    def upto(self, position: int) -> int:
        """Tokens so far."""
        return self.tokens * (position + 1)

    def markable(self, position: int) -> bool:
        """Everywhere."""
        return True


def anthropic(
    system: Any = LONG, turns: Sequence[Any] = ("Who pays?",), model: str = CLAUDE, **more: Any
) -> dict[str, Any]:
    """A Messages body; turns alternate from the user's."""
    listed = [{"role": ("user", "assistant")[n % 2], "content": turn} for n, turn in enumerate(turns)]
    return {"model": model, "max_tokens": 1000, "system": system, "messages": listed, **more}


def chat(system: str = LONG, turns: Sequence[Any] = ("Who pays?",), model: str = GPT, **more: Any) -> dict[str, Any]:
    """A Chat Completions body."""
    listed = [{"role": ("user", "assistant")[n % 2], "content": turn} for n, turn in enumerate(turns)]
    return {"model": model, "messages": [{"role": "developer", "content": system}, *listed], **more}


def view_of(body: dict[str, Any]) -> View:
    """The view of a body, in the dialect that its keys show."""
    dialect = Dialect.ANTHROPIC_MESSAGES if "max_tokens" in body else Dialect.OPENAI_CHAT
    return read_request(dialect, json.dumps(body).encode())


class Traffic:
    """One task's calls, one after another, each planned, sent and learnt from."""

    def __init__(self, policy: str = "", task: str = "contracts") -> None:
        self.evidence = Evidence()
        self.policy = load_policy(policy)
        self.task = task
        self.at = NOW

    def facts(self, view: View, **more: Any) -> Facts:
        """The facts for a view now."""
        return facts_for(
            view,
            task=self.task,
            policy=self.policy.task(self.task),
            levers=self.policy.levers,
            evidence=self.evidence,
            now=self.at,
            **more,
        )

    def edits(self, body: dict[str, Any], **more: Any) -> list[Edit]:
        """What the lever proposes for a body now."""
        view = view_of(body)
        return [edit for edit in propose(view, self.facts(view, **more)) if isinstance(edit, Edit)]

    def planned(self, body: dict[str, Any]) -> dict[str, Any]:
        """The body after the lever's edits."""
        view = view_of(body)
        operations = [Operation(edit.path, edit.action.value, edit.value) for edit in self.edits(body)]
        planned: dict[str, Any] = json.loads(apply(view.raw, operations))
        return planned

    def send(self, body: dict[str, Any], after: float = 10.0) -> dict[str, Any]:
        """Plan a body, learn from it as it was sent, and let time pass; the body that was sent."""
        sent = self.planned(body)
        view = view_of(sent)
        profile = profile_of(view.model)
        tokens = counts_of(view, profile, self.evidence).tokens
        learn_reuse(self.evidence.reuse, view, tokens, profile, task=self.task, scope="", at=self.at, usage=None)
        self.at += after
        return sent


def markers(body: Any) -> list[str]:
    """The lifetimes of all cache markers in a body, in order of appearance."""
    found: list[str] = []
    if isinstance(body, dict):
        for key, value in body.items():
            if key in {"cache_control", "prompt_cache_breakpoint"}:
                found.append(value.get("ttl", "5m" if key == "cache_control" else "30m"))
            else:
                found += markers(value)
    elif isinstance(body, list):
        for value in body:
            found += markers(value)
    return found

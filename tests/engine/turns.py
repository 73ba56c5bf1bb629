"""Conversations that grow turn by turn through the engine, and whether what was sent before stays where it was."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock.engine.context import EngineContext
from penstock.engine.pipeline import ORDERED, Lever
from penstock.engine.steps import Record, Send
from penstock.levers.cache.chain import chain_of
from penstock.models.catalog import profile_of
from penstock.policy.load import load_policy
from penstock.wire.dialect import Dialect
from penstock.wire.view import View, read_request
from tests.levers.trim.conversations import Turn, body_of
from tests.playbook import NOW, Playbook, incoming, sent

NEWER = {
    Dialect.ANTHROPIC_MESSAGES: ("claude-opus-5-5", "claude-sonnet-5"),
    Dialect.OPENAI_CHAT: ("gpt-6.1-sol", "gpt-6-luna"),
    Dialect.OPENAI_RESPONSES: ("gpt-6.1-sol", "gpt-6-luna"),
}
"""By dialect: a model that is asked, and one that a route takes. These have markers and breakpoints, and reason."""
OLDER = {
    Dialect.ANTHROPIC_MESSAGES: ("claude-sonnet-4-6", "claude-haiku-4-5"),
    Dialect.OPENAI_CHAT: ("gpt-4.1", "gpt-4.1-mini"),
    Dialect.OPENAI_RESPONSES: ("gpt-4.1", "gpt-4.1-mini"),
}
"""Models whose answers can be capped from the first call on."""
RULES = "\n".join(f"Rule {n}: what each side owes the other, by when, and what follows." for n in range(120))
_FACTS = "".join(f'<document id="{n}">{"fact " * 900}{n}</document>' for n in (3, 1, 2, 7, 5, 6))
DOCUMENT = f"<documents>{_FACTS}</documents>"
NAMES = ("look", "ask")


def request(
    dialect: Dialect, model: str, script: Sequence[Turn], conversation: int, *, turned: bool = False
) -> dict[str, Any]:
    """The request of a conversation's newest turn: a varying line above the rules, documents in the first question.

    ``turned`` puts the tools and their keys in the other order.
    """
    body = body_of(dialect, list(script))
    system = f"Session: {conversation}\n{RULES}"
    body["model"] = model
    if dialect is Dialect.ANTHROPIC_MESSAGES:
        body["system"] = system
        tools = [{"name": name, "description": RULES[:300], "input_schema": {"type": "object"}} for name in NAMES]
        first = body["messages"][0]
    elif dialect is Dialect.OPENAI_CHAT:
        body["messages"][0] = {"role": "developer", "content": system}
        function = {"description": RULES[:300], "parameters": {"type": "object"}}
        tools = [{"type": "function", "function": {"name": name, **function}} for name in NAMES]
        first = body["messages"][1]
    else:
        body["instructions"] = system
        tools = [{"type": "function", "name": name, "parameters": {"type": "object"}} for name in NAMES]
        first = body["input"][0]
    if turned:
        tools = [dict(reversed(tool.items())) for tool in reversed(tools)]
    text = f"{DOCUMENT}\nQuestion of conversation {conversation}."
    first["content"] = [{"type": "input_text", "text": text}] if dialect is Dialect.OPENAI_RESPONSES else text
    return (
        body if model == OLDER[dialect][0] else {**body, "tools": tools}
    )  # an answer with tools is not capped at once


class Talk:
    """Conversations of one task on one engine, each turn sent and compared with the turn before it.

    Attributes:
        moved: the turns whose request does not begin as the one before it did: (conversation, turn, tokens asked).
        edited: the levers that changed anything.
        models: that the turns were sent to.
    """

    def __init__(self, policy: str, model: str, levers: Sequence[Lever] = ORDERED) -> None:
        self._model = model
        self._context = EngineContext(load_policy(policy), levers=levers)
        self._play = Playbook(self._context)
        self._before: dict[int, View] = {}
        self._at = NOW
        self.moved: list[tuple[int, int, int]] = []
        self.edited: set[str] = set()
        self.models: list[str] = []

    def turn(self, dialect: Dialect, script: Sequence[Turn], conversation: int, *, turned: bool = False) -> None:
        """Send a conversation as far as a script goes; ``turned`` with its tools and their keys the other way round."""
        self._at += 40.0
        asked = incoming(
            request(dialect, self._model, script, conversation, turned=turned),
            dialect,
            task="t",
            session=f"s{conversation}",
            call_id=f"c{self._at}",
            started_at=self._at,
        )
        self._play >> asked
        step = self._play << Send
        assert step.plan is not None
        self.edited |= {edit.lever for edit in step.plan.edits}
        assert not step.plan.failures
        self.models.append(step.model)
        view = read_request(dialect, step.body)
        self._play >> sent({}, at=self._at)
        while not self._play.ended:
            self._play << Record
        before = self._before.get(conversation)
        if before is not None and not begins(view, before):
            self.moved.append((conversation, len(script), step.plan.facts.input_tokens))
        self._before[conversation] = view


def begins(view: View, before: View) -> bool:
    """Whether a request reads what the one before it could have left in the cache, to its end."""
    mine, theirs = _keys(view), _keys(before)
    return mine[: len(theirs)] == theirs


def _keys(view: View) -> list[int]:
    tokens = [1] * len(view.segments)
    chain = chain_of(view, tokens, profile_of(view.model), "")
    return [chain.key(position) for position in range(len(chain))]

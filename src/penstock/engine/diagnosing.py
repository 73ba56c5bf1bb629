"""Asking the provider why a prompt could not reuse the one before it (`wire.diagnostics`), where the policy says so.

A prompt is compared with the latest answer of its session; without a session label, of the calls of its task that
begin with the same message, which is how a conversation's turns are known. A caller who asks by itself is left alone.
A provider that refuses the question on a model is not asked again about it.
"""

from __future__ import annotations

from collections import OrderedDict

from penstock.engine.again import EDIT_REFUSED, Again
from penstock.engine.attempt import Attempt
from penstock.models.catalog import profile_of
from penstock.models.profile import Regime
from penstock.unknown import Unknown
from penstock.wire.diagnostics import Diagnosis, asking, asks_already, diagnosis_of
from penstock.wire.segments import Level
from penstock.wire.view import View

_MOST = 100_000
_LONGEST_ID = 200
_OFFERED = frozenset({Regime.ANTHROPIC, Regime.OPENAI_BREAKPOINTS})

Conversation = tuple[str, str | bytes]
"""A task, and the session's key or the digest of the first message."""


class Comparisons:
    """The latest answer of each conversation; of more than 100,000 the least lately used is forgotten.

    Attributes:
        declined: models whose requests were refused with the question and taken without it.
    """

    def __init__(self) -> None:
        self._latest: OrderedDict[Conversation, str] = OrderedDict()
        self.declined: set[str] = set()

    def ask(self, view: View, task: str, session: str | None) -> bytes | None:
        """The request with the question; None where it is not asked."""
        profile = profile_of(view.model)
        if isinstance(profile, Unknown) or profile.regime not in _OFFERED:
            return None
        if view.model in self.declined or asks_already(view):
            return None
        return asking(view, self._latest.get(conversation_of(view, task, session)))

    def answered(self, attempt: Attempt, task: str, session: str | None) -> None:
        """The answer that the conversation's next prompt is compared with."""
        if attempt.view is None or attempt.answer is None or not attempt.accepted:
            return
        identity = attempt.answer.response_id
        if not identity or len(identity) > _LONGEST_ID:
            return
        key = conversation_of(attempt.view, task, session)
        self._latest[key] = identity
        self._latest.move_to_end(key)
        if len(self._latest) > _MOST:
            self._latest.popitem(last=False)


def conversation_of(view: View, task: str, session: str | None) -> Conversation:
    """What a request is a turn of."""
    if session is not None:
        return task, session
    first = next((segment for segment in view.segments if segment.level is Level.MESSAGES), None)
    return task, b"" if first is None else first.digest


def declined(view: View, attempt: Attempt) -> Again | None:
    """The same request without the question, when the provider turns it down with it; None otherwise."""
    if attempt.sent.status not in EDIT_REFUSED:
        return None
    return Again(view, "retry", "refused", f"the provider answered {attempt.sent.status} with cache diagnostics asked")


def said_of(attempt: Attempt) -> Diagnosis | None:
    """What the provider said of an attempt's prompt, whoever asked."""
    return diagnosis_of(attempt.send.dialect, attempt.send.body, attempt.sent.body) if attempt.accepted else None

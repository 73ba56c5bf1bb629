"""A provider whose bills follow the cache rules, or rules that were changed, for conversations with the engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from penstock.cachemodel.machine import CacheState, admit, begin
from penstock.cachemodel.prompt import prompt_of
from penstock.engine.context import EngineContext
from penstock.engine.record import Call
from penstock.engine.steps import Record, Send
from penstock.models.catalog import profile_of
from penstock.models.profile import Profile
from penstock.policy.load import load_policy
from penstock.wire.dialect import Dialect
from penstock.wire.segments import Segment
from penstock.wire.usage import Usage
from penstock.wire.view import View, read_request
from tests.playbook import NOW, Playbook, incoming, sent


class Provider:
    """Answers the engine's Sends, one call after another.

    Its tokens are its own: up to a quarter more or fewer for a segment than the bytes suggest, always the same for the
    same text.

    Attributes:
        at: the time now, seconds since the epoch.
        changes: fields of the model's profile that differ from what the engine knows.
        lifetimes: what the documented lifetimes are multiplied by.
        forgets: every so many calls all entries are lost; 0 for never.
        says: the ``diagnostics`` member of its Messages answers.
        calls: the records so far.
    """

    def __init__(self, policy: str = "", **changes: Any) -> None:
        self.play = Playbook(EngineContext(load_policy(policy)))
        self.at = NOW
        self.changes: Mapping[str, Any] = changes
        self.lifetimes = 1.0
        self.forgets = 0
        self.says: Any = None
        self.calls: list[Call] = []
        self._state = CacheState()

    def ask(self, body: Any, *, after: float = 60.0, **more: Any) -> Call:
        """One call that starts now; time passes after it."""
        dialect = Dialect.ANTHROPIC_MESSAGES if "max_tokens" in body else Dialect.OPENAI_CHAT
        number = len(self.calls)
        if self.forgets and number % self.forgets == 0:
            self._state = CacheState()
        self.play >> incoming(
            body, dialect, **{"call_id": f"call-{number}", "started_at": self.at, "task": "t", **more}
        )
        send = self.play << Send
        self.play >> self._answer(send, f"call-{number}")
        while not self.play.ended:
            self.play << Record
        outcome = self.play.outcome
        assert outcome is not None
        self.calls.append(outcome.call)
        self.at += after
        return outcome.call

    def keep_alive(self) -> int:
        """Send the keep-alive requests that are due now; how many there were."""
        context = self.play.context
        due = context.warming.due(self.at)
        for warm in due:
            context.warms(warm, self.at)
            usage = self.bill(read_request(warm.dialect, warm.body))
            context.began(warm.id, self.at + 0.5)
            context.warmed(warm, sent(_message(warm.model, usage), at=self.at))
        return len(due)

    def idle(self, seconds: float, *, step: float = 10.0) -> int:
        """Let time pass, with a look at what is due every few seconds; how many keep-alive requests were sent."""
        end, requests = self.at + seconds, 0
        while self.at < end:
            self.at = min(self.at + step, end)
            requests += self.keep_alive()
        return requests

    def _answer(self, send: Send, call_id: str) -> Any:
        view = read_request(send.dialect, send.body)
        usage = self.bill(view)
        self.play.context.began(call_id, self.at + 0.5)
        if send.dialect is Dialect.ANTHROPIC_MESSAGES:
            return sent({**_message(view.model, usage), "diagnostics": self.says}, at=self.at)
        return sent(_completion(view.model, usage), at=self.at)

    def bill(self, view: View) -> Usage:
        """What the provider charges for a prompt now; its entries are left."""
        profile = profile_of(view.model)
        assert isinstance(profile, Profile)
        changed = msgspec.structs.replace(profile, **self.changes)
        admission = admit(self._state, prompt_of(view, changed, [_tokens(one) for one in view.segments]), self.at)
        entries = [
            msgspec.structs.replace(one, lifetime_s=one.lifetime_s * self.lifetimes) for one in admission.entries
        ]
        begin(self._state, msgspec.structs.replace(admission, entries=tuple(entries)), self.at + 0.5)
        return admission.usage(output=5)


def _tokens(segment: Segment) -> int:
    bytes_per_token = 3.0 + 2.0 * (segment.digest[0] / 255)
    return max(1, round(segment.size / bytes_per_token))


def _message(model: str, usage: Usage, output: int = 5) -> dict[str, Any]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [{"type": "text", "text": "ok"}],
        "stop_reason": "end_turn",
        "usage": {
            "input_tokens": usage.input_uncached,
            "output_tokens": 5,
            "cache_read_input_tokens": usage.cache_read,
            "cache_creation_input_tokens": usage.cache_write,
            "cache_creation": {
                "ephemeral_5m_input_tokens": usage.cache_write_5m,
                "ephemeral_1h_input_tokens": usage.cache_write_1h,
            },
        },
    }


def _completion(model: str, usage: Usage) -> dict[str, Any]:
    details = {"cached_tokens": usage.cache_read, "cache_write_tokens": usage.cache_write}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": model,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "ok"}, "finish_reason": "stop"}],
        "usage": {
            "prompt_tokens": usage.input_total,
            "completion_tokens": 5,
            "total_tokens": usage.input_total + 5,
            "prompt_tokens_details": details,
        },
    }

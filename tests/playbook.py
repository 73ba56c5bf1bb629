"""Engine tests that read as conversations.

A play starts with a request and goes on with what the engine asks for and what it is told::

    play = Playbook(context)
    play >> incoming(messages("hello"))
    assert play << Send
    play >> answer("hi", usage)
    assert play << Record
    outcome = play.outcome

``play >> x`` hands something to the engine: an ``Incoming`` starts a call, a ``Sent`` (or None) answers the last step.
``play << Kind`` takes the engine's next step, which must be of that kind, and returns it.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import Any, TypeVar

from penstock.engine.call import Incoming, Outcome, run_call
from penstock.engine.context import EngineContext
from penstock.engine.steps import Record, Result, Send, Sent, Step
from penstock.policy.load import load_policy
from penstock.wire.dialect import Dialect

NOW = 1_795_000_000.0
"""A morning in November 2026, seconds since the epoch."""

Kind = TypeVar("Kind")


class Playbook:
    """One call after another on one context."""

    def __init__(self, context: EngineContext | None = None, policy: str = "") -> None:
        self.context = context if context is not None else EngineContext(load_policy(policy))
        self._steps: Generator[Step, Result, Outcome] | None = None
        self._next: Step | None = None
        self.outcome: Outcome | None = None

    def __rshift__(self, given: Incoming | Sent | None) -> Playbook:
        """Hand the engine a request, the result of a Send, or None for a step that has no result."""
        if isinstance(given, Incoming):
            assert self._steps is None, "the call before this one has not ended"
            self._steps, self.outcome = run_call(given, self.context), None
            self._next = next(self._steps)
            return self
        assert self._steps is not None, "no call is running"
        assert self._next is None, f"the engine's {type(self._next).__name__} was not looked at"
        self._resume(given)
        return self

    def __lshift__(self, kind: type[Kind]) -> Kind:
        """The engine's next step, which must be of that kind. A Record needs no answer and is resumed at once."""
        step, self._next = self._next, None
        assert step is not None, "the engine is waiting for an answer, or has ended"
        assert isinstance(step, kind), f"expected {kind.__name__}, got {step!r}"
        if isinstance(step, Record):
            self._resume(None)
        return step

    def _resume(self, result: Result) -> None:
        assert self._steps is not None
        try:
            self._next = self._steps.send(result)
        except StopIteration as end:
            self._steps, self.outcome = None, end.value

    @property
    def ended(self) -> bool:
        """Whether the call is over."""
        return self._steps is None

    def call(self, request: Incoming, *answers: Sent) -> Outcome:
        """A whole call in which each Send gets the next answer."""
        waiting = list(answers)
        self >> request
        while not self.ended:
            step = self._next
            if isinstance(step, Send):
                self << Send
                self >> waiting.pop(0)
            elif isinstance(step, Record):
                self << Record
            else:
                self._next = None
                self >> None
        assert not waiting, f"{len(waiting)} answers were never asked for"
        assert self.outcome is not None
        return self.outcome


def incoming(body: Any, dialect: Dialect = Dialect.ANTHROPIC_MESSAGES, **more: Any) -> Incoming:
    """A request; a body that is not bytes is encoded."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Incoming(**{"call_id": "call-1", "dialect": dialect, "raw": raw, "started_at": NOW, **more})


def messages(*turns: str, model: str = "claude-opus-5-5", **more: Any) -> dict[str, Any]:
    """An Anthropic Messages body; turns alternate from the user's."""
    roles = ("user", "assistant")
    listed = [{"role": roles[n % 2], "content": text} for n, text in enumerate(turns)]
    return {"model": model, "max_tokens": 4096, "messages": listed, **more}


def chat(*turns: str, model: str = "gpt-6.1-sol", **more: Any) -> dict[str, Any]:
    """An OpenAI Chat Completions body."""
    roles = ("user", "assistant")
    return {
        "model": model,
        "messages": [{"role": roles[n % 2], "content": text} for n, text in enumerate(turns)],
        **more,
    }


def answer(
    text: str = "ok", *, at: float = NOW, stop: str = "end_turn", plain: int = 100, output: int = 5, **more: Any
) -> Sent:
    """A 200 of Anthropic Messages; ``more`` goes into the body (``usage`` keys by ``usage_more``)."""
    usage = {"input_tokens": plain, "output_tokens": output, **more.pop("usage_more", {})}
    body = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "content": [{"type": "text", "text": text}],
        "stop_reason": stop,
        "usage": usage,
        **more,
    }
    return sent(body, at=at)


def chat_answer(
    text: str = "ok", *, at: float = NOW, stop: str = "stop", prompt: int = 100, output: int = 5, **more: Any
) -> Sent:
    """A 200 of OpenAI Chat Completions."""
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": stop}],
        "usage": {"prompt_tokens": prompt, "completion_tokens": output, "total_tokens": prompt + output},
        **more,
    }
    return sent(body, at=at)


def sent(body: Any, *, status: int | None = 200, at: float = NOW, error_kind: str | None = None) -> Sent:
    """A driver's result: half a second to the first byte, a second in all."""
    return Sent(
        status=status,
        body=None if body is None else json.dumps(body).encode(),
        started_at=at,
        first_byte_at=None if status is None else at + 0.5,
        ended_at=at + 1.0,
        error_kind=error_kind,
    )


__all__ = ["NOW", "Playbook", "Record", "Send", "answer", "chat", "chat_answer", "incoming", "messages", "sent"]

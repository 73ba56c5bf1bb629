"""A pair to grade."""

from __future__ import annotations

import json

from penstock.engine.context import EngineContext
from penstock.engine.steps import Grade, Send
from penstock.wire.answer import Answer, ToolCall
from tests.playbook import Playbook, answer, incoming, messages


def grade(
    grader: str, *, reference: str = "four legs", candidate: str = "legs", timeout_s: float = 30.0, prompt: str = "hi"
) -> Grade:
    play = Playbook(EngineContext(Playbook().context.policy))
    body = messages(prompt)
    play >> incoming(body)
    play << Send
    shown = answer(reference)
    play >> shown
    play._next = None
    play._resume(None)
    assert play.outcome is not None
    assert play.outcome.plan is not None
    return Grade(
        grader=grader,
        timeout_s=timeout_s,
        task="label",
        request=json.dumps(body).encode(),
        reference=Answer(text=reference, model="strong"),
        candidate=Answer(text=candidate, model="cheap", tool_calls=(ToolCall("1", "look", '{"a":1}'),)),
        call_id="c1",
        sent=shown,
        call=play.outcome.call,
        plan=play.outcome.plan,
    )

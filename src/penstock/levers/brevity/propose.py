"""The brevity lever: a task's instruction to answer briefly, behind the system text.

It stands at the end of what is the same in every call of a task, so that it never moves between the turns of a
conversation and breaks no prefix twice (T1). What the client marked for the cache stays as it is before it.
"""

from __future__ import annotations

import json

import msgspec

from penstock.engine.edit import Action, Edit, Note, Risk
from penstock.engine.facts import Facts
from penstock.unknown import Unknown
from penstock.wire.dialect import Dialect
from penstock.wire.segments import Level, Path
from penstock.wire.view import View

LEVER = "brevity"


def propose(view: View, facts: Facts) -> list[Edit | Note]:
    """At most one edit; a note where the system text has a shape that we do not know."""
    policy = facts.policy.brevity
    if policy is None or not policy.enabled:
        return []
    place = _PLACES[view.dialect](view, policy.instruction)
    if place is None:
        return [Note(LEVER, "the system text has a shape that we do not know")]
    path, action, value = place
    edit = Edit(
        lever=LEVER,
        path=path,
        action=action,
        value=value,
        why="the task's instruction to answer briefly",
        saving=Unknown("what the answer would have been without the instruction is not known"),
        risk=Risk.LOSSY,
    )
    return [edit]


_Place = tuple[Path, Action, bytes] | None


def _anthropic(view: View, instruction: str) -> _Place:
    return _beside(view, ("system",), instruction, "text")


def _chat(view: View, instruction: str) -> _Place:
    """Behind the last of the initial system and developer messages, else in a system message of its own."""
    initial = [one.path[1] for one in view.segments if one.level is Level.SYSTEM and one.path[0] == "messages"]
    last = max((index for index in initial if isinstance(index, int)), default=None)
    if last is None:
        return ("messages", 0), Action.INSERT, msgspec.json.encode({"role": "system", "content": instruction})
    return _beside(view, ("messages", last, "content"), instruction, "text")


def _responses(view: View, instruction: str) -> _Place:
    return _beside(view, ("instructions",), instruction, "input_text")


def _beside(view: View, path: Path, instruction: str, part: str) -> _Place:
    """Behind a text, as a further part behind a list of parts, or alone where there is nothing."""
    text = view.get(*path)
    if text is None or text == "":
        return path, Action.SET, _encoded(instruction)
    if isinstance(text, str):
        start, end = view.span_of(path)
        return path, Action.SET, view.raw[start : end - 1] + _encoded(f"\n\n{instruction}")[1:]
    if isinstance(text, list):
        return (*path, len(text)), Action.INSERT, msgspec.json.encode({"type": part, "text": instruction})
    return None


def _encoded(text: str) -> bytes:
    return json.dumps(text).encode()


_PLACES = {
    Dialect.ANTHROPIC_MESSAGES: _anthropic,
    Dialect.OPENAI_CHAT: _chat,
    Dialect.OPENAI_RESPONSES: _responses,
}

"""A prompt variant: another system text for another model."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from penstock.wire.body import Operation
from penstock.wire.dialect import Dialect
from penstock.wire.segments import Level
from penstock.wire.view import View


def with_system_text(view: View, text: str) -> list[Operation]:
    """The operations that put ``text`` in the place of a request's system text.

    A cache marker at the end of the client's system text is kept at the end of the new one. In the OpenAI dialects the
    initial run of system and developer messages is replaced by one.
    """
    if view.dialect is Dialect.ANTHROPIC_MESSAGES:
        return [Operation(("system",), "set", _anthropic_system(view, text))]
    field = "input" if view.dialect is Dialect.OPENAI_RESPONSES else "messages"
    initial = [one.path[1] for one in view.segments if one.level is Level.SYSTEM and one.path[0] == field]
    run = sorted({index for index in initial if isinstance(index, int)})
    if view.dialect is Dialect.OPENAI_RESPONSES and (view.has("instructions") or not run):
        dropped = [Operation((field, index), "delete") for index in run]
        return [Operation(("instructions",), "set", _encoded(text)), *dropped]
    if not run:
        return [Operation((field, 0), "insert", msgspec.json.encode({"role": "system", "content": text}))]
    first, *rest = run
    return [
        Operation((field, first, "content"), "set", _encoded(text)),
        *(Operation((field, index), "delete") for index in rest),
    ]


def _anthropic_system(view: View, text: str) -> bytes:
    blocks: Any = view.get("system")
    marker = blocks[-1].get("cache_control") if isinstance(blocks, list) and blocks and _is_object(blocks[-1]) else None
    if marker is None:
        return _encoded(text)
    return msgspec.json.encode([{"type": "text", "text": text, "cache_control": marker}])


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _encoded(text: str) -> bytes:
    return json.dumps(text, ensure_ascii=False).encode("utf-8", "surrogatepass")

"""OpenAI stored completions in the documented joined form (log-formats 5).

    {completion: {a chat.completion with metadata and echoed settings}, messages: [{id, role, content, ...}]}

The request body is rebuilt from the messages and the settings that the completion repeats, so its bytes are not the
ones that were sent; the text of each message is.
"""

from __future__ import annotations

import msgspec

from penstock.audit.importers.bodies import answered_at, assemble, open_bodies
from penstock.audit.importers.format import EachRecord, Found, Importer
from penstock.audit.importers.record import Record, decoded
from penstock.audit.reading import ReadReport, Skipped
from penstock.wire.dialect import Dialect

_SETTINGS = (
    *("tools", "tool_choice", "parallel_tool_calls", "response_format", "temperature", "top_p", "seed", "store"),
    *("max_completion_tokens", "max_tokens", "presence_penalty", "frequency_penalty", "reasoning_effort", "user"),
    "verbosity",
)
_OK = 200


def _read(record: Record, _report: ReadReport) -> Found:
    completion = record.raw("completion")
    messages = record.value("messages")
    request = _rebuilt(completion, messages) if completion is not None and isinstance(messages, list) else None
    opened = open_bodies(request, completion, Dialect.OPENAI_CHAT, record.source)
    if isinstance(opened, Skipped):
        return opened
    bodies, dialect = opened
    metadata = decoded(bodies.answered.get("metadata", msgspec.Raw(b"{}")))
    tags = metadata if isinstance(metadata, dict) else {}
    return msgspec.structs.replace(
        assemble(bodies, dialect, source=record.source),
        ts=answered_at(bodies),
        status=_OK,
        tags={key: value for key, value in tags.items() if isinstance(value, str)},
    )


def _rebuilt(completion: bytes, messages: list[object]) -> bytes | None:
    echoed = decoded(completion)
    if not isinstance(echoed, dict):
        return None
    sent = [
        {key: value for key, value in message.items() if key not in ("id", "content_parts") and value is not None}
        | ({"content": message["content_parts"]} if message.get("content_parts") else {})
        for message in messages
        if isinstance(message, dict)
    ]
    settings = {key: echoed[key] for key in _SETTINGS if echoed.get(key) is not None}
    return msgspec.json.encode({"model": echoed.get("model", ""), "messages": sent, **settings})


OPENAI_STORED = Importer(
    name="openai-stored",
    title="OpenAI stored completions, joined with their messages",
    matches=lambda record: "completion" in record and "messages" in record,
    start=lambda report: EachRecord(_read, report),
)

"""What a response says: text, tool calls, and how it ended, in one shape for all dialects."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from penstock.wire.dialect import Dialect
from penstock.wire.raw import UNREADABLE


class ToolCall(msgspec.Struct, frozen=True):
    """A call that the model asks for.

    Attributes:
        id: the provider's id of the call.
        name: the tool.
        arguments: JSON text, as the model wrote it where the dialect keeps it as text.
    """

    id: str
    name: str
    arguments: str


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One response.

    Attributes:
        text: the visible text, parts joined without a separator; of the first choice when there are several.
        tool_calls: in their order.
        finish: ``stop``, ``length``, ``tool_use``, ``refusal``, ``pause`` or ``other``.
        refused: whether the model or a filter declined.
        truncated: whether the output cap or the window cut it.
        model: the model that answered; empty when not said.
        response_id: the provider's id; empty when not said.
    """

    text: str
    tool_calls: tuple[ToolCall, ...] = ()
    finish: str = "other"
    refused: bool = False
    truncated: bool = False
    model: str = ""
    response_id: str = ""


_FINISH = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "stop": "stop",
    "completed": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "length": "length",
    "max_output_tokens": "length",
    "tool_use": "tool_use",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "refusal": "refusal",
    "content_filter": "refusal",
    "pause_turn": "pause",
    "compaction": "pause",
}


def finish_of(reason: str | None) -> str | None:
    """A provider's stop or finish reason (1.10, 2.4) as one of ours; None stays None, unknown ones are ``other``."""
    return None if reason is None else _FINISH.get(reason, "other")


def read_answer(dialect: Dialect, body: bytes | Mapping[str, Any]) -> Answer:
    """The answer in a plain response body; what cannot be read is left empty, nothing raises."""
    parsed = _parse(body)
    if dialect is Dialect.ANTHROPIC_MESSAGES:
        return _anthropic(parsed)
    return _chat(parsed) if dialect is Dialect.OPENAI_CHAT else _responses(parsed)


def _parse(body: bytes | Mapping[str, Any]) -> Mapping[str, Any]:
    if isinstance(body, Mapping):
        return body
    try:
        parsed = msgspec.json.decode(body)
    except UNREADABLE:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _answer(
    body: Mapping[str, Any], texts: list[str], calls: list[ToolCall], finish: str | None, *, refused: bool = False
) -> Answer:
    return Answer(
        text="".join(texts),
        tool_calls=tuple(calls),
        finish=finish or "other",
        refused=refused or finish == "refusal",
        truncated=finish == "length",
        model=_text(body.get("model")),
        response_id=_text(body.get("id")),
    )


def _anthropic(body: Mapping[str, Any]) -> Answer:
    texts: list[str] = []
    calls: list[ToolCall] = []
    for block in _objects(body.get("content")):
        if block.get("type") == "text":
            texts.append(_text(block.get("text")))
        elif block.get("type") == "tool_use":
            calls.append(ToolCall(_text(block.get("id")), _text(block.get("name")), json_text(block.get("input"))))
    return _answer(body, texts, calls, finish_of(_reason(body.get("stop_reason"))))


def _chat(body: Mapping[str, Any]) -> Answer:
    choice = next(iter(_objects(body.get("choices"))), {})
    message = choice.get("message")
    message = message if isinstance(message, Mapping) else {}
    calls = [
        _function_call(_text(call.get("id")), call.get("function")) for call in _objects(message.get("tool_calls"))
    ]
    if isinstance(message.get("function_call"), Mapping):
        calls.append(_function_call("", message["function_call"]))
    refused = bool(_text(message.get("refusal")))
    finish = finish_of(_reason(choice.get("finish_reason")))
    return _answer(body, [_text(message.get("content"))], calls, finish, refused=refused)


def _function_call(identity: str, function: Any) -> ToolCall:
    function = function if isinstance(function, Mapping) else {}
    return ToolCall(identity, _text(function.get("name")), _text(function.get("arguments")))


def _responses(body: Mapping[str, Any]) -> Answer:
    texts: list[str] = []
    calls: list[ToolCall] = []
    refused = False
    for item in _objects(body.get("output")):
        if item.get("type") == "function_call":
            name, arguments = _text(item.get("name")), _text(item.get("arguments"))
            calls.append(ToolCall(_text(item.get("call_id")) or _text(item.get("id")), name, arguments))
        for part in _objects(item.get("content")) if item.get("type") == "message" else ():
            texts.append(_text(part.get("text")))
            refused = refused or part.get("type") == "refusal"
    return _answer(body, texts, calls, responses_finish(body, called=bool(calls)), refused=refused)


def responses_finish(body: Mapping[str, Any], *, called: bool) -> str | None:
    """How a Responses object ended; None while it has not. ``called`` says that it holds function calls."""
    status = _reason(body.get("status"))
    if status in (None, "in_progress", "queued"):
        return None
    if status == "incomplete":
        details = body.get("incomplete_details")
        return finish_of(_reason(details.get("reason")) if isinstance(details, Mapping) else None) or "other"
    return "tool_use" if called and status == "completed" else finish_of(status)


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _reason(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def json_text(value: Any) -> str:
    """A decoded value as JSON text."""
    try:
        return msgspec.json.encode(value).decode()
    except ValueError:  # half a surrogate pair, from a log that another reader decoded
        return json.dumps(value)

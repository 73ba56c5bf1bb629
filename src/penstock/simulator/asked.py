"""What a request asks of its answer, the same for every dialect: tools, a schema, an effort, stop sequences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from penstock.wire.dialect import Dialect
from penstock.wire.segments import Level, Segment
from penstock.wire.view import View

_INSTRUCTION_CHARACTERS = 4000


class Tool(msgspec.Struct, frozen=True):
    """A tool that the model may call.

    Attributes:
        name: its name.
        schema: the JSON Schema of its arguments; an empty mapping when the request gives none.
    """

    name: str
    schema: Any


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What the answer must look like.

    Attributes:
        tool: the tool that would be called, or None when there is none.
        must_call: whether the tool choice forces a call.
        may_call: whether a call is free to happen: the choice is automatic and the last part is no tool result.
        schema: the JSON Schema of a structured answer, or None.
        json_object: whether any JSON object is asked for.
        instruction: the beginning of the system text and of the newest text of a user, for hints about length.
    """

    tool: Tool | None = None
    must_call: bool = False
    may_call: bool = False
    schema: Any = None
    json_object: bool = False
    instruction: str = ""


def asked_of(view: View) -> Asked:
    """What a request asks for; fields of a shape that we do not know count as absent."""
    tools = _tools(view)
    choice = view.get("tool_choice")
    wanted = _wanted_name(choice)
    forced = wanted is not None or _kind(choice) in ("any", "required")
    tool = next((each for each in tools if wanted is None or each.name == wanted), None)
    last = view.segments[-1] if view.segments else None
    output = _format(view)
    return Asked(
        tool=tool,
        must_call=forced and tool is not None,
        may_call=tool is not None and _kind(choice) in ("auto", "") and (last is None or last.kind != "tool_result"),
        schema=_schema(output),
        json_object=output.get("type") == "json_object",
        instruction=_instruction(view),
    )


def forces_tool(view: View) -> bool:
    """Whether the tool choice forces some call."""
    choice = view.get("tool_choice")
    return _wanted_name(choice) is not None or _kind(choice) in ("any", "required")


def stop_sequences(view: View) -> tuple[str, ...]:
    """The request's own stop sequences, in its order."""
    name = "stop_sequences" if view.dialect is Dialect.ANTHROPIC_MESSAGES else "stop"
    value = view.get(name)
    values = [value] if isinstance(value, str) else value
    return tuple(each for each in values if isinstance(each, str) and each) if isinstance(values, list) else ()


def text_of(view: View, segment: Segment) -> str:
    """The text of a segment that is a string or a text part; empty for anything else."""
    value: Any = msgspec.json.decode(view.raw)  # one pass in C is quicker than walking to the place
    for step in segment.path:
        value = value[step]
    if isinstance(value, Mapping):
        value = value.get("text")
    return value if isinstance(value, str) else ""


def _tools(view: View) -> Sequence[Tool]:
    tools = view.get("tools") if view.tool_names() else None
    found: list[Tool] = []
    for each in tools if isinstance(tools, list) else []:
        if not isinstance(each, Mapping):
            continue
        inner = _inner(each)
        name = inner.get("name")
        if isinstance(name, str):
            found.append(Tool(name, inner.get("input_schema") or inner.get("parameters") or {}))
    return found


def _kind(choice: Any) -> str:
    """``auto``, ``none``, ``any``, ``required`` or ``tool``/``function``; empty when nothing was chosen."""
    if isinstance(choice, Mapping):
        kind = choice.get("type")
        if kind == "allowed_tools":
            return str(choice.get("mode", "auto"))
        return kind if isinstance(kind, str) else ""
    return choice if isinstance(choice, str) else ""


def _wanted_name(choice: Any) -> str | None:
    if not isinstance(choice, Mapping) or choice.get("type") not in ("tool", "function"):
        return None
    name = _inner(choice).get("name")
    return name if isinstance(name, str) else None


def _inner(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Chat Completions wrap a function in an object of its own."""
    function = value.get("function")
    return function if isinstance(function, Mapping) else value


def _format(view: View) -> Mapping[str, Any]:
    path = {
        Dialect.ANTHROPIC_MESSAGES: ("output_config", "format"),
        Dialect.OPENAI_CHAT: ("response_format",),
        Dialect.OPENAI_RESPONSES: ("text", "format"),
    }[view.dialect]
    value = view.get(*path)
    return value if isinstance(value, Mapping) else {}


def _schema(output: Mapping[str, Any]) -> Any:
    if output.get("type") != "json_schema":
        return None
    inner = output.get("json_schema")
    return (inner if isinstance(inner, Mapping) else output).get("schema")


def _instruction(view: View) -> str:
    newest = ""
    for segment in reversed(view.segments):
        if segment.level is not Level.MESSAGES or segment.kind == "tool_result":
            break
        if segment.role == "user" and segment.kind == "text":
            newest = text_of(view, segment)
            break
    return view.system_text()[:_INSTRUCTION_CHARACTERS] + "\n" + newest[-_INSTRUCTION_CHARACTERS:]

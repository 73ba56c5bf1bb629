"""Free checks of an answer, in the order of what they cost: the first that fails names the reason to escalate.

truncated, refused, empty    always
tool                         a called tool is one of the request's, and its arguments keep to its schema
json                         the text is JSON
schema                       and keeps to the schema that the request asks for
evidence                     the quotes in it stand in the prompt
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from penstock.levers.route.json_check import first_fault
from penstock.policy.schema import RoutePolicy
from penstock.wire.answer import Answer
from penstock.wire.view import View

_UNREADABLE = (msgspec.MsgspecError, UnicodeError, RecursionError)
_Check = Callable[[View, Answer, RoutePolicy], str | None]


class Verdict(msgspec.Struct, frozen=True):
    """Why an answer is turned down.

    Attributes:
        check: the verifier that failed.
        why: one clause, without text of the prompt or the answer.
    """

    check: str
    why: str


def verify(view: View, answer: Answer, policy: RoutePolicy) -> Verdict | None:
    """The first check that an answer fails, or None when it may be shown.

    Args:
        view: the request, as the client sent it.
        answer: to be checked.
        policy: names the checks beyond those that always count.
    """
    if answer.truncated:
        return Verdict("truncated", "the answer was cut")
    if answer.refused:
        return Verdict("refused", "the model declined")
    if not answer.text.strip() and not answer.tool_calls:
        return Verdict("empty", "there is no text and no tool call")
    for name, check in _CHECKS.items():
        if name in policy.verify:
            why = check(view, answer, policy)
            if why is not None:
                return Verdict(name, why)
    return None


def _tool(view: View, answer: Answer, policy: RoutePolicy) -> str | None:  # noqa: ARG001 - the signature of a check
    names = view.tool_names()
    for call in answer.tool_calls:
        if call.name not in names:
            return "it calls a tool that the request does not have"
        arguments = _parsed(call.arguments or "{}")
        if not isinstance(arguments, Mapping):
            return f"the arguments of {call.name} are not a JSON object"
        fault = first_fault(arguments, _tool_schema(view, names.index(call.name)))
        if fault is not None:
            return f"arguments of {call.name}: {fault}"
    return None


def _json(view: View, answer: Answer, policy: RoutePolicy) -> str | None:  # noqa: ARG001 - the signature of a check
    if answer.tool_calls and not answer.text.strip():
        return None
    return "the text is not JSON" if _parsed(answer.text) is _BROKEN else None


def _schema(view: View, answer: Answer, policy: RoutePolicy) -> str | None:  # noqa: ARG001 - the signature of a check
    raw = view.response_schema()
    if raw is None or (answer.tool_calls and not answer.text.strip()):
        return None
    value = _parsed(answer.text)
    if value is _BROKEN:
        return "the text is not JSON"
    return first_fault(value, _parsed(raw))


def _evidence(view: View, answer: Answer, policy: RoutePolicy) -> str | None:
    value = _parsed(answer.text)
    if value is _BROKEN:
        return "the text is not JSON, so that its quotes cannot be found"
    quotes = [_plain(text) for text in _quoted(value, frozenset(policy.evidence_fields))]
    if not quotes:
        return None
    source = _plain("\n".join(_texts(view)))
    missing = sum(quote not in source for quote in quotes)
    return f"{missing} of {len(quotes)} quotes do not stand in the prompt" if missing else None


_CHECKS: dict[str, _Check] = {"tool": _tool, "json": _json, "schema": _schema, "evidence": _evidence}
_BROKEN = object()


def _parsed(text: str | bytes) -> Any:
    try:
        return msgspec.json.decode(text)
    except _UNREADABLE:
        return _BROKEN


def _tool_schema(view: View, index: int) -> Any:
    for path in (("input_schema",), ("function", "parameters"), ("parameters",)):
        schema = view.get("tools", index, *path)
        if schema is not None:
            return schema
    return None


def _quoted(value: Any, fields: frozenset[str], wanted: bool = False) -> Iterator[str]:
    """Every text under a key of ``fields``, at any depth."""
    if isinstance(value, str):
        if wanted and value.strip():
            yield value
    elif isinstance(value, Mapping):
        for name, member in value.items():
            yield from _quoted(member, fields, wanted or name in fields)
    elif isinstance(value, list):
        for member in value:
            yield from _quoted(member, fields, wanted)


def _texts(view: View) -> Iterator[str]:
    """All text of the prompt below the tools."""
    for key in ("system", "instructions", "messages", "input"):
        yield from _strings(view.get(key))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for member in value.values():
            yield from _strings(member)
    elif isinstance(value, list):
        for member in value:
            yield from _strings(member)


def _plain(text: str) -> str:
    """Without case, and with every run of white space as one blank."""
    return " ".join(text.casefold().split())

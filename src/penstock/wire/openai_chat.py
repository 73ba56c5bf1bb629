"""OpenAI Chat Completions requests: ``tools``, then ``messages`` (provider-semantics 2.2)."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from penstock.wire import openai_prompt
from penstock.wire.chain import Chain, Place, extras_of
from penstock.wire.dialect import Dialect
from penstock.wire.outline import Frame
from penstock.wire.raw import ABSENT, Members, Raw, is_given, object_of, objects_of, text_of, texts_of
from penstock.wire.reader import (
    Fields,
    add_content,
    add_part,
    add_tools,
    add_unknown,
    add_whole,
    without_extras,
)
from penstock.wire.segments import Marker, Path

_MESSAGE = frozenset({"role", "content", "tool_calls"})


class ChatFields(Fields):
    """The top level of a Chat Completions request."""

    messages: list[Raw]
    functions: Raw = ABSENT


_decoder = msgspec.json.Decoder(ChatFields)


class OpenAIChat:
    """Reader of the dialect ``openai.chat``."""

    prompt_fields: ClassVar[frozenset[str]] = frozenset({"tools", "functions", "messages"})
    cap_fields: ClassVar[tuple[str, ...]] = ("max_completion_tokens", "max_tokens")
    marker_key: ClassVar[str] = openai_prompt.MARKER_KEY
    text_type: ClassVar[str] = "text"

    def decode(self, raw: bytes) -> ChatFields:
        """The top level of a body."""
        return _decoder.decode(raw)

    def frame(self, fields: ChatFields) -> Frame:
        """Tools, then each message's content and tool calls."""
        ttl = openai_prompt.default_ttl(fields.prompt_cache_options)
        head = ((b"tools", _add_tools, fields.tools), (b"functions", _add_functions, fields.functions))
        content = openai_prompt.content_with(Dialect.OPENAI_CHAT, ttl)
        return Frame(content, [one for one in head if is_given(one[2])], fields.messages, _add_message)

    def messages(self, fields: ChatFields) -> tuple[str, list[Raw]]:
        """The messages."""
        return "messages", fields.messages

    def automatic_marker(self, fields: ChatFields) -> Marker | None:  # noqa: ARG002 - the reader's signature
        """None: the implicit breakpoint is a mode of the request, not a marker."""
        return None

    def system_text(self, fields: ChatFields) -> str:
        """The text of the initial system and developer messages, parts joined by a blank line."""
        texts: list[str] = []
        for message in fields.messages:
            members = object_of(message) or {}
            if text_of(members.get("role")) not in openai_prompt.SYSTEM_ROLES:
                break
            texts.extend(texts_of(members.get("content")))
        return "\n\n".join(texts)

    def tool_names(self, fields: ChatFields) -> tuple[str, ...]:
        """The names of the tools, in their order; a tool without a name by its type."""
        tools = objects_of(fields.tools) or ()
        functions = objects_of(fields.functions) or ()
        named = [_function_name(tool) or text_of(tool.get("type")) for tool in tools]
        return (*named, *(text_of(function.get("name")) for function in functions))

    def response_schema(self, fields: ChatFields) -> Raw | None:
        """``response_format.json_schema.schema``."""
        try:
            schema = _format.decode(fields.response_format).json_schema.schema
        except msgspec.MsgspecError:
            return None
        return schema if is_given(schema) else None

    def marker_json(self, marker: Marker) -> bytes:
        """A breakpoint."""
        return openai_prompt.marker_json(marker)

    def wrap_text(self, path: Path, parts: bytes) -> bytes:  # noqa: ARG002 - the reader's signature
        """Parts stand where the string stood."""
        return parts


class _Schema(msgspec.Struct):
    schema: Raw = ABSENT


class _Format(msgspec.Struct):
    json_schema: _Schema


class _Function(msgspec.Struct):
    name: str = ""


_format = msgspec.json.Decoder(_Format)
_function = msgspec.json.Decoder(_Function)


def _add_tools(chain: Chain, value: Raw, message: int) -> None:  # noqa: ARG001 - the signature of ``Build``
    add_tools(chain, "tools", value, markable=False)


def _add_functions(chain: Chain, value: Raw, message: int) -> None:  # noqa: ARG001 - the signature of ``Build``
    add_tools(chain, "functions", value, markable=False)


def _add_message(chain: Chain, value: Raw, index: int) -> None:
    message = object_of(value)
    if message is None:
        add_unknown(chain, openai_prompt.level_of(chain, ""), ("messages", index), index, value)
        return
    role = text_of(message.get("role"))
    place = Place(
        level=openai_prompt.level_of(chain, role),
        role=role,
        message=index,
        path=("messages", index, "content"),
        extras=extras_of(message, _MESSAGE),
        markable=role in openai_prompt.INPUT_ROLES,
        kind="tool_result" if role in ("tool", "function") else "",
    )
    calls = objects_of(message["tool_calls"]) if "tool_calls" in message else None
    added = add_content(chain, place, message.get("content", ABSENT), last=not calls)
    if calls:
        place = msgspec.structs.replace(without_extras(place) if added else place, kind="tool_use")
        for number, call in enumerate(calls):
            path: Path = ("messages", index, "tool_calls", number)
            add_part(chain, place, call, path, last=number == len(calls) - 1)
            place = without_extras(place)
    elif not added:
        add_whole(chain, msgspec.structs.replace(place, path=("messages", index), kind=""), message)


def _function_name(tool: Members) -> str:
    """The name inside ``function``, or inside ``custom``."""
    for kind in ("function", "custom"):
        try:
            return _function.decode(tool.get(kind, ABSENT)).name
        except msgspec.MsgspecError:
            continue
    return ""

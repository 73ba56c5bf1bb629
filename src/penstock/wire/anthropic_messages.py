"""Anthropic Messages requests: ``tools``, ``system``, ``messages`` (provider-semantics 1.2)."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from penstock.wire.chain import Chain, Content, Place, extras_of
from penstock.wire.dialect import Dialect
from penstock.wire.outline import Frame
from penstock.wire.raw import ABSENT, Raw, is_given, object_of, objects_of, text_of, texts_of
from penstock.wire.reader import Fields, add_content, add_tools, add_unknown, add_whole
from penstock.wire.segments import Level, Marker, Path

_MESSAGE = frozenset({"role", "content"})


class MessagesFields(Fields):
    """The top level of a Messages request."""

    messages: list[Raw]
    system: Raw = ABSENT


class _Control(msgspec.Struct):
    ttl: str = "5m"


class AnthropicContent(Content, frozen=True):
    """Content blocks, with ``cache_control`` as the marker."""

    def marker_of(self, value: Raw) -> Marker | None:
        """A marker without a readable ``ttl`` lives for the default five minutes."""
        if not is_given(value):
            return None
        try:
            return Marker(_control.decode(value).ttl)
        except msgspec.MsgspecError:
            return Marker("5m")


_control = msgspec.json.Decoder(_Control)
_decoder = msgspec.json.Decoder(MessagesFields)
_BLOCKS = {
    "text": "text",
    "image": "image",
    "document": "document",
    "search_result": "document",
    "tool_use": "tool_use",
    "server_tool_use": "tool_use",
    "mcp_tool_use": "tool_use",
    "tool_result": "tool_result",
    "mcp_tool_result": "tool_result",
    "web_search_tool_result": "tool_result",
    "web_fetch_tool_result": "tool_result",
    "code_execution_tool_result": "tool_result",
    "bash_code_execution_tool_result": "tool_result",
    "text_editor_code_execution_tool_result": "tool_result",
    "tool_search_tool_result": "tool_result",
    "thinking": "thinking",
    "redacted_thinking": "thinking",
}
_CONTENT = AnthropicContent(
    kinds=_BLOCKS,
    markable=frozenset(_BLOCKS) - {"thinking", "redacted_thinking"},
    marker_key="cache_control",
    context=Dialect.ANTHROPIC_MESSAGES,
)


class AnthropicMessages:
    """Reader of the dialect ``anthropic.messages``."""

    prompt_fields: ClassVar[frozenset[str]] = frozenset({"tools", "system", "messages"})
    cap_fields: ClassVar[tuple[str, ...]] = ("max_tokens",)
    marker_key: ClassVar[str] = _CONTENT.marker_key
    text_type: ClassVar[str] = "text"

    def decode(self, raw: bytes) -> MessagesFields:
        """The top level of a body."""
        return _decoder.decode(raw)

    def frame(self, fields: MessagesFields) -> Frame:
        """Tools, system blocks, then the blocks of each message."""
        head = ((b"tools", _add_tools, fields.tools), (b"system", _add_system, fields.system))
        return Frame(_CONTENT, [one for one in head if is_given(one[2])], fields.messages, _add_message)

    def messages(self, fields: MessagesFields) -> tuple[str, list[Raw]]:
        """The messages."""
        return "messages", fields.messages

    def automatic_marker(self, fields: MessagesFields) -> Marker | None:
        """The top-level ``cache_control``."""
        return _CONTENT.marker_of(fields.cache_control)

    def system_text(self, fields: MessagesFields) -> str:
        """The text of the system prompt, blocks joined by a blank line."""
        return "\n\n".join(texts_of(fields.system))

    def tool_names(self, fields: MessagesFields) -> tuple[str, ...]:
        """The names of the tools, in their order; a server tool without a name by its type."""
        tools = objects_of(fields.tools) or ()
        return tuple(text_of(tool.get("name")) or text_of(tool.get("type")) for tool in tools)

    def response_schema(self, fields: MessagesFields) -> Raw | None:
        """``output_config.format.schema``."""
        try:
            schema = _output.decode(fields.output_config).format.schema
        except msgspec.MsgspecError:
            return None
        return schema if is_given(schema) else None

    def marker_json(self, marker: Marker) -> bytes:
        """``{"type":"ephemeral"}``, with the lifetime unless it is the default."""
        if marker.ttl == "5m":
            return b'{"type":"ephemeral"}'
        return msgspec.json.encode({"type": "ephemeral", "ttl": marker.ttl})

    def wrap_text(self, path: Path, parts: bytes) -> bytes:  # noqa: ARG002 - the reader's signature
        """Parts stand where the string stood, in ``system`` as in a message."""
        return parts


def _add_tools(chain: Chain, value: Raw, message: int) -> None:  # noqa: ARG001 - the signature of ``Build``
    add_tools(chain, "tools", value, markable=True)


def _add_system(chain: Chain, value: Raw, message: int) -> None:
    add_content(chain, Place(level=Level.SYSTEM, role="system", message=message, path=("system",)), value)


def _add_message(chain: Chain, value: Raw, message: int) -> None:
    members = object_of(value)
    if members is None:
        add_unknown(chain, Level.MESSAGES, ("messages", message), message, value)
        return
    place = Place(
        level=Level.MESSAGES,
        role=text_of(members.get("role")),
        message=message,
        path=("messages", message, "content"),
        extras=extras_of(members, _MESSAGE),
    )
    if not add_content(chain, place, members.get("content", ABSENT)):
        add_whole(chain, msgspec.structs.replace(place, path=("messages", message)), members)


class _Format(msgspec.Struct):
    schema: Raw = ABSENT


class _Output(msgspec.Struct):
    format: _Format


_output = msgspec.json.Decoder(_Output)

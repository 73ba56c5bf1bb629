"""A conversation's messages as far as cutting is concerned: who speaks, and which tool calls open and close where."""

from __future__ import annotations

from typing import Any

import msgspec

from penstock.wire.dialect import Dialect
from penstock.wire.view import View


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message or input item.

    Attributes:
        speaks: a user's own words: a turn starts here. Results of tools are not a user's words.
        stays: an instruction, kept wherever it stands.
        fixed: of a kind that must not be taken away (a compaction, a reference, a kind that we do not know).
        opens: ids of tool calls that it makes and that want a result.
        closes: ids of tool calls that it gives the result of.
    """

    speaks: bool = False
    stays: bool = False
    fixed: bool = False
    opens: tuple[str, ...] = ()
    closes: tuple[str, ...] = ()


def messages_of(view: View) -> list[Message] | None:
    """The messages in their order; None for a conversation of a shape that we do not know, which is then left whole."""
    try:
        return _READERS[view.dialect](view.raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


class _Block(msgspec.Struct):
    type: str = ""
    id: str | None = None
    tool_use_id: str | None = None


class _AnthropicMessage(msgspec.Struct):
    role: str
    content: str | list[_Block]


class _AnthropicBody(msgspec.Struct):
    messages: list[_AnthropicMessage]


class _Call(msgspec.Struct):
    id: str | None = None


class _ChatMessage(msgspec.Struct):
    role: str
    tool_calls: list[_Call] | None = None
    tool_call_id: str | None = None
    function_call: Any = None


class _ChatBody(msgspec.Struct):
    messages: list[_ChatMessage]


class _Item(msgspec.Struct):
    type: str = "message"
    role: str = ""
    call_id: str | None = None


class _ResponsesBody(msgspec.Struct):
    input: str | list[_Item]


_KNOWN_BLOCKS = frozenset(
    {"text", "image", "document", "search_result", "tool_use", "tool_result", "thinking", "redacted_thinking"}
)
_HOSTED_BLOCKS = frozenset({"server_tool_use", "mcp_tool_use"})
_INSTRUCTING = frozenset({"system", "developer"})
_WANTS_RESULT = frozenset(
    {"function_call", "custom_tool_call", "computer_call", "local_shell_call", "shell_call", "apply_patch_call"}
)
_HOSTED_ITEMS = frozenset(
    {"web_search_call", "file_search_call", "code_interpreter_call", "image_generation_call", "mcp_call", "reasoning"}
)


def _anthropic(raw: bytes) -> list[Message]:
    found = []
    for message in _anthropic_body.decode(raw).messages:
        blocks = message.content if isinstance(message.content, list) else []
        results = tuple(block.tool_use_id or "" for block in blocks if block.type == "tool_result")
        known = all(_known_block(block.type) for block in blocks)
        found.append(
            Message(
                speaks=message.role == "user" and not results,
                fixed=not known or message.role not in ("user", "assistant"),
                opens=tuple(block.id or "" for block in blocks if block.type == "tool_use"),
                closes=results,
            )
        )
    return found


def _known_block(kind: str) -> bool:
    return kind in _KNOWN_BLOCKS or kind in _HOSTED_BLOCKS or kind.endswith("_tool_result")


def _chat(raw: bytes) -> list[Message]:
    found = []
    for message in _chat_body.decode(raw).messages:
        known = message.role in ("user", "assistant", "tool") or message.role in _INSTRUCTING
        found.append(
            Message(
                speaks=message.role == "user",
                stays=message.role in _INSTRUCTING,
                fixed=not known or message.function_call is not None,
                opens=tuple(call.id or "" for call in message.tool_calls or ()),
                closes=(message.tool_call_id or "",) if message.role == "tool" else (),
            )
        )
    return found


def _responses(raw: bytes) -> list[Message]:
    items = _responses_body.decode(raw).input
    return [Message(speaks=True)] if isinstance(items, str) else [_item(item) for item in items]


def _item(item: _Item) -> Message:
    if item.type == "message":
        return Message(speaks=item.role == "user", stays=item.role in _INSTRUCTING, fixed=not item.role)
    if item.type in _WANTS_RESULT:
        return Message(opens=(item.call_id or "",))
    if item.type.endswith("_output"):
        return Message(closes=(item.call_id or "",))
    return Message(fixed=item.type not in _HOSTED_ITEMS)


_anthropic_body = msgspec.json.Decoder(_AnthropicBody)
_chat_body = msgspec.json.Decoder(_ChatBody)
_responses_body = msgspec.json.Decoder(_ResponsesBody)
_READERS = {
    Dialect.ANTHROPIC_MESSAGES: _anthropic,
    Dialect.OPENAI_CHAT: _chat,
    Dialect.OPENAI_RESPONSES: _responses,
}

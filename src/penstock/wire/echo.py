"""An answer of Anthropic Messages as the next turn of its conversation sends it back."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from penstock.wire.raw import UNREADABLE, Raw, is_given, text_of

_BY_ITSELF = frozenset({"end_turn", "stop_sequence", "tool_use"})
_THINKING = frozenset({"thinking", "redacted_thinking"})
_TOLD = frozenset({*_THINKING, "text", "tool_use"})


class Echo(NamedTuple):
    """The content of an answer.

    Attributes:
        blocks: raw JSON of each block; texts without null members.
        calls: ids of the tools that it calls: the next turn has to hold a result of each.
        thinks: whether thinking is among the blocks.
    """

    blocks: tuple[bytes, ...]
    calls: tuple[str, ...]
    thinks: bool

    def marked(self, marker: bytes) -> bytes:
        """The assistant's message with a cache marker on its last block."""
        last = _members.decode(self.blocks[-1])
        last["cache_control"] = Raw(marker)
        return msgspec.json.encode({"role": "assistant", "content": [*map(Raw, self.blocks[:-1]), last]})

    def placeholder(self) -> bytes:
        """A user's message that may follow it."""
        if not self.calls:
            return b'{"role":"user","content":"."}'
        results = [{"type": "tool_result", "tool_use_id": call, "content": "."} for call in self.calls]
        return msgspec.json.encode({"role": "user", "content": results})


class _Message(msgspec.Struct):
    content: list[Raw]
    stop_reason: str | None = None


_message = msgspec.json.Decoder(_Message)
_members = msgspec.json.Decoder(dict[str, Raw])


def echo_of(body: bytes, *, thinking: bool | None) -> Echo | None:
    """An answer as the next turn will hold it; None where that is not known.

    That is so for an answer that did not end by itself, and for one that holds what not every client sends back as it
    came: citations, what the provider's own tools brought, or an empty text.

    Args:
        body: of the response.
        thinking: whether its client sends thinking back; None when that was not seen. With calls of tools it has to.
    """
    try:
        message = _message.decode(body)
        read = [_members.decode(block) for block in message.content]
    except UNREADABLE:
        return None
    kinds = [text_of(block.get("type")) for block in read]
    if message.stop_reason not in _BY_ITSELF or not kinds or not _TOLD.issuperset(kinds) or kinds[-1] in _THINKING:
        return None
    calls = tuple(text_of(block.get("id")) for block, kind in zip(read, kinds, strict=True) if kind == "tool_use")
    thinks = not _THINKING.isdisjoint(kinds)
    if bool(calls) != (message.stop_reason == "tool_use") or (thinks and not calls and thinking is None):
        return None
    blocks = []
    for raw, block, kind in zip(message.content, read, kinds, strict=True):
        if kind in _THINKING and not calls and not thinking:
            thinks = False
        elif kind != "text":
            blocks.append(bytes(raw))
        elif is_given(block.get("citations", Raw(b""))) or not text_of(block.get("text")).strip():
            return None
        else:
            blocks.append(msgspec.json.encode({"type": "text", "text": text_of(block["text"])}))
    return Echo(tuple(blocks), calls, thinks)

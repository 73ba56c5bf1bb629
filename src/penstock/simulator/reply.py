"""What a simulated model answers, before the provider's rules cut it, shape it and bill it."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from penstock.wire.view import View


class ToolCall(msgspec.Struct, frozen=True):
    """One call of a tool.

    Attributes:
        name: the tool's name.
        arguments: its JSON arguments, as text.
    """

    name: str
    arguments: str


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """The answer that a responder gives to one request.

    Attributes:
        text: the visible text; may be empty beside tool calls.
        tool_calls: calls after the text, in order.
        output_tokens: visible tokens (text and tool calls); None means that the simulator's rule counts them.
        reasoning_tokens: billed before the visible ones where the model thinks; None means the simulator's own draw.
        refused: whether the model declines; the stop reason says so.
        delay: simulated seconds until the first byte; None means the simulator's setting.
    """

    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    refused: bool = False
    delay: float | None = None


Responder = Callable[[View, bytes], Reply]
"""``(view, digest) -> Reply``. The digest is the prompt's (16 bytes): equal prompts have equal digests, whatever their
markers, caps and model. A responder is called once per accepted request, in order, under the simulator's lock."""


def prompt_digest(view: View) -> bytes:
    """The rolling digest over all segments of a prompt, 16 bytes; zeros for an empty prompt."""
    return view.segments[-1].prefix if view.segments else bytes(16)

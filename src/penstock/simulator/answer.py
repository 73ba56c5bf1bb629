"""A reply under the request's rules: thinking first, stop sequences, the output cap, and what is billed as output."""

from __future__ import annotations

import msgspec

from penstock.models.profile import Profile
from penstock.simulator.asked import stop_sequences
from penstock.simulator.reply import Reply, ToolCall
from penstock.simulator.tokens import count_text, truncate
from penstock.wire.view import View

TOOL_CALL_FRAMING = 12
"""Output tokens of a tool call's delimiters."""


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """What goes out.

    Attributes:
        text: visible text, cut at a stop sequence or at the cap.
        tool_calls: the calls that fit under the cap.
        output_tokens: billed, thinking included.
        reasoning_tokens: the part of them that was thinking.
        finish: ``stop``, ``length``, ``tool_use``, ``refusal``, ``stop_sequence`` or ``window``.
        stop_sequence: the sequence that ended the text, or None.
        visible: False when the cap left no room after thinking.
    """

    text: str
    tool_calls: tuple[ToolCall, ...]
    output_tokens: int
    reasoning_tokens: int
    finish: str
    stop_sequence: str | None = None
    visible: bool = True


def answer(reply: Reply, view: View, profile: Profile, *, thinking: int, cap: int | None, room: int | None) -> Answered:
    """Apply a request's limits to a reply.

    Args:
        reply: what the model would say.
        view: the request.
        profile: the model.
        thinking: tokens of thinking that come before the visible answer.
        cap: the output cap of the request or the model, thinking included; None for no cap.
        room: tokens left in the context window; None when it is unknown.
    """
    text, stopped_by = _stopped(reply.text, view)
    factor = profile.tokenizer_factor
    costs = [TOOL_CALL_FRAMING + count_text(call.name + call.arguments, factor) for call in reply.tool_calls]
    counted = count_text(text, factor) + sum(costs)
    stated = reply.output_tokens if stopped_by is None else None
    visible = max(1, counted if stated is None else stated)
    limit = min((each for each in (cap, room) if each is not None), default=None)
    if limit is None or thinking + visible <= limit:
        return Answered(
            text=text,
            tool_calls=reply.tool_calls,
            output_tokens=thinking + visible,
            reasoning_tokens=thinking,
            finish=_finish(reply, stopped_by),
            stop_sequence=stopped_by,
        )
    thinking = min(thinking, limit)
    left = limit - thinking
    share = left * counted // visible  # the simulator's count may differ from the one that the reply states
    text = truncate(text, factor, share)
    calls = _calls_within(reply.tool_calls, costs, share - count_text(text, factor))
    return Answered(
        text=text,
        tool_calls=calls,
        output_tokens=limit,
        reasoning_tokens=thinking,
        finish="window" if room is not None and limit == room and limit != cap else "length",
        visible=left > 0,
    )


def _stopped(text: str, view: View) -> tuple[str, str | None]:
    """The text up to the first stop sequence in it, and that sequence."""
    found = [(at, stop) for stop in stop_sequences(view) if (at := text.find(stop)) >= 0]
    if not found:
        return text, None
    at, stop = min(found)
    return text[:at], stop


def _finish(reply: Reply, stopped_by: str | None) -> str:
    if reply.refused:
        return "refusal"
    if stopped_by is not None:
        return "stop_sequence"
    return "tool_use" if reply.tool_calls else "stop"


def _calls_within(calls: tuple[ToolCall, ...], costs: list[int], budget: int) -> tuple[ToolCall, ...]:
    kept: list[ToolCall] = []
    for call, cost in zip(calls, costs, strict=True):
        if cost > budget:
            break
        kept.append(call)
        budget -= cost
    return tuple(kept)

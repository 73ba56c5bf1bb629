"""A whole answer's body in one pass: its usage, what it says, and the tier that it names.

A body as the providers usually send it is decoded into just the members that count. One that holds anything odd is read
again by the readers that look at each member with suspicion (``usage_of``, ``answer``); both ways give the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from penstock.wire.answer import Answer, ToolCall, finish_of, json_text, read_answer
from penstock.wire.counts import MOST_TOKENS
from penstock.wire.dialect import Dialect
from penstock.wire.raw import ABSENT, UNREADABLE, Raw
from penstock.wire.usage import Usage
from penstock.wire.usage_of import usage_of


class TierSaid(NamedTuple):
    """What an answer says of how it was processed; None for what it does not say.

    Attributes:
        service_tier: of the body.
        usage_tier: ``service_tier`` of its usage.
        speed: of its usage.
        geo: ``inference_geo`` of its usage.
    """

    service_tier: str | None
    usage_tier: str | None
    speed: str | None
    geo: str | None


class Reply(NamedTuple):
    """An answer as it reads: its usage, or None when none is reported; its content; and its tier, or None."""

    usage: Usage | None
    answer: Answer
    tier: TierSaid | None


def read_reply(dialect: Dialect, body: bytes) -> Reply:
    """The usage, answer and tier of a plain response body; nothing raises."""
    usual = _USUAL.get(dialect)
    if usual is not None:
        try:
            found = usual(body)
        except UNREADABLE:
            found = None
        if found is not None:
            return found
    return Reply(usage_of(dialect, body), read_answer(dialect, body), _tier_of(body))


class _Said(msgspec.Struct, gc=False):
    service_tier: str | None = None
    speed: str | None = None
    inference_geo: str | None = None


class _Tiers(msgspec.Struct, gc=False):
    service_tier: str | None = None
    usage: _Said | None = None


def _tier_of(body: bytes) -> TierSaid | None:
    try:
        said = _tiers.decode(body)
    except UNREADABLE:
        return None
    return _tier(said.service_tier, said.usage)


def _tier(service_tier: str | None, usage: _Said | None) -> TierSaid | None:
    """None when nothing is said, as with most answers."""
    if usage is None:
        return TierSaid(service_tier, None, None, None) if service_tier else None
    if not (service_tier or usage.service_tier or usage.speed or usage.inference_geo):
        return None
    return TierSaid(service_tier, usage.service_tier, usage.speed, usage.inference_geo)


class _ChatRead(msgspec.Struct, gc=False):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    cache_write_tokens_details: Raw = ABSENT


class _ChatSpent(msgspec.Struct, gc=False):
    reasoning_tokens: int | None = None


class _ChatUsage(_Said, kw_only=True, gc=False):
    prompt_tokens: int
    completion_tokens: int
    prompt_tokens_details: _ChatRead | None = None
    completion_tokens_details: _ChatSpent | None = None
    total_tokens: int | None = None


class _Function(msgspec.Struct, gc=False):
    name: str = ""
    arguments: str = ""


class _ChatCall(msgspec.Struct, gc=False):
    function: _Function
    id: str = ""


class _Message(msgspec.Struct, gc=False):
    content: str | None = None
    refusal: str | None = None
    tool_calls: list[_ChatCall] | None = None
    function_call: Raw = ABSENT


class _Choice(msgspec.Struct, gc=False):
    message: _Message
    finish_reason: str | None = None


class _Chat(msgspec.Struct, gc=False):
    choices: list[_Choice]
    usage: _ChatUsage
    id: str = ""
    model: str = ""
    service_tier: str | None = None


class _Created(msgspec.Struct, gc=False):
    ephemeral_5m_input_tokens: int | None = None
    ephemeral_1h_input_tokens: int | None = None


class _Thought(msgspec.Struct, gc=False):
    thinking_tokens: int | None = None


class _Searched(msgspec.Struct, gc=False):
    web_search_requests: int | None = None


class _MessagesUsage(_Said, kw_only=True, gc=False):
    input_tokens: int
    output_tokens: int
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_creation: _Created | None = None
    output_tokens_details: _Thought | None = None
    server_tool_use: _Searched | None = None
    iterations: Raw = ABSENT


class _Block(msgspec.Struct, gc=False):
    type: str
    text: str = ""
    id: str = ""
    name: str = ""
    input: Any = None


class _Messages(msgspec.Struct, gc=False):
    content: list[_Block]
    usage: _MessagesUsage
    id: str = ""
    model: str = ""
    stop_reason: str | None = None
    service_tier: str | None = None


_tiers = msgspec.json.Decoder(_Tiers)
_chat = msgspec.json.Decoder(_Chat)
_messages = msgspec.json.Decoder(_Messages)


def _usual_chat(body: bytes) -> Reply | None:
    """A Chat Completions body; None for one that has to be read with suspicion."""
    read = _chat.decode(body)
    usage = _chat_usage(read.usage)
    if usage is None or not read.choices:
        return None
    message = read.choices[0].message
    if len(message.function_call):
        return None
    finish = finish_of(read.choices[0].finish_reason)
    answer = Answer(
        text=message.content or "",
        tool_calls=tuple(
            [ToolCall(one.id, one.function.name, one.function.arguments) for one in message.tool_calls or ()]
        ),
        finish=finish or "other",
        refused=bool(message.refusal) or finish == "refusal",
        truncated=finish == "length",
        model=read.model,
        response_id=read.id,
    )
    return Reply(usage, answer, _tier(read.service_tier, read.usage))


_NOTHING_READ = _ChatRead()


def _chat_usage(said: _ChatUsage) -> Usage | None:
    total, output, details = said.prompt_tokens, said.completion_tokens, said.prompt_tokens_details or _NOTHING_READ
    cached, written = details.cached_tokens or 0, details.cache_write_tokens or 0
    reasoning = None if said.completion_tokens_details is None else said.completion_tokens_details.reasoning_tokens
    sums = said.total_tokens is None or said.total_tokens == total + output
    if not sums or total + output > MOST_TOKENS or cached + written > total or len(details.cache_write_tokens_details):
        return None
    if min(total, output, cached, written, reasoning or 0) < 0 or (reasoning or 0) > output:
        return None
    return Usage(
        input_uncached=total - cached - written,
        cache_read=cached,
        cache_write_30m=written,
        output=output,
        output_reasoning=reasoning,
        cache_write_reported=details.cache_write_tokens is not None,
        flags=() if details.cached_tokens is not None else ("cached_tokens_not_reported",),
    )


def _usual_messages(body: bytes) -> Reply | None:
    """A Messages body; None for one that has to be read with suspicion."""
    read = _messages.decode(body)
    usage = _messages_usage(read.usage)
    if usage is None:
        return None
    finish = finish_of(read.stop_reason)
    answer = Answer(
        text="".join([block.text for block in read.content if block.type == "text"]),
        tool_calls=tuple(
            [ToolCall(one.id, one.name, json_text(one.input)) for one in read.content if one.type == "tool_use"]
        ),
        finish=finish or "other",
        refused=finish == "refusal",
        truncated=finish == "length",
        model=read.model,
        response_id=read.id,
    )
    return Reply(usage, answer, _tier(read.service_tier, read.usage))


def _messages_usage(said: _MessagesUsage) -> Usage | None:
    flat, parts, read = said.cache_creation_input_tokens, said.cache_creation, said.cache_read_input_tokens or 0
    short, long = (None, None) if parts is None else (parts.ephemeral_5m_input_tokens, parts.ephemeral_1h_input_tokens)
    written = (short or 0) + (long or 0)
    reasoning = None if said.output_tokens_details is None else said.output_tokens_details.thinking_tokens
    searches = 0 if said.server_tool_use is None else said.server_tool_use.web_search_requests or 0
    counts = (said.input_tokens, said.output_tokens, read, short or 0, long or 0, reasoning or 0, searches)
    if len(said.iterations) or min(counts) < 0 or max(*counts, written) > MOST_TOKENS:
        return None
    if (flat is not None and flat != written) or (reasoning or 0) > said.output_tokens:
        return None
    return Usage(
        input_uncached=said.input_tokens,
        cache_read=read,
        cache_write_5m=short or 0,
        cache_write_1h=long or 0,
        output=said.output_tokens,
        output_reasoning=reasoning,
        cache_write_reported=flat is not None or short is not None or long is not None,
        web_searches=searches,
    )


_USUAL: Mapping[Dialect, Callable[[bytes], Reply | None]] = {
    Dialect.OPENAI_CHAT: _usual_chat,
    Dialect.ANTHROPIC_MESSAGES: _usual_messages,
}

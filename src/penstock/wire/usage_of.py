"""Usage as the providers report it, turned into disjoint buckets (provider-semantics 1.1, 2.3, 4).

Anthropic's ``input_tokens`` excludes what was read from and written to the cache; OpenAI's totals include both. An
absent counter of OpenAI's cache writes means that writes are not reported, not that there were none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from penstock.wire.counts import Counts
from penstock.wire.dialect import Dialect
from penstock.wire.raw import ABSENT, UNREADABLE, Raw
from penstock.wire.usage import Usage

_KNOWN = frozenset({"input_tokens", "output_tokens", "prompt_tokens", "completion_tokens"})


class _Item(msgspec.Struct):
    type: Any = None


class _Body(msgspec.Struct):
    """What of a response body matters here; the rest is skipped without being decoded."""

    usage: Any = None
    service_tier: Any = None
    output: Raw = ABSENT


_body = msgspec.json.Decoder(_Body)
_items = msgspec.json.Decoder(list[_Item])


def usage_of(dialect: Dialect, body: bytes | Mapping[str, Any]) -> Usage | None:
    """The usage of a response body; None when it reports none. Odd values are flagged, nothing raises."""
    parsed = _parse(body)
    if parsed is None or not isinstance(parsed.usage, Mapping) or not _KNOWN & parsed.usage.keys():
        return None
    usage = usage_from_object(dialect, parsed.usage)
    if dialect is Dialect.OPENAI_RESPONSES:
        searches = _searches(body.get("output") if isinstance(body, Mapping) else parsed.output)
        return msgspec.structs.replace(usage, web_searches=searches) if searches else usage
    return usage


def usage_from_object(dialect: Dialect, usage: Mapping[str, Any]) -> Usage:
    """The buckets of a provider's own usage object."""
    if dialect is Dialect.ANTHROPIC_MESSAGES:
        return _anthropic(usage)
    return _openai(usage)


def service_tier_of(dialect: Dialect, body: bytes | Mapping[str, Any]) -> str | None:
    """The tier that the response says it was served on, or None."""
    parsed = _parse(body)
    if parsed is None:
        return None
    tier = parsed.service_tier
    if dialect is Dialect.ANTHROPIC_MESSAGES:
        tier = parsed.usage.get("service_tier") if isinstance(parsed.usage, Mapping) else None
    return tier if isinstance(tier, str) else None


def _parse(body: bytes | Mapping[str, Any]) -> _Body | None:
    if not isinstance(body, Mapping):
        try:
            return _body.decode(body)
        except UNREADABLE:
            pass
        try:
            body = json.loads(body)  # a number beyond a float's range, which we flag rather than refuse
        except (ValueError, RecursionError):
            return None
    if not isinstance(body, Mapping):
        return None
    return _Body(usage=body.get("usage"), service_tier=body.get("service_tier"))


def _searches(output: Any) -> int:
    """Server-side searches among the output items, raw or decoded."""
    if isinstance(output, Raw):
        try:
            return sum(item.type == "web_search_call" for item in _items.decode(output))
        except UNREADABLE:
            return 0
    items = output if isinstance(output, list) else []
    return sum(isinstance(item, Mapping) and item.get("type") == "web_search_call" for item in items)


def _anthropic(usage: Mapping[str, Any]) -> Usage:
    counts = Counts(usage)
    passes = _passes(counts, usage)
    found = _anthropic_pass(counts) if passes is None else _sum([_anthropic_pass(each) for each in passes])
    tools = counts.inner("server_tool_use")
    searches = 0 if tools is None else tools.optional("web_search_requests") or 0
    return msgspec.structs.replace(found, web_searches=searches, flags=counts.flags)


def _passes(counts: Counts, usage: Mapping[str, Any]) -> list[Counts] | None:
    """The sampling passes to sum when the call was compacted: the top-level counters then leave that pass out."""
    iterations = usage.get("iterations")
    if iterations is None:
        return None
    if not isinstance(iterations, list) or not all(isinstance(each, Mapping) for each in iterations):
        counts.flag("iterations_unreadable")
        return None
    if not any(each.get("type") == "compaction" for each in iterations):
        return None
    counts.flag("compaction_included")
    return [counts.beside(each) for each in iterations]


def _anthropic_pass(counts: Counts) -> Usage:
    flat = counts.optional("cache_creation_input_tokens")
    parts = counts.inner("cache_creation")
    short = None if parts is None else parts.optional("ephemeral_5m_input_tokens")
    long = None if parts is None else parts.optional("ephemeral_1h_input_tokens")
    write_short, write_long = _split(
        counts, flat, short, long, "cache_creation_parts_do_not_sum", missing="cache_creation_split_missing"
    )
    output = counts.required("output_tokens")
    return Usage(
        input_uncached=counts.required("input_tokens"),
        cache_read=counts.optional("cache_read_input_tokens") or 0,
        cache_write_5m=write_short,
        cache_write_1h=write_long,
        output=output,
        output_reasoning=counts.reasoning(counts.inner("output_tokens_details"), "thinking_tokens", output),
        cache_write_reported=flat is not None or short is not None or long is not None,
    )


def _split(
    counts: Counts, flat: int | None, short: int | None, long: int | None, unequal: str, *, missing: str = ""
) -> tuple[int, int]:
    """Written tokens by lifetime. Parts that do not sum yield to the flat count, which is short but for ``long``."""
    if short is None and long is None:
        if flat and missing:
            counts.flag(missing)
        return flat or 0, 0
    parts = (short or 0, long or 0)
    if flat is None or sum(parts) == flat:
        return parts
    counts.flag(unequal)
    kept = min(parts[1], flat)
    return flat - kept, kept


def _sum(usages: list[Usage]) -> Usage:
    reasoning = [usage.output_reasoning for usage in usages if usage.output_reasoning is not None]
    return Usage(
        input_uncached=sum(usage.input_uncached for usage in usages),
        cache_read=sum(usage.cache_read for usage in usages),
        cache_write_5m=sum(usage.cache_write_5m for usage in usages),
        cache_write_1h=sum(usage.cache_write_1h for usage in usages),
        output=sum(usage.output for usage in usages),
        output_reasoning=sum(reasoning) if reasoning else None,
        cache_write_reported=any(usage.cache_write_reported for usage in usages),
    )


def _openai(usage: Mapping[str, Any]) -> Usage:
    counts = Counts(usage)
    prompt, completion = ("prompt", "completion") if "prompt_tokens" in usage else ("input", "output")
    total = counts.required(f"{prompt}_tokens")
    output = counts.required(f"{completion}_tokens")
    details = counts.inner(f"{prompt}_tokens_details")
    read, written = (None, None) if details is None else _cached(details)
    if read is None:
        counts.flag("cached_tokens_not_reported")
    cached = min(read or 0, total)
    if cached < (read or 0):
        counts.flag("cached_exceeds_input")
    room = total - cached
    if written is not None and written > room:
        counts.flag("cache_write_exceeds_input")
        written = room
    lifetimes = None if details is None else details.inner("cache_write_tokens_details")
    short = None if lifetimes is None else lifetimes.optional("ttl_30m_tokens")
    long = None if lifetimes is None else lifetimes.optional("ttl_12h_tokens")
    write_30m, write_12h = _split(counts, written or 0, short, long, "cache_write_parts_do_not_sum")
    everything = counts.optional("total_tokens")
    if everything is not None and everything != total + output:
        counts.flag("total_does_not_sum")
    return Usage(
        input_uncached=room - write_30m - write_12h,
        cache_read=cached,
        cache_write_30m=write_30m,
        cache_write_12h=write_12h,
        output=output,
        output_reasoning=counts.reasoning(counts.inner(f"{completion}_tokens_details"), "reasoning_tokens", output),
        cache_write_reported=written is not None,
        flags=counts.flags,
    )


def _cached(details: Counts) -> tuple[int | None, int | None]:
    return details.optional("cached_tokens"), details.optional("cache_write_tokens")

"""Disjoint buckets turned back into a provider's own usage object (provider-semantics 1.1, 2.3)."""

from __future__ import annotations

from typing import Any

from penstock.wire.dialect import Dialect
from penstock.wire.usage import Usage


def usage_object(dialect: Dialect, usage: Usage) -> dict[str, Any]:
    """The usage object that the provider would report.

    Raises:
        ValueError: when a bucket is filled that the provider does not have.
    """
    if dialect is Dialect.ANTHROPIC_MESSAGES:
        return _anthropic(usage)
    if usage.cache_write_5m or usage.cache_write_1h:
        raise ValueError("OpenAI has no 5m or 1h cache writes")
    if dialect is Dialect.OPENAI_RESPONSES:
        return _responses(usage)
    if usage.cache_write_12h:
        raise ValueError("Chat Completions has no 12h cache writes")
    return _chat(usage)


def _anthropic(usage: Usage) -> dict[str, Any]:
    if usage.cache_write_30m or usage.cache_write_12h:
        raise ValueError("Anthropic has no 30m or 12h cache writes")
    found: dict[str, Any] = {
        "input_tokens": usage.input_uncached,
        "cache_creation_input_tokens": usage.cache_write,
        "cache_read_input_tokens": usage.cache_read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": usage.cache_write_5m,
            "ephemeral_1h_input_tokens": usage.cache_write_1h,
        },
        "output_tokens": usage.output,
    }
    if usage.output_reasoning is not None:
        found["output_tokens_details"] = {"thinking_tokens": usage.output_reasoning}
    if usage.web_searches:
        found["server_tool_use"] = {"web_search_requests": usage.web_searches, "web_fetch_requests": 0}
    return found


def _chat(usage: Usage) -> dict[str, Any]:
    details: dict[str, Any] = {"cached_tokens": usage.cache_read, "audio_tokens": 0}
    if usage.cache_write_reported:
        details["cache_write_tokens"] = usage.cache_write
    return {
        "prompt_tokens": usage.input_total,
        "completion_tokens": usage.output,
        "total_tokens": usage.input_total + usage.output,
        "prompt_tokens_details": details,
        "completion_tokens_details": {
            "reasoning_tokens": usage.output_reasoning or 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _responses(usage: Usage) -> dict[str, Any]:
    details: dict[str, Any] = {"cached_tokens": usage.cache_read}
    if usage.cache_write_reported:
        details["cache_write_tokens"] = usage.cache_write
        if usage.cache_write_12h:
            details["cache_write_tokens_details"] = {
                "ttl_30m_tokens": usage.cache_write_30m,
                "ttl_12h_tokens": usage.cache_write_12h,
            }
    return {
        "input_tokens": usage.input_total,
        "input_tokens_details": details,
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.output_reasoning or 0},
        "total_tokens": usage.input_total + usage.output,
    }

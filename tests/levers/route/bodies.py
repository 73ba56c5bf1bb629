"""Requests that use one parameter each, by dialect: what a change of model must translate or refuse."""

from __future__ import annotations

from typing import Any

Variants = dict[str, dict[str, Any]]

_TOOL = {"name": "look", "description": "d", "input_schema": {"type": "object"}}
_CHAT_TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
_RESPONSES_TOOL = {"type": "function", "name": "look", "parameters": {"type": "object"}}
MESSAGES: Variants = {
    "plain": {},
    "temperature": {"temperature": 0.5},
    "top_p": {"top_p": 0.5},
    "top_k": {"top_k": 5},
    "both": {"temperature": 0.4, "top_p": 0.9},
    "thinking on": {"max_tokens": 9000, "thinking": {"type": "enabled", "budget_tokens": 2000}},
    "adaptive": {"thinking": {"type": "adaptive"}},
    "off": {"thinking": {"type": "disabled"}},
    **{f"effort {e}": {"output_config": {"effort": e}} for e in ("low", "medium", "high", "xhigh", "max")},
    "any tool": {"tools": [_TOOL], "tool_choice": {"type": "any"}},
    "named tool": {"tools": [_TOOL], "tool_choice": {"type": "tool", "name": "look"}},
    "auto": {"tools": [_TOOL], "tool_choice": {"type": "auto"}},
    "thinking+tool": {
        "max_tokens": 9000,
        "thinking": {"type": "enabled", "budget_tokens": 2000},
        "tools": [_TOOL],
        "tool_choice": {"type": "auto"},
    },
    "adaptive+temp": {"thinking": {"type": "adaptive"}, "temperature": 1.0},
    "prefill": {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "{"}]},
    "system turn": {
        "messages": [
            {"role": "user", "content": "hi"},
            {"role": "system", "content": "x"},
            {"role": "user", "content": "y"},
        ]
    },
    "schema": {
        "output_config": {
            "format": {
                "type": "json_schema",
                "schema": {
                    "type": "object",
                    "properties": {"a": {"type": "integer"}},
                    "required": ["a"],
                    "additionalProperties": False,
                },
            }
        }
    },
    "big cap": {"max_tokens": 60000},
    "small cap": {"max_tokens": 10},
    "stop": {"stop_sequences": ["x"]},
    "meta": {"metadata": {"user_id": "u"}},
    "tier": {"service_tier": "auto"},
    "1h": {"system": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]},
    "auto cache": {"cache_control": {"type": "ephemeral"}},
    "geo": {"inference_geo": "us"},
    "speed": {"speed": "fast"},
}
_SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"], "additionalProperties": False}
CHAT: Variants = {
    "plain": {},
    "temperature": {"temperature": 0.5},
    "t1": {"temperature": 1},
    "top_p": {"top_p": 0.5},
    "presence": {"presence_penalty": 0.5},
    "frequency": {"frequency_penalty": 0.5},
    "logprobs": {"logprobs": True, "top_logprobs": 2},
    "logit_bias": {"logit_bias": {"50256": -100}},
    "max_tokens": {"max_tokens": 300},
    "mct": {"max_completion_tokens": 300},
    "big": {"max_completion_tokens": 50000},
    **{f"effort {e}": {"reasoning_effort": e} for e in ("none", "minimal", "low", "medium", "high", "xhigh", "max")},
    "verbosity": {"verbosity": "low"},
    "required": {"tools": [_CHAT_TOOL], "tool_choice": "required"},
    "named": {"tools": [_CHAT_TOOL], "tool_choice": {"type": "function", "function": {"name": "look"}}},
    "tools effort": {"tools": [_CHAT_TOOL], "reasoning_effort": "high"},
    "schema": {
        "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": _SCHEMA, "strict": True}}
    },
    "json": {"response_format": {"type": "json_object"}, "messages": [{"role": "user", "content": "json please"}]},
    "n": {"n": 2},
    "seed": {"seed": 1},
    "stop": {"stop": ["x"]},
    "key": {"prompt_cache_key": "k"},
    "retention": {"prompt_cache_retention": "24h"},
    "options": {"prompt_cache_options": {"mode": "explicit"}},
    "developer": {"messages": [{"role": "developer", "content": "a"}, {"role": "user", "content": "b"}]},
    "system": {"messages": [{"role": "system", "content": "a"}, {"role": "user", "content": "b"}]},
    "parallel": {"tools": [_CHAT_TOOL], "parallel_tool_calls": False},
    "flex": {"service_tier": "flex"},
    "prediction": {"prediction": {"type": "content", "content": "x"}},
    "store": {"store": True},
    "effort+temp": {"reasoning_effort": "none", "temperature": 0.3},
}
RESPONSES: Variants = {
    "plain": {},
    "temperature": {"temperature": 0.5},
    "top_p": {"top_p": 0.5},
    "cap": {"max_output_tokens": 300},
    "big": {"max_output_tokens": 50000},
    **{
        f"effort {e}": {"reasoning": {"effort": e}}
        for e in ("none", "minimal", "low", "medium", "high", "xhigh", "max")
    },
    "summary": {"reasoning": {"summary": "auto"}},
    "verbosity": {"text": {"verbosity": "low"}},
    "required": {"tools": [_RESPONSES_TOOL], "tool_choice": "required"},
    "named": {"tools": [_RESPONSES_TOOL], "tool_choice": {"type": "function", "name": "look"}},
    "schema": {"text": {"format": {"type": "json_schema", "name": "a", "schema": _SCHEMA, "strict": True}}},
    "logprobs": {"top_logprobs": 2},
    "retention": {"prompt_cache_retention": "24h"},
    "options": {"prompt_cache_options": {"mode": "explicit"}},
    "key": {"prompt_cache_key": "k"},
    "truncation": {"truncation": "auto"},
    "enc": {"include": ["reasoning.encrypted_content"], "store": False},
}

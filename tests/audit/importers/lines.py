"""Synthetic log lines: every value is invented."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from penstock.audit.importers.record import Record, parse_record
from penstock.audit.lines import Line


def record(fields: dict[str, Any] | bytes, number: int = 1, name: str = "log.jsonl") -> Record:
    data = fields if isinstance(fields, bytes) else json.dumps(fields).encode()
    parsed = parse_record(Line(data, number, Path(name)))
    assert isinstance(parsed, Record)
    return parsed


def chat_request(**more: Any) -> dict[str, Any]:
    return {"model": "gpt-5.4-mini", "messages": [{"role": "user", "content": "hi"}], **more}


def chat_response(**more: Any) -> dict[str, Any]:
    usage = {"prompt_tokens": 1500, "completion_tokens": 20, "total_tokens": 1520}
    usage["prompt_tokens_details"] = {"cached_tokens": 1280}  # type: ignore[assignment]
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1790845200,
        "model": "gpt-5.4-mini-2026",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}],
        "usage": usage,
        **more,
    }


def claude_request(**more: Any) -> dict[str, Any]:
    return {"model": "claude-opus-5", "max_tokens": 64, "messages": [{"role": "user", "content": "hi"}], **more}


def claude_response(**more: Any) -> dict[str, Any]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-opus-5",
        "content": [{"type": "text", "text": "spam"}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 14, "cache_read_input_tokens": 2048, "output_tokens": 3},
        **more,
    }

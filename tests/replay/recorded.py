"""Recorded calls made by hand, billed by the cache rules themselves."""

from __future__ import annotations

import json
from typing import Any

from penstock.wire.dialect import Dialect
from penstock.wire.recorded import RecordedCall
from penstock.wire.usage import Usage
from penstock.wire.usage_to import usage_object

MODEL = "claude-opus-5-5"
START = 1_795_305_600.0
STANDING = "Read the mail and answer with one label. " * 200
STANDING_TOKENS = 2600


def call(
    number: int,
    *,
    at: float,
    usage: Usage | None,
    system: Any = STANDING,
    model: str = MODEL,
    max_tokens: int = 4096,
    status: int | None = 200,
    text: str = '{"label": "billing"}',
) -> RecordedCall:
    request = {
        "model": model,
        "max_tokens": max_tokens,
        "system": system,
        "messages": [{"role": "user", "content": f"Mail number {number}"}],
    }
    response: dict[str, Any] = {
        "id": f"msg_{number}",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn",
    }
    if usage is not None:
        response["usage"] = usage_object(Dialect.ANTHROPIC_MESSAGES, usage)
    return RecordedCall(
        ts=START + at,
        dialect=Dialect.ANTHROPIC_MESSAGES,
        model=model,
        request=json.dumps(request).encode(),
        response=json.dumps(response).encode(),
        usage=usage,
        status=status,
        ttft_ms=500.0,
        latency_ms=2000.0,
        tags={"task": "triage"},
        session=f"s-{number}",
    )


def plain(number: int, *, at: float, output: int = 12, **rest: Any) -> RecordedCall:
    """A call without markers: every prompt token at the plain price."""
    return call(number, at=at, usage=Usage(input_uncached=STANDING_TOKENS + 10, output=output), **rest)

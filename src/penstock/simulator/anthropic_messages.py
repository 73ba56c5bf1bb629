"""The body of a Messages answer (provider-semantics 1.1, 1.6, 1.10)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from penstock.simulator.finished import Finished
from penstock.simulator.signatures import sign
from penstock.wire.dialect import Dialect
from penstock.wire.usage_to import usage_object

_STOP = {
    "stop": "end_turn",
    "stop_sequence": "stop_sequence",
    "length": "max_tokens",
    "window": "model_context_window_exceeded",
    "tool_use": "tool_use",
    "refusal": "refusal",
}
_THOUGHT = "Simulated reasoning."


def body_of(call: Finished) -> dict[str, Any]:
    """The plain response body."""
    answered = call.answered
    body: dict[str, Any] = {
        "id": call.id,
        "type": "message",
        "role": "assistant",
        "model": call.model,
        "content": _content(call),
        "stop_reason": _STOP[answered.finish],
        "stop_sequence": answered.stop_sequence,
        "stop_details": {"type": "refusal", "category": None, "explanation": None}
        if answered.finish == "refusal"
        else None,
        "container": None,
        "usage": _usage(call),
    }
    if call.request.get("diagnostics") is not None:
        body["diagnostics"] = call.diagnostics
    return body


def _content(call: Finished) -> list[dict[str, Any]]:
    answered = call.answered
    blocks: list[dict[str, Any]] = []
    if answered.reasoning_tokens:
        thinking = call.request.get("thinking")
        display = thinking.get("display") if isinstance(thinking, Mapping) else None
        omitted = display == "omitted" or (display is None and call.profile.always_thinks)
        thought = "" if omitted else _THOUGHT
        blocks.append({"type": "thinking", "thinking": thought, "signature": sign(thought)})
    if answered.text:
        blocks.append({"type": "text", "text": answered.text})
    blocks += [
        {
            "type": "tool_use",
            "id": call.ids.next("toolu_"),
            "name": each.name,
            "input": msgspec.json.decode(each.arguments),
        }
        for each in answered.tool_calls
    ]
    return blocks


def _usage(call: Finished) -> dict[str, Any]:
    usage = usage_object(Dialect.ANTHROPIC_MESSAGES, call.usage)
    usage["service_tier"] = call.tier
    geo = call.request.get("inference_geo")
    usage["inference_geo"] = geo if isinstance(geo, str) else "global"
    if call.request.get("speed") is not None:
        usage["speed"] = call.request["speed"]
    if call.request.get("max_tokens") == 0:
        usage["iterations"] = [{"type": "message", **{key: value for key, value in usage.items() if "tokens" in key}}]
    return usage

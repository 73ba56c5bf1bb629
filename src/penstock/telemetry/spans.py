"""A finished call as a span of OpenTelemetry's GenAI conventions, in OTLP's JSON encoding.

The spans are made from the ledger's records, so they hold what those hold: names, counts, money, times. No prompt text,
no header values, no keys, no tags.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import Any

from penstock.engine.record import Call
from penstock.money import PICO_PER_USD
from penstock.telemetry import names

CLIENT = 3
"""OTLP's number of the span kind."""

ERROR = 2
"""OTLP's number of the status."""

_NANOS = 1_000_000_000
_TRACEPARENT = re.compile(r"^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$")
_NOTHING = re.compile(r"^0+$")

Json = dict[str, Any]


class Parent:
    """The caller's span, from its ``traceparent`` header (W3C Trace Context).

    Attributes:
        trace_id: 32 hexadecimal digits.
        span_id: 16 hexadecimal digits.
        sampled: whether the caller records this trace.
    """

    __slots__ = ("sampled", "span_id", "trace_id")

    def __init__(self, trace_id: str, span_id: str, *, sampled: bool) -> None:
        self.trace_id = trace_id
        self.span_id = span_id
        self.sampled = sampled


def parent_of(header: str | None) -> Parent | None:
    """The parent that a ``traceparent`` header names; None for none, or for one that is not valid."""
    found = _TRACEPARENT.match(header.strip().lower()) if header else None
    if found is None or header is None or header.strip().startswith("ff"):
        return None
    trace_id, span_id, flags = found.groups()
    if _NOTHING.match(trace_id) or _NOTHING.match(span_id):
        return None
    return Parent(trace_id, span_id, sampled=bool(int(flags, 16) & 1))


def span_of(call: Call, parent: Parent | None = None) -> Json:
    """The span of a call.

    Without a parent the calls of one pipeline (``call.trace``) share a trace, and other calls have one of their own.
    """
    began = int(call.started_at * _NANOS)
    took = 0 if call.latency_ms is None else int(call.latency_ms * 1_000_000)
    span: Json = {
        "traceId": parent.trace_id if parent is not None else _digest(call.trace or call.id, 16),
        "spanId": _digest(call.id, 8),
        "name": f"{call.operation} {call.model_asked}".strip(),
        "kind": CLIENT,
        "startTimeUnixNano": str(began),
        "endTimeUnixNano": str(began + max(0, took)),
        "attributes": [_attribute(name, value) for name, value in _attributes(call).items() if value is not None],
    }
    if parent is not None:
        span["parentSpanId"] = parent.span_id
    if call.error_kind is not None:
        span["status"] = {"code": ERROR, "message": call.error_kind}
    return span


def _attributes(call: Call) -> dict[str, Any]:
    found: dict[str, Any] = {
        names.OPERATION: call.operation,
        names.PROVIDER: call.provider,
        names.REQUEST_MODEL: call.model_asked or None,
        names.RESPONSE_MODEL: call.model_sent or None,
        names.REQUEST_STREAM: call.stream,
        names.RESPONSE_ID: call.response_id,
        names.FINISH_REASONS: [call.finish] if call.finish is not None else None,
        names.CONVERSATION: call.session,
        names.ERROR_TYPE: call.error_kind,
        names.STATUS: call.status,
        names.CALL_ID: call.id,
        names.TASK: call.task,
        names.TRACE: call.trace,
        names.ARM: call.arm,
        names.EDITS: [edit.lever for edit in call.edits] or None,
        names.EXTRA_SENDS: len(call.extra_sends) or None,
        names.COST: _dollars(call.cost_all),
        names.SAVED: _dollars(call.saved),
    }
    if call.stream and call.ttft_ms is not None:
        found[names.FIRST_CHUNK] = call.ttft_ms / 1000
    usage = call.usage
    if usage is not None:
        found[names.INPUT_TOKENS] = usage.input_total
        found[names.OUTPUT_TOKENS] = usage.output
        found[names.CACHE_READ_TOKENS] = usage.cache_read or None
        found[names.CACHE_WRITE_TOKENS] = usage.cache_write or None
        found[names.REASONING_TOKENS] = usage.output_reasoning
        found[names.USAGE_BASIS] = usage.basis.value
    return found


def _attribute(name: str, value: Any) -> Json:
    return {"key": name, "value": _value(value)}


def _value(value: Any) -> Json:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, list):
        return {"arrayValue": {"values": [_value(item) for item in value]}}
    return {"stringValue": str(value)}


def _dollars(amount: int | None) -> float | None:
    return None if amount is None else amount / PICO_PER_USD


def _digest(text: str, size: int) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=size).hexdigest()

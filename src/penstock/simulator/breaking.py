"""Faults put on a call: refusals before the model runs, and damage done to an answer that is otherwise right."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from penstock.simulator.errors import ApiError
from penstock.simulator.faults import STATUS_KINDS, STREAM_KINDS, Fault
from penstock.simulator.response import Response

_MESSAGES = {
    "400": "The simulator was told to refuse this request.",
    "401": "The simulator was told to refuse this key.",
    "404": "The simulator was told not to find this.",
    "408": "Request timeout.",
    "409": "The simulator was told to report a conflict.",
    "413": "Request exceeds the maximum size.",
    "429": "Rate limit reached. The simulator was told to say so.",
    "500": "Internal server error.",
    "503": "The service is overloaded. Slow down.",
    "504": "The request timed out.",
    "529": "Overloaded",
}


def refusal(faults: Iterable[Fault], provider: str) -> ApiError | None:
    """The refusal that a call's faults ask for, or None."""
    for fault in faults:
        if fault.kind == "spend-limit":
            return _spend_limit(provider)
        if fault.kind in STATUS_KINDS:
            status = int(fault.kind[:3])
            headers: tuple[tuple[str, str], ...] = ()
            if fault.kind == "429":
                headers = (("retry-after", f"{1 if fault.value is None else fault.value:g}"),)
            message = _MESSAGES.get(fault.kind[:3], "The simulator was told to fail.")
            return ApiError(status, None, message, headers=headers)
    return None


def damage(response: Response, faults: Iterable[Fault], provider: str) -> Response:
    """The response after its faults; the same object, changed."""
    for fault in faults:
        if fault.kind == "slow-first-byte":
            response.wall_first_byte_s += fault.value or 0
        elif fault.kind == "slow-stream":
            response.wall_gap_s += fault.value or 0
        elif fault.kind == "no-usage":
            response.chunks = tuple(_without_usage(chunk, stream=response.stream) for chunk in response.chunks)
        elif fault.kind == "close-before-response":
            response.ending = "close"
        elif fault.kind == "garbage":
            response.ending = "garbage"
        elif fault.kind in STREAM_KINDS:
            if response.stream:
                _damage_stream(response, fault, provider)
            else:
                _damage_body(response, fault)
    return response


def _damage_stream(response: Response, fault: Fault, provider: str) -> None:
    after = int(fault.value or 0)
    head, tail = response.chunks[:after], response.chunks[after:]
    if fault.kind == "cut-stream":
        response.chunks, response.ending = head, "cut"
    elif fault.kind == "end-stream":
        response.chunks = head
    elif fault.kind == "error-event":
        response.chunks = (*head, _error_event(provider, response.path))
    elif fault.kind == "malformed-chunk":
        broken = tail[0] if tail else b'data: {"type":"lost"}\n\n'
        response.chunks = (*head, broken[: len(broken) * 2 // 3].rstrip(b"\n") + b"\n\n", *tail[1:])
    else:
        name = "event: simulator.unknown\n" if provider == "anthropic" or "responses" in response.path else ""
        data = '{"type":"simulator.unknown","choices":[]}' if name else '{"object":"simulator.unknown","choices":[]}'
        response.chunks = (*head, f"{name}data: {data}\n\n".encode(), *tail)


def _damage_body(response: Response, fault: Fault) -> None:
    """A plain body has one piece: a cut breaks off in it, a malformed chunk makes it half a JSON object."""
    body = response.body
    if fault.kind in ("cut-stream", "end-stream"):
        response.chunks, response.ending = (body[: len(body) // 2],), "cut"
    elif fault.kind == "malformed-chunk":
        response.chunks = (body[: len(body) // 2],)


def _error_event(provider: str, path: str) -> bytes:
    if provider == "anthropic":
        data = b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'
        return b"event: error\ndata: " + data + b"\n\n"
    if "responses" in path:
        data = b'{"type":"error","code":"server_error","message":"The server had an error.","param":null,'
        return b"event: error\ndata: " + data + b'"sequence_number":999}\n\n'
    return b'data: {"error":{"message":"The server had an error.","type":"server_error","param":null,"code":null}}\n\n'


def _without_usage(chunk: bytes, *, stream: bool) -> bytes:
    if not stream:
        body = msgspec.json.decode(chunk)
        _strip(body)
        return msgspec.json.encode(body)
    if b'"usage"' not in chunk:
        return chunk
    head, separator, data = chunk.partition(b"data: ")
    body = msgspec.json.decode(data.strip())
    if isinstance(body, dict) and body.get("choices") == [] and body.get("usage") is not None:
        return b""  # the extra chunk of include_usage never comes
    _strip(body)
    return head + separator + msgspec.json.encode(body) + b"\n\n"


def _strip(body: Any) -> None:
    if isinstance(body, dict):
        body.pop("usage", None)
        for inner in ("message", "response"):
            _strip(body.get(inner))


def _spend_limit(provider: str) -> ApiError:
    if provider == "anthropic":
        return ApiError(
            429,
            "rate_limit_error",
            "You have reached your organization's spend limit.",
            code="enforced_spend_limit_reached",
        )
    return ApiError(
        429,
        "insufficient_quota",
        "You exceeded your current quota, please check your plan and billing details.",
        code="insufficient_quota",
    )

"""Full traffic as JSON lines: the native log that audit and replay read (log-formats, section 15).

It holds prompts and answers, so it is written only when asked for. Keys and headers are never in it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import msgspec

from penstock.engine.record import Call
from penstock.errors import InputError, InternalError
from penstock.wire.dialect import Dialect

OWNER_ONLY = 0o600


class Exchanged(msgspec.Struct, frozen=True, kw_only=True):
    """One call's traffic, as the client sent it and as the client was answered.

    Attributes:
        ts: when the request started, seconds since the epoch.
        dialect: the API.
        model: the model that answered, else the one asked for.
        request: the body as the client sent it.
        response: the body of the answer; a stream folded into one.
        status: HTTP status, or None when no answer came.
        latency_ms: from the request to the last byte.
        ttft_ms: from the request to the first byte.
        tags: free labels, ``task`` among them.
        session: conversation key, or None.
        stream: whether the answer was streamed.
        complete: False for a stream that was cut.
        call_id: of the call in the ledger.
    """

    ts: float
    dialect: Dialect
    model: str
    request: bytes
    response: bytes | None
    status: int | None
    latency_ms: float | None
    ttft_ms: float | None
    tags: dict[str, str]
    session: str | None
    stream: bool
    complete: bool
    call_id: str


class Line(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A line of the native log; a member that has its default is left out.

    Attributes:
        ts: when the request started, seconds since the epoch.
        provider: ``anthropic`` or ``openai``.
        api: the dialect of the bodies.
        model: the model that answered, else the one asked for.
        request: the body as the client sent it, untouched; null when it was no JSON.
        response: the body of the answer, a stream folded into one; null when it was no JSON or none came.
        status: HTTP status.
        latency_ms: from the request to the last byte.
        ttft_ms: from the request to the first byte.
        tags: free labels, ``task`` among them.
        session: conversation key.
        stream: whether the answer was streamed.
        complete: false for a stream that was cut.
        call_id: of the call in the ledger.
    """

    ts: float
    provider: str
    api: str
    model: str
    request: msgspec.Raw | None
    response: msgspec.Raw | None
    status: int | None = None
    latency_ms: float | None = None
    ttft_ms: float | None = None
    tags: dict[str, str] = {}
    session: str | None = None
    stream: bool = False
    complete: bool = True
    call_id: str = ""


def exchanged_of(call: Call, *, task: str | None, request: bytes, response: bytes | None) -> Exchanged:
    """The traffic of a finished call.

    Args:
        call: its record.
        task: the caller's own label, which becomes the tag ``task``; a fingerprint of ours does not.
        request: the body as the client sent it.
        response: the body of the answer, or None.
    """
    if call.dialect is None:
        raise InternalError("traffic is kept of planned calls only")
    return Exchanged(
        ts=call.started_at,
        dialect=call.dialect,
        model=call.model_sent or call.model_asked,
        request=request,
        response=response,
        status=call.status,
        latency_ms=call.latency_ms,
        ttft_ms=call.ttft_ms,
        tags={**call.tags, "task": task} if task is not None else dict(call.tags),
        session=call.session,
        stream=call.stream,
        complete=call.error_kind is None,
        call_id=call.id,
    )


_encode = msgspec.json.Encoder().encode


def line_of(exchanged: Exchanged) -> bytes:
    """The log line of a call, with its line feed. A body that is no JSON is null."""
    return (
        _encode(
            Line(
                ts=exchanged.ts,
                provider=exchanged.dialect.provider,
                api=exchanged.dialect.value,
                model=exchanged.model,
                request=_one_line(exchanged.request),
                response=_one_line(exchanged.response),
                status=exchanged.status,
                latency_ms=exchanged.latency_ms,
                ttft_ms=exchanged.ttft_ms,
                tags=exchanged.tags,
                session=exchanged.session,
                stream=exchanged.stream,
                complete=exchanged.complete,
                call_id=exchanged.call_id,
            )
        )
        + b"\n"
    )


def _one_line(body: bytes | None) -> msgspec.Raw | None:
    """A JSON body without line breaks; inside JSON they are only ever white space between tokens."""
    if body is None:
        return None
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
        body.decode()
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    if b"\n" in body or b"\r" in body:
        body = body.replace(b"\n", b" ").replace(b"\r", b" ")
    return msgspec.Raw(body)


class TrafficLog:
    """An append-only file of native lines, readable by its owner only.

    Raises:
        InputError: the file cannot be opened.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = str(path)
        try:
            self._file: IO[bytes] = os.fdopen(
                os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, OWNER_ONLY), "ab", buffering=0
            )
        except OSError as error:
            raise InputError(
                f"cannot write {self.path}: {error.strerror}", hint="give a file that can be written"
            ) from None

    def append(self, exchanged: Sequence[Exchanged]) -> None:
        """Write calls, all or none; InternalError when the disk does not take them."""
        data = b"".join(line_of(call) for call in exchanged)
        start = self._file.tell()
        try:
            written = 0
            while written < len(data):
                written += self._file.write(data[written:]) or 0
        except OSError as error:
            self._file.truncate(start)
            raise InternalError(
                f"the traffic log cannot be written: {error.strerror}", hint="is the disk full?"
            ) from error

    def close(self) -> None:
        """Close the file."""
        self._file.close()

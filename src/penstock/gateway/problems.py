"""Errors of ours and of the way upstream, in the shape of the provider that the caller believes to speak to."""

from __future__ import annotations

import math

import msgspec

from penstock.errors import UpstreamClosed, UpstreamError, UpstreamLeftAlone, UpstreamTimeout, UpstreamUnreachable
from penstock.gateway.headers import Lines
from penstock.wire.errors import error_body

_OPEN = "the provider may have worked on the request and bill it: the ledger keeps its cost as unknown"
"""Of a request that went out and whose answer did not come."""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that does not come from the provider.

    Attributes:
        status: HTTP status.
        message: for people; no prompt text, no keys.
        hint: what the reader can do about it, or None.
        kind: ``error.type``, or None for the usual one of the status.
        code: a machine-readable code.
        retry_after: seconds, or None.
        retry: whether an SDK should try again by itself; None leaves it to the status.
    """

    status: int
    message: str
    hint: str | None = None
    kind: str | None = None
    code: str | None = None
    retry_after: int | None = None
    retry: bool | None = None


def answer_of(problem: Problem, provider: str, call_id: str) -> tuple[Lines, bytes]:
    """Headers and body of a problem."""
    message = f"Penstock: {problem.message}"
    if problem.hint is not None:
        message += f"; hint: {problem.hint}"
    body = error_body(provider, problem.status, problem.kind, message, call_id, code=problem.code)
    identity = call_id.encode("ascii")
    lines: Lines = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"request-id" if provider == "anthropic" else b"x-request-id", identity),
        (b"x-penstock-call-id", identity),
        (b"x-penstock-error", (problem.code or "penstock").encode("ascii")),
    ]
    if problem.retry_after is not None:
        lines.append((b"retry-after", b"%d" % problem.retry_after))
    if problem.retry is not None:
        lines.append((b"x-should-retry", b"true" if problem.retry else b"false"))
    return lines, body


def unreachable(error: UpstreamError) -> Problem:
    """The problem of a provider that gave no answer."""
    if isinstance(error, UpstreamTimeout):
        return Problem(status=504, message=str(error), hint=error.hint or _OPEN, code="upstream_timeout")
    if isinstance(error, UpstreamLeftAlone):
        wait = max(1, math.ceil(error.retry_after))
        return Problem(status=503, message=str(error), hint=error.hint, code="upstream_left_alone", retry_after=wait)
    code = "upstream_unreachable" if isinstance(error, UpstreamUnreachable) else "upstream_protocol"
    return Problem(status=502, message=str(error), hint=error.hint or _OPEN, code=code)


def error_kind(error: UpstreamError) -> str:
    """The short name of such an error in a call's record."""
    if isinstance(error, UpstreamTimeout):
        return "timeout"
    if isinstance(error, UpstreamClosed):
        return "closed_by_provider"
    return "connect" if isinstance(error, UpstreamUnreachable) else "upstream_protocol"


def too_large(limit: int) -> Problem:
    """A body beyond the limit."""
    return Problem(
        status=413, message=f"the request body is larger than {limit} bytes", code="request_too_large", retry=False
    )


def no_room(retry_after: int) -> Problem:
    """No room in the provider's limits in time."""
    return Problem(
        status=429,
        message="no room in the provider's rate limits",
        hint="come back after retry-after, ask the provider for higher limits, or raise [resilience] queue and queue_s",
        code="rate_limit_exceeded",
        retry_after=retry_after,
    )


def unreadable() -> Problem:
    """A body whose content-encoding we cannot read, where limits need it read."""
    return Problem(
        status=415,
        message="this content-encoding cannot be read, and the key or a budget needs the body read",
        hint="send it plain, or with gzip or deflate",
        code="unsupported_content_encoding",
        retry=False,
    )


def path_not_allowed() -> Problem:
    """A key with limits on a path where they cannot be kept."""
    return Problem(
        status=403,
        message="this key may not be used for that path",
        hint="the policy's keys.NAME.paths lists the paths of a key with limits",
        code="path_not_allowed",
        retry=False,
    )

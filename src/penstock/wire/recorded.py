"""One recorded call: the neutral line of the native log (log-formats section 15), as every importer yields it."""

from __future__ import annotations

import msgspec

from penstock.wire.dialect import Dialect
from penstock.wire.usage import Usage


class RecordedCall(msgspec.Struct, kw_only=True):
    """A call as some log kept it. What the log did not keep is None, never a default.

    Attributes:
        ts: when the request started, seconds since the epoch.
        dialect: the API that was called; None when the log does not say and the body does not show it.
        model: the model that answered, else the one asked for; empty when the log names none.
        request: the untouched request body.
        response: the untouched response body (a stream folded into one body), or None.
        usage: disjoint buckets, or None when the call reported none.
        status: HTTP status, or None.
        latency_ms: from request start to the last byte.
        ttft_ms: from request start to the first byte of the answer.
        tags: free labels; ``task`` is the one that we read.
        session: conversation or session key.
        user: the end user's key.
        response_id: the provider's id of the answer, for de-duplication.
        reported_cost_usd: what the logger said that the call cost, as a decimal string; never overwritten by ours.
        batch: whether it was sent by a batch API.
        stream: whether the answer was streamed.
        source: file and line, for messages (``calls.jsonl:12``).
    """

    ts: float | None
    dialect: Dialect | None
    model: str
    request: bytes | None = None
    response: bytes | None = None
    usage: Usage | None = None
    status: int | None = None
    latency_ms: float | None = None
    ttft_ms: float | None = None
    tags: dict[str, str] = {}
    session: str | None = None
    user: str | None = None
    response_id: str | None = None
    reported_cost_usd: str | None = None
    batch: bool = False
    stream: bool = False
    source: str = ""

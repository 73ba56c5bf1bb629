"""A request as it reached a driver."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from penstock.wire.dialect import Dialect


class Incoming(msgspec.Struct, frozen=True, kw_only=True):
    """What a driver knows about a request, beside its headers, which it keeps.

    Attributes:
        call_id: ours, unique.
        dialect: the API.
        raw: the body.
        task: the caller's label, or None.
        session: conversation key, or None.
        trace: pipeline key, or None.
        tags: free labels.
        bypass: the caller turned us off for this call.
        started_at: when it reached us, seconds since the epoch.
        streamed_to_caller: whether the caller sees the answer while it arrives; None for what the body asks for.
        hides_diagnosis: whether the driver takes cache diagnostics that we asked for out of the answer that it shows;
            else none are asked for.
    """

    call_id: str
    dialect: Dialect
    raw: bytes
    task: str | None = None
    session: str | None = None
    trace: str | None = None
    tags: Mapping[str, str] = {}
    bypass: bool = False
    started_at: float
    streamed_to_caller: bool | None = False
    hides_diagnosis: bool = False

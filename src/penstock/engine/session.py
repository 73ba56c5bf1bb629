"""The record of a session on a WebSocket: what passes through it is not read, so its cost is unknown."""

from __future__ import annotations

from penstock.engine.naming import UNLABELLED
from penstock.engine.record import Call
from penstock.models.prices import TABLE_VERSION
from penstock.money import Picodollars
from penstock.wire.usage import Basis

OPERATION = "websocket"


def session_call(
    *,
    call_id: str,
    started_at: float,
    ended_at: float,
    provider: str,
    model: str,
    status: int | None,
    opened_at: float | None = None,
    error_kind: str | None = None,
    task: str | None = None,
    session: str | None = None,
    trace: str | None = None,
    tags: dict[str, str] | None = None,
) -> Call:
    """The record, whose latency is the time that the session lasted.

    Args:
        call_id: ours.
        started_at: when the request for it came, seconds since the epoch.
        ended_at: when it was over.
        provider: with whom.
        model: that the request names, or empty.
        status: 101 for a session; any other answer was a refusal and cost nothing; None when none came.
        opened_at: when the provider agreed, or None.
        error_kind: a short name of what went wrong, or None.
        task: the caller's label, or None; and the next three likewise.
        session: conversation key.
        trace: pipeline key.
        tags: free labels.
    """
    cost = None if opened_at is not None else Picodollars(0)
    return Call(
        id=call_id,
        started_at=started_at,
        task=task or UNLABELLED,
        session=session,
        trace=trace,
        tags=tags or {},
        arm="bypass",
        provider=provider,
        dialect=None,
        operation=OPERATION,
        model_asked=model,
        model_sent=model,
        stream=True,
        status=status,
        error_kind=error_kind,
        usage=None,
        cost=cost,
        basis=Basis.DERIVED,
        cost_before=cost,
        basis_before=Basis.PROVIDER,
        latency_ms=(ended_at - started_at) * 1000,
        ttft_ms=None if opened_at is None else (opened_at - started_at) * 1000,
        price_table=TABLE_VERSION,
    )

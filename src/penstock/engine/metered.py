"""The record of a call that is metered and never planned (``wire.metered``)."""

from __future__ import annotations

from datetime import UTC, datetime

from penstock.engine.attempt import NEVER_SENT
from penstock.engine.naming import UNLABELLED
from penstock.engine.record import Call
from penstock.engine.simulated import tags_with_mark
from penstock.engine.steps import Sent
from penstock.models.embeddings import embedding_cost
from penstock.models.prices import TABLE_VERSION
from penstock.money import Picodollars
from penstock.wire.metered import Metered, read_metered
from penstock.wire.usage import Basis, Usage


def metered_call(
    kind: Metered,
    sent: Sent,
    *,
    call_id: str,
    started_at: float,
    model: str,
    request_bytes: int,
    task: str | None = None,
    session: str | None = None,
    trace: str | None = None,
    tags: dict[str, str] | None = None,
) -> Call:
    """The record.

    Args:
        kind: the endpoint.
        sent: how the request went; its ``body`` is the plain answer, or None when it cannot be read.
        call_id: ours.
        started_at: when the request reached us, seconds since the epoch.
        model: that the request names, empty when it could not be read.
        request_bytes: of the body, as it came.
        task: the caller's label, or None; and the next three likewise.
        session: conversation key.
        trace: pipeline key.
        tags: free labels.
    """
    answered, usage = "", None
    cost: Picodollars | None = None
    if sent.accepted:
        if sent.body is not None or kind.free:
            answered, usage = read_metered(kind, sent.body or b"")
        cost = _cost(kind, answered or model, usage, started_at)
    elif sent.status is not None or sent.error_kind in NEVER_SENT:
        cost = Picodollars(0)  # what was refused or reached nobody bills nothing
    return Call(
        id=call_id,
        started_at=started_at,
        task=task or UNLABELLED,
        session=session,
        trace=trace,
        tags=tags_with_mark(tags or {}, simulated=sent.simulated),
        arm="bypass",
        provider=kind.provider,
        dialect=None,
        operation=kind.operation,
        model_asked=model,
        model_sent=model,
        status=sent.status,
        error_kind=sent.error_kind,
        usage=usage,
        cost=cost,
        basis=usage.basis if usage is not None else Basis.DERIVED,
        cost_before=cost,
        basis_before=Basis.PROVIDER,
        latency_ms=(sent.ended_at - started_at) * 1000,
        ttft_ms=None if sent.first_byte_at is None else (sent.first_byte_at - started_at) * 1000,
        request_bytes=request_bytes,
        price_table=TABLE_VERSION,
    )


def most_it_embeds(model: str, request_bytes: int, at: float) -> int:
    """An upper estimate of an embedding's price in picodollars, for a reservation; 0 when its price is unknown.

    A token is at least one byte of the request.
    """
    price = embedding_cost(model, request_bytes, datetime.fromtimestamp(at, UTC))
    return price if isinstance(price, int) else 0


def _cost(kind: Metered, model: str, usage: Usage | None, at: float) -> Picodollars | None:
    if kind.free:
        return Picodollars(0)
    if usage is None:
        return None
    price = embedding_cost(model, usage.input_total, datetime.fromtimestamp(at, UTC))
    return price if isinstance(price, int) else None

"""The record of a finished call: what it cost, and what it would have cost."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.engine.again import Again
from penstock.engine.attempt import Attempt
from penstock.engine.edit import Edit
from penstock.engine.holdback import Arm
from penstock.engine.incoming import Incoming
from penstock.engine.metering import wants_stream
from penstock.engine.plan import Plan
from penstock.engine.record import Call, EditRecord, ExtraSend
from penstock.engine.simulated import tags_with_mark
from penstock.models.prices import TABLE_VERSION
from penstock.models.tiers import Tier
from penstock.money import Picodollars
from penstock.unknown import Unknown
from penstock.wire.usage import Basis, Usage


def record_of(
    request: Incoming,
    plan: Plan | None,
    attempt: Attempt,
    spent: Sequence[tuple[Attempt, Again]],
    *,
    task: str,
    arm: Arm,
    before: tuple[Picodollars | None, Basis],
    predicted: Usage | None,
) -> Call:
    """The record of a call.

    Args:
        request: as it came.
        plan: None when the body could not be read.
        attempt: the one whose answer the caller got.
        spent: the others, with why they were not the answer.
        task: the task that it was counted under.
        arm: which arm it was sent in.
        before: what the client's request would have cost, and the basis of that.
        predicted: the prompt's split as the cache model foresaw it.
    """
    sent, answer = attempt.sent, attempt.answer
    segments = plan.view.segments if plan is not None else ()
    return Call(
        id=request.call_id,
        started_at=request.started_at,
        task=task,
        session=request.session,
        trace=request.trace,
        tags=tags_with_mark(request.tags, simulated=sent.simulated),
        arm=arm,
        provider=request.dialect.provider,
        dialect=request.dialect,
        model_asked=plan.view.model if plan is not None else attempt.send.model,
        model_sent=attempt.send.model,
        stream=wants_stream(request.raw) if request.streamed_to_caller is None else request.streamed_to_caller,
        status=sent.status,
        error_kind=sent.error_kind or ("unreadable_answer" if attempt.unreadable else None),
        usage=attempt.usage,
        tier=tier_label(attempt.tier),
        cost=attempt.cost,
        basis=attempt.usage.basis if attempt.usage is not None else Basis.DERIVED,
        cost_before=before[0],
        basis_before=before[1],
        edits=tuple(edit_record(edit) for edit in plan.edits) if plan is not None else (),
        notes=plan.notes if plan is not None else (),
        predicted=predicted,
        finish=answer.finish if answer is not None else None,
        latency_ms=(sent.ended_at - request.started_at) * 1000,
        ttft_ms=None if sent.first_byte_at is None else (sent.first_byte_at - request.started_at) * 1000,
        request_bytes=len(request.raw),
        prompt=segments[-1].prefix.hex() if segments else "",
        response_id=(answer.response_id or None) if answer is not None else None,
        extra_sends=tuple(extra_send(other, again) for other, again in spent),
        failures=tuple(f"{one.lever}: {one.error}" for one in plan.failures) if plan is not None else (),
        price_table=TABLE_VERSION,
    )


def edit_record(edit: Edit) -> EditRecord:
    """An edit as the ledger keeps it."""
    saving = None if isinstance(edit.saving, Unknown) else edit.saving
    return EditRecord(lever=edit.lever, why=edit.why, saving=saving, risk=edit.risk)


def extra_send(attempt: Attempt, again: Again) -> ExtraSend:
    """An attempt whose answer was not shown."""
    return ExtraSend(
        purpose=again.fate,
        model=attempt.send.model,
        reason=again.reason,
        status=attempt.sent.status,
        usage=attempt.usage,
        cost=attempt.cost,
    )


def tier_label(tier: Tier) -> str:
    """``standard``, ``batch``, ``flex``, ``fast``; with ``/us`` for a region."""
    return tier.processing if tier.geo is None else f"{tier.processing}/{tier.geo}"

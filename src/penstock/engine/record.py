"""The record of one call: what was asked, sent, answered and paid. No prompt text, no header values, no keys."""

from __future__ import annotations

import msgspec

from penstock.engine.edit import Note, Risk
from penstock.engine.holdback import Arm
from penstock.money import Picodollars
from penstock.wire.diagnostics import Diagnosis
from penstock.wire.dialect import Dialect
from penstock.wire.usage import Basis, Usage


class EditRecord(msgspec.Struct, frozen=True, kw_only=True):
    """An edit as the ledger keeps it.

    Attributes:
        lever: which lever proposed it.
        why: its reason, one line.
        saving: expected, in picodollars; None when unknown.
        risk: exact, equivalent or lossy.
    """

    lever: str
    why: str
    saving: Picodollars | None
    risk: Risk


class ExtraSend(msgspec.Struct, frozen=True, kw_only=True):
    """A request beyond the one whose answer the caller got; its cost is booked against the savings.

    Attributes:
        purpose: ``rejected`` (an answer that a verifier turned down), ``truncated`` (cut at a cap of ours and asked
            again), ``shadow``, ``judge``, ``summary``, ``prewarm`` and ``keep_alive`` (requests that fill a cache entry
            or renew it).
        model: the model it was sent to.
        reason: why it was not the answer, or why it was sent; one clause.
        status: HTTP status, or None when no answer came.
        usage: what it used, or None when not reported.
        cost: in picodollars, or None when unknown.
    """

    purpose: str
    model: str
    reason: str
    status: int | None
    usage: Usage | None
    cost: Picodollars | None


class Call(msgspec.Struct, kw_only=True):
    """One call through Penstock.

    Attributes:
        id: ours; also the ``x-penstock-call-id`` header.
        started_at: seconds since the epoch, when the request reached us.
        task: label or fingerprint.
        session: conversation key, or None.
        trace: pipeline key, or None.
        tags: free labels.
        arm: treated, holdback, observe or bypass.
        provider: ``anthropic`` or ``openai``.
        dialect: the API; None for an endpoint that is only metered.
        operation: ``chat``, ``embeddings`` or ``count_tokens``, as OpenTelemetry names it, or ``websocket``.
        model_asked: as the client named it.
        model_sent: of the request whose answer the caller got.
        stream: whether the answer was streamed.
        status: HTTP status of that answer, or None when none came.
        error_kind: a short name of what went wrong, or None.
        usage: of that answer, or None when not reported.
        tier: price tier label (``standard``, ``batch``, ``flex``, ``fast``, with ``/us`` for a surcharged region).
        cost: of that answer in picodollars, or None when unknown.
        basis: where ``cost`` comes from.
        cost_before: what the same call would have cost as the client sent it, with the caching that it already had;
            None when unknown (T18).
        basis_before: where ``cost_before`` comes from: ``provider`` when the client's own bytes were sent.
        edits: of the plan; under the arm ``treated`` they were sent, else they are what would have been done.
        notes: why levers stood down or waited, with their arithmetic.
        predicted: the prompt's split as the cache model foresaw it, or None.
        alarm: the arithmetic of the alarm that this call raised, because the provider no longer behaves like the cache
            model; empty as a rule.
        diagnosis: what the provider said of the prompt's reuse; None where it was not asked or did not say.
        finish: normalised stop reason, or None.
        latency_ms: from the request to the last byte.
        ttft_ms: from the request to the first byte.
        request_bytes: size of the client's body.
        prompt: hex digest of the client's whole prompt.
        response_id: the provider's id of the answer.
        extra_sends: what else was spent on this call.
        failures: levers that raised, as ``lever: ErrorType``.
        price_table: version of the prices used.
    """

    id: str
    started_at: float
    task: str
    session: str | None = None
    trace: str | None = None
    tags: dict[str, str] = {}
    arm: Arm = "observe"
    provider: str
    dialect: Dialect | None
    operation: str = "chat"
    model_asked: str
    model_sent: str
    stream: bool = False
    status: int | None = None
    error_kind: str | None = None
    usage: Usage | None = None
    tier: str = "standard"
    cost: Picodollars | None = None
    basis: Basis = Basis.PROVIDER
    cost_before: Picodollars | None = None
    basis_before: Basis = Basis.DERIVED
    edits: tuple[EditRecord, ...] = ()
    notes: tuple[Note, ...] = ()
    predicted: Usage | None = None
    alarm: str = ""
    diagnosis: Diagnosis | None = None
    finish: str | None = None
    latency_ms: float | None = None
    ttft_ms: float | None = None
    request_bytes: int = 0
    prompt: str = ""
    response_id: str | None = None
    extra_sends: tuple[ExtraSend, ...] = ()
    failures: tuple[str, ...] = ()
    price_table: str = ""

    @property
    def cost_all(self) -> Picodollars | None:
        """The answer's cost and that of every extra send; None as soon as one of them is unknown."""
        if not self.extra_sends:
            return self.cost
        parts = [self.cost, *(extra.cost for extra in self.extra_sends)]
        known = [part for part in parts if part is not None]
        return Picodollars(sum(known)) if len(known) == len(parts) else None

    @property
    def saved(self) -> Picodollars | None:
        """What the call cost less than it would have; negative for a loss, None when either side is unknown."""
        cost = self.cost_all
        return None if cost is None or self.cost_before is None else Picodollars(self.cost_before - cost)

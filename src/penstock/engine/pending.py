"""A pair of which one answer is in a batch, in a form that outlives the process: digests and counts, no text.

A shadow by batch is answered hours after its call. Should the process end before that, the next one reads the batch
that was paid for and scores the pair by what was kept here: that an answer is equal to the shown one is told by its
digest, and how much of a structured answer is, by the digests of its fields. What waits for a grader or a judge can no
longer be shown to them, and counts by the bound without a grade (``evidence.scores``).
"""

from __future__ import annotations

import msgspec

from penstock.wire.dialect import Dialect

WAITS = "waits for batch"
"""How the reason of a shadow begins whose batch is not over."""


class PendingPair(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a pair while its shadow is in a batch.

    Attributes:
        call_id: of the call.
        at: when it started, seconds since the epoch.
        task: its task.
        candidate: as the gate book keeps it.
        opened_at: when the gate's evidence began; a gate that began anew since is told nothing.
        shown: ``reference`` or ``candidate``: whose answer the caller has.
        digest: of that answer (``evidence.scores.answer_digest``).
        passes: whether it passes the free checks.
        version: the model as it names it, or empty.
        asked: the model that the shadow asks.
        dialect: the API.
        geo: the region that the price depends on, or None.
        final: whether a difference is a loss by the rules, and no grade would have told more.
        fields: of a structured answer (``evidence.scores.field_digests``, by the call's id); None where its fields do
            not decide, or there are too many.
    """

    call_id: str
    at: float
    task: str
    candidate: str
    opened_at: float
    shown: str
    digest: str
    passes: bool
    version: str
    asked: str
    dialect: Dialect
    geo: str | None
    final: bool
    fields: tuple[str, ...] | None = None

"""How a simulated provider is set up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from penstock.cachemodel.machine import Decisions
from penstock.simulator.faults import FaultRule
from penstock.simulator.limits import UNENFORCED, Limits
from penstock.simulator.reply import Responder


@dataclass(frozen=True, kw_only=True)
class Config:
    """Settings of one simulated provider; the defaults refuse nothing and answer at once.

    Attributes:
        seed: decides identifiers, synthetic answers, thinking, and faults with a probability.
        responder: who answers; None for labelled synthetic answers.
        limits: rate limits; not enforced by default.
        faults: rules in force from the start.
        first_byte_s: simulated seconds from a request to its first byte.
        tokens_per_s: simulated generation speed; 0 means at once.
        batch_s: simulated seconds until a batch is over.
        decisions: what the cache rules leave open; None for the documented defaults.
        scope_by_key: whether each API key is a cache scope of its own (a workspace), instead of one for all.
        keep_calls: how many billed calls are kept for reading; None keeps all. Totals always cover all.
        keep_requests: how many requests are kept, bodies included, for tests that look at what was sent.
    """

    seed: int = 0
    responder: Responder | None = None
    limits: Limits = UNENFORCED
    faults: Sequence[FaultRule] = field(default=())
    first_byte_s: float = 0.0
    tokens_per_s: float = 0.0
    batch_s: float = 0.0
    decisions: Decisions | None = None
    scope_by_key: bool = False
    keep_calls: int | None = None
    keep_requests: int = 1000

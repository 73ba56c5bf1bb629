"""One recorded call as an audit keeps it: figures and places, no text."""

from __future__ import annotations

import msgspec

from penstock.cachemodel.prompt import Prompt
from penstock.models.tiers import STANDARD, Tier
from penstock.money import Picodollars
from penstock.unknown import Unknown
from penstock.wire.diagnostics import Diagnosis
from penstock.wire.dialect import Dialect
from penstock.wire.usage import Usage


class CallRow(msgspec.Struct, gc=False, kw_only=True):
    """A call without its bodies.

    Attributes:
        ts: start, seconds since the epoch; None when not logged.
        task: label or fingerprint; empty when the call has neither a label nor a readable request.
        labelled: whether the task is a label of the log's.
        model: the model that answered, else the one asked for.
        dialect: its API, or None.
        session: conversation key, or None.
        usage: as reported, or None.
        tier: as billed.
        cost: at list prices; Unknown when a price or the usage is missing.
        priced_at_ts: whether the prices are of the call's own day, and not of the last one in the table.
        reported: what the log says that the call cost, or None.
        leaf: node of the prompt in the tree, or -1 without a readable request.
        shape: the prompt as the cache rules see it, without its blocks; None when the model or the request is unknown.
        markers: the client's cache markers as ``(segment index, lifetime)``.
        cap: the output cap that the client set, or None.
        output_key: effort or thinking, which output lengths depend on.
        finish: normalised stop reason, or None.
        tool_calls: the answer called tools.
        structured: an output format is asked for.
        thinks: thinking or reasoning is on, so that the cap covers tokens that nobody sees (T26).
        failed: the provider answered with an error, or nothing came.
        status: HTTP status, or None.
        ttft_s: seconds from the start to the first byte of the answer (the last byte where only that is known); 0
            when neither is.
        retrieved: estimated tokens of retrieved text.
        body_bytes: size of the request.
        batch: whether it was sent by a batch API.
        diagnosis: what the provider said of the prompt's reuse, or None.
        source: file and line.
    """

    ts: float | None
    task: str
    labelled: bool
    model: str
    dialect: Dialect | None
    session: str | None = None
    usage: Usage | None = None
    tier: Tier = STANDARD
    cost: Picodollars | Unknown
    priced_at_ts: bool = True
    reported: Picodollars | None = None
    leaf: int = -1
    shape: Prompt | None = None
    markers: tuple[tuple[int, str], ...] = ()
    cap: int | None = None
    output_key: str = ""
    finish: str | None = None
    tool_calls: bool = False
    structured: bool = False
    thinks: bool = False
    failed: bool = False
    status: int | None = None
    ttft_s: float = 0.0
    retrieved: int = 0
    body_bytes: int = 0
    batch: bool = False
    diagnosis: Diagnosis | None = None
    source: str = ""

    @property
    def order(self) -> tuple[float, str]:
        """Sorts rows by time, calls without one first, and by place within one instant."""
        return (self.ts if self.ts is not None else float("-inf"), self.source)

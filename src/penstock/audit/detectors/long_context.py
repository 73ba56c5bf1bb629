"""More than 4,000 tokens of retrieved text in a call: most of it is rarely what the answer rests on (T25).

Retrieved text is what the trim lever takes for it: runs of chunks in the user's messages. Whether less of it answers as
well is a question for the gate.

Dollars: the tokens above the cap, at what the calls would pay for plain input.

Fix: ``trim = { retrieved_tokens = 4000 }`` behind the gate (``gate = { edits = ["trim"] }``); ``long_context = true``
for a task that needs it all.
"""

from __future__ import annotations

from penstock.audit.detectors.common import few, whole
from penstock.audit.finding import Finding, Measure, Pool
from penstock.audit.gather import AuditInput, Group
from penstock.audit.gating import gate_of
from penstock.audit.row import CallRow
from penstock.audit.whatif import prices_at, usable
from penstock.money import Picodollars
from penstock.unknown import Unknown

KINDS = {"long_retrieved_context": "long retrieved context"}

CAP = 4_000
"""Tokens of retrieved text that a call needs at most, unless its task says otherwise."""

_NOTABLE = 0.05  # of a group's calls


def find(data: AuditInput) -> list[Finding]:
    """One question for each task and model that often sends more retrieved text than the cap."""
    found = []
    for group in data.groups.values():
        rows = usable(group.rows)
        long = [row for row in rows if row.retrieved > CAP]
        if long and len(long) >= _NOTABLE * len(rows):
            found.append(_question(data, group, rows, long))
    return found


def _question(data: AuditInput, group: Group, rows: list[CallRow], long: list[CallRow]) -> Finding:
    dollars = _above(long)
    if not isinstance(dollars, Unknown):
        dollars = Picodollars(whole(dollars, rows, group))
    mean = sum(row.retrieved for row in long) / len(long)
    return Finding(
        kind="long_retrieved_context",
        task=group.task,
        model=group.model,
        title=f"{len(long):,} calls carry about {mean:,.0f} tokens of retrieved text; would {CAP:,} do?",
        detail=(
            f"Holding it to {CAP:,} tokens of the best-ranked pieces makes these prompts shorter. Tasks that need "
            "whole documents can be marked long_context and are then left alone."
        ),
        measure=Measure.QUESTION,
        pool=Pool.MODEL,
        dollars=dollars,
        dollars_month=data.period.month(dollars),
        basis=f"estimated: the share of the prompt above {CAP:,} tokens at the input price; {few(rows, group)}",
        calls=len(long),
        evidence={
            "mean_retrieved_tokens": round(mean),
            "most_retrieved_tokens": max(row.retrieved for row in long),
            "cap": CAP,
        },
        gated={
            "trim": {"enabled": True, "retrieved_tokens": CAP},
            "gate": gate_of(data, group, dollars, edits=["trim"]),
        },
    )


def _above(rows: list[CallRow]) -> Picodollars | Unknown:
    total = 0
    for row in rows:
        prices = prices_at(row)
        if isinstance(prices, Unknown):
            return prices
        if isinstance(prices.input, Unknown):
            return prices.input
        total += (row.retrieved - CAP) * prices.input
    return Picodollars(total)

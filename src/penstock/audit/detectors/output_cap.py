"""A limit on answer length: 1.2 times the size that all but few answers stay within, and what it would have cut.

The expected size is an upper tolerance bound of the observed lengths, with cut answers as lower bounds of theirs
(statistics 4), and the cap is the one that the cap lever would set. A cap saves the tail of runaways and pays for a
second try of every answer that it cuts, so its saving is often nothing; that is said. No cap is advised from too few
answers, nor without headroom where hidden reasoning, tool calls or structured output share it (T26).

Dollars: the tokens beyond the cap, less a whole second answer for each answer that it cuts.

Fix: the cap lever (``cap = { enabled = true }``); it waits for a decision where more than few would be cut.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from penstock.audit.finding import Finding, Measure, Pool
from penstock.audit.gather import AuditInput
from penstock.audit.row import CallRow
from penstock.audit.whatif import prices_at
from penstock.evidence.lengths import Bound, LengthKey, Lengths
from penstock.levers.cap.size import learnt_bound, size_of
from penstock.money import Picodollars
from penstock.policy.schema import CapPolicy
from penstock.unknown import Unknown

KINDS = {"output_cap": "output-cap advice"}

_SAFE = 0.02  # of answers; a cap that would have cut more waits for a decision


def find(data: AuditInput) -> list[Finding]:
    """Cap advice for each task, model and effort that has enough answers."""
    found = []
    for key, lengths in sorted(data.lengths.by_key.items()):
        group = data.groups.get((key.task, key.model))
        rows = [
            row
            for row in (group.rows if group is not None else ())
            if row.output_key == key.effort and row.usage is not None and not row.failed
        ]
        if rows:
            finding = _advice(data, key, lengths, rows)
            if finding is not None:
                found.append(finding)
    return found


def _advice(data: AuditInput, key: LengthKey, lengths: Lengths, rows: list[CallRow]) -> Finding | None:
    policy = CapPolicy()
    fragile = _fragile(rows)
    guard = f"of {' and '.join(fragile)}" if fragile else None
    bound, size = learnt_bound(policy, lengths), size_of(policy, lengths, guard=guard, budget=0)
    mean = lengths.mean
    if isinstance(bound, Unknown) or isinstance(size, Unknown) or isinstance(mean, Unknown):
        return None
    cap = size.tokens
    literal = math.ceil(policy.multiplier * mean)
    outputs = [row.usage.output for row in rows if row.usage is not None]
    cut = sum(length > cap for length in outputs)
    saving = _saving(rows, cap)
    present = sorted({row.cap for row in rows if row.cap is not None})
    title = f"All but {bound.share:.0%} of answers take {bound.tokens:,} tokens or fewer: cap at {cap:,}"
    return Finding(
        kind="output_cap",
        task=key.task,
        model=key.model,
        title=title,
        detail=(
            f"The expected size is the tolerance bound of {bound.answers:,} whole answers (mean {mean:,.0f} tokens). "
            f"A cap of {cap:,} would have cut {cut:,} of {len(outputs):,} answers ({cut / len(outputs):.2%})."
            f"{_beside(bound, cap, present, guard)}"
        ),
        measure=Measure.SAVING if not isinstance(saving, Unknown) and saving > 0 else Measure.ADVICE,
        pool=Pool.OUTPUT,
        dollars=saving,
        dollars_month=data.period.month(saving),
        basis=(
            f"provider usage of {len(outputs):,} answers: tokens beyond the cap, less a whole second answer for each "
            "that it cuts"
        ),
        calls=len(rows),
        evidence={
            "effort": key.effort,
            "expected_tokens": bound.tokens,
            "cap": cap,
            "arithmetic": size.why,
            "mean_tokens": round(mean, 1),
            "would_cut": cut,
            "would_cut_share": round(cut / len(outputs), 6),
            "answers": len(outputs),
            "already_cut": bound.cut,
            "cap_at_1.2_x_mean": literal,
            "would_cut_share_at_1.2_x_mean": round(sum(n > literal for n in outputs) / len(outputs), 6),
            "caps_in_use": present[:5],
            "headroom_for": fragile,
        },
        fix={"cap": {"enabled": True}} if cut <= _SAFE * len(outputs) else {},
        opt_in={} if cut <= _SAFE * len(outputs) else {"cap": {"enabled": True}},
    )


def _beside(bound: Bound, cap: int, present: Sequence[int], guard: str | None) -> str:
    parts = [""]
    if present and min(present) > cap:
        parts.append(f"The calls ask for up to {max(present):,} tokens now.")
    if present and max(present) <= cap:
        parts.append("The calls are capped at or below that already.")
    if bound.cut:
        parts.append(f"{bound.cut:,} answers were cut already and count as longer than they look.")
    if guard is not None:
        parts.append(f"It has half as much again for headroom, because {guard}.")
    return " ".join(parts)


def _saving(rows: Sequence[CallRow], cap: int) -> Picodollars | Unknown:
    """Tokens beyond the cap, less one uncapped second answer for each that is cut; prompts of second tries included."""
    total = 0
    for row in rows:
        usage, prices = row.usage, prices_at(row)
        if usage is None or usage.output <= cap:
            continue
        if isinstance(prices, Unknown) or isinstance(prices.output, Unknown) or isinstance(row.cost, Unknown):
            return Unknown("a call of the task has no price")
        total += (usage.output - cap) * prices.output - row.cost
    return Picodollars(total)


def _fragile(rows: Sequence[CallRow]) -> list[str]:
    """What shares the cap with the visible answer, where it occurs in the task."""
    found = {
        "hidden reasoning": any(row.thinks for row in rows),
        "tool calls": any(row.tool_calls for row in rows),
        "structured output": any(row.structured for row in rows),
    }
    return [name for name, present in found.items() if present]

"""Something that changes from call to call stands before text that does not: no cache can hold what follows it (T6).

Where it stands and what it is are seen by aligning a sample of the task's bodies.

Dollars: the recorded calls through the cache rules with the changing part at the end of the prompt and the best plain
markers, against what was billed.

Fix: ``cache = { stabilise = true }``; moving the text itself (``move_static_up``, or in the code) can change answers,
and waits for a decision.
"""

from __future__ import annotations

from typing import Any

import msgspec

from penstock.audit.detectors.common import explained, few, whole
from penstock.audit.finding import Finding, Measure, Pool
from penstock.audit.gather import AuditInput, Group
from penstock.audit.slots import TOOL_ORDER, Slot, first_difference
from penstock.audit.strategies import Trial, trials
from penstock.audit.whatif import Case, cases_of, recorded_input, usable
from penstock.cachemodel.prompt import Block, Prompt
from penstock.evidence.variation import common_share, masked_shape
from penstock.money import Picodollars
from penstock.unknown import Unknown
from penstock.wire.segments import Level

KINDS = {"volatile_prefix": "something volatile in front of static text"}

_NOTABLE = 0.05  # of the recorded prompt cost
_LEAST_STATIC = 400  # characters behind the volatile part; less is not worth a change
_AROUND = 30  # characters of context that an excerpt shows


def find(data: AuditInput) -> list[Finding]:
    """One finding for each task and model whose prompts have static text behind something volatile."""
    found = []
    slots: dict[str, Slot | None] = {}
    for group in data.groups.values():
        rows = usable(group.rows)
        if len(rows) < 2:  # noqa: PLR2004 - a repeat
            continue
        if group.task not in slots:
            slots[group.task] = first_difference(data.samples.of(group.task))
        slot = slots[group.task]
        if slot is None or not (slot.same_after or slot.static_inside >= _LEAST_STATIC):
            continue
        finding = _finding(data, group, slot, cases_of(data, rows))
        if finding is not None:
            found.append(explained(finding, group.rows))
    return found


def _finding(data: AuditInput, group: Group, slot: Slot, cases: list[Case]) -> Finding | None:
    rows = [case.row for case in cases]
    recorded = recorded_input(rows)
    as_is = trials(cases)
    moved = trials([Case(case.row, _moved(case.prompt, slot)) for case in cases])
    if isinstance(recorded, Unknown) or not as_is or not moved:
        return None
    gain = recorded - moved[0].bill.dollars
    beyond = min(recorded, as_is[0].bill.dollars) - moved[0].bill.dollars
    if gain <= 0 or beyond < _NOTABLE * recorded:
        return None
    dollars = Picodollars(whole(gain, rows, group))
    where = {Level.TOOLS: "the tools", Level.SYSTEM: "the system prompt"}.get(slot.level, f"a {slot.role} message")
    return Finding(
        kind="volatile_prefix",
        task=group.task,
        model=group.model,
        title=_title(slot, where),
        detail=_detail(slot, moved[0], recorded),
        measure=Measure.SAVING,
        pool=Pool.PROMPT,
        dollars=dollars,
        dollars_month=data.period.month(dollars),
        basis=f"derived: the provider's cache rules over {few(rows, group)}, with it moved to the end of the prompt",
        calls=len(group.rows),
        evidence=_evidence(data, slot, moved[0]),
        fix={"cache": {"enabled": True, "stabilise": True}},
        opt_in={} if slot.kind == TOOL_ORDER else {"cache": {"move_static_up": True}},
        advice=(
            "Send the tools in one fixed order."
            if slot.kind == TOOL_ORDER
            else "Move it behind the static text, into the last message; moving text can change answers, so it is your "
            "decision."
        ),
    )


def _title(slot: Slot, where: str) -> str:
    if slot.kind == TOOL_ORDER:
        return "The same tools come in changing order, so that no prefix is shared"
    article = "an" if slot.kind[0] in "aeio" else "a"
    spans = f" and {len(slot.spans) - 1} more spans" if len(slot.spans) > 1 else ""
    return f"{article.capitalize()} {slot.kind}{spans} in {where} changes in front of text that does not"


def _detail(slot: Slot, best: Trial, recorded: int) -> str:
    read = best.bill.split.read / max(1, best.bill.split.total)
    place = f"From character {slot.spans[0].start:,} of segment {slot.depth} on, prompts differ. " if slot.spans else ""
    return (
        f"{place}With it at the end and {best.strategy.name}, {read:.0%} of prompt tokens would have been read from "
        f"the cache, and the prompts would have cost {1 - best.bill.dollars / recorded:.0%} less."
    )


def _evidence(data: AuditInput, slot: Slot, best: Trial) -> dict[str, Any]:
    spans = []
    for span in slot.spans[:5]:
        start = len(slot.text[: span.start].encode("utf-8", "replace"))
        value = slot.text[span.start : span.end]
        shown: dict[str, Any] = {
            "kind": span.kind,
            "bytes": [start, start + len(value.encode("utf-8", "replace"))],
            "shape": masked_shape(value),
            "values_seen": span.values,
        }
        if data.show_text:
            shown["excerpt"] = slot.text[max(0, span.start - _AROUND) : span.end + _AROUND]
        spans.append(shown)
    return {
        "kind": slot.kind,
        "segment": slot.depth,
        "level": slot.level.value,
        "role": slot.role,
        "spans": spans,
        "static_characters_behind": slot.static_inside,
        "static_segments_behind": slot.same_after,
        "bodies_compared": slot.bodies,
        "strategy": best.strategy.name,
    }


def _moved(prompt: Prompt, slot: Slot) -> Prompt:
    """The prompt with the varying part of the slot's block behind everything else, or with its tools in one order."""
    blocks = list(prompt.blocks)
    if slot.kind == TOOL_ORDER:
        tools = sorted((b for b in blocks if b.level is Level.TOOLS), key=lambda block: repr(block.id))
        return msgspec.structs.replace(prompt, blocks=(*tools, *blocks[len(tools) :]))
    if slot.depth >= len(blocks) or blocks[slot.depth].level is not slot.level or blocks[slot.depth].role != slot.role:
        return prompt
    block = blocks[slot.depth]
    static = round(block.tokens * common_share(slot.text, slot.spans))
    moved: list[Block] = blocks[: slot.depth]
    if static:
        moved.append(msgspec.structs.replace(block, id=("static", slot.depth), tokens=static, marker=None))
    moved += blocks[slot.depth + 1 :]
    last = moved[-1] if moved else block
    if moved:
        moved[-1] = msgspec.structs.replace(last, ends_message=False)
    moved.append(
        msgspec.structs.replace(
            block,
            tokens=block.tokens - static,
            level=Level.MESSAGES,
            role="user",
            message=max(0, last.message),
            marker=None,
            markable=False,
            ends_message=True,
        )
    )
    return msgspec.structs.replace(prompt, blocks=tuple(moved))

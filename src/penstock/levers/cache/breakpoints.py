"""Breakpoints on OpenAI requests from gpt-5.6 on (provider-semantics 2.2).

Left alone, such a request writes its whole prompt at 1.25 times the price, whether or not it is ever read (T12). The
lever compares that with explicit mode: breakpoints where the prompt is expected to come again, or none at all for a
prompt that is not. A live entry is read only if a breakpoint stands on it, also one that implicit mode had written
(worked cases O16, O18).
"""

from __future__ import annotations

import msgspec

from penstock.engine.edit import Action, Edit, Risk
from penstock.engine.facts import Facts
from penstock.levers.cache.case import Case, case_of
from penstock.levers.cache.planner import Mark, Terms, plan_markers, worth
from penstock.money import Picodollars
from penstock.unknown import Unknown
from penstock.wire.dialect import Dialect
from penstock.wire.segments import Level, Marker, Segment
from penstock.wire.view import View

GROUP = "breakpoints"
_LEAST_GAIN = 0.005
"""Explicit mode is asked for when it is expected to save more than this share of the prompt's price."""


def propose(view: View, facts: Facts) -> list[Edit]:
    """Explicit mode with the breakpoints that pay; nothing where the client has chosen for itself."""
    if view.get("prompt_cache_options") is not None or any(segment.marker for segment in view.segments):
        return []
    case = case_of(view, facts)
    end = latest_ending(view.segments)
    if isinstance(case, Unknown) or end < 0 or case.chain.upto(end) < case.terms.minimum:
        return []
    return _explicit(case._replace(terms=_for_dialect(case.terms, view.dialect)), end)


def latest_ending(segments: tuple[Segment, ...]) -> int:
    """Position of the latest eligible message ending, where implicit mode writes; -1 without one."""
    for position in range(len(segments) - 1, -1, -1):
        segment = segments[position]
        if not segment.ends_message or segment.level is Level.TOOLS:
            continue
        if segment.role in {"user", "tool"} or segment.kind == "tool_result":
            return position
        if segment.level is Level.SYSTEM and segment.message >= 0:
            return position
    return -1


def _for_dialect(terms: Terms, dialect: Dialect) -> Terms:
    """Chat Completions accept only the 30-minute lifetime (2.2, rule 8)."""
    if dialect is Dialect.OPENAI_RESPONSES:
        return terms
    return msgspec.structs.replace(terms, writes=tuple(write for write in terms.writes if write.ttl == "30m"))


def _explicit(case: Case, end: int) -> list[Edit]:
    chain, terms, entry = case.chain, case.terms, case.entry
    on_entry = entry >= 0 and chain.markable(entry)
    if not terms.writes or (entry >= 0 and not on_entry):
        return []
    marks = plan_markers(chain, case.outlook, terms, entry=entry, slots=terms.slots - on_entry)
    gain = sum(mark.saving for mark in marks) - _left_alone(case, end)
    if gain <= _LEAST_GAIN * case.total:
        return []
    if on_entry:
        marks = [Mark(entry, terms.writes[-1].ttl, 0, 1.0, 0.0), *marks]
    return _edits(case, marks, gain)


def _left_alone(case: Case, end: int) -> float:
    """What the implicit write is expected to save, in input tokens; negative where it will not be read."""
    write = case.terms.writes[-1]
    tokens = case.chain.upto(end) - case.chain.upto(min(case.entry, end))
    deep = [chance for position, chance in case.outlook.spots if position >= end]
    soon = deep[0] if deep else min((chance for _, chance in case.outlook.spots), default=0.0)
    chance = case.outlook.chance(soon, write.lifetime)
    return tokens * (chance * worth(case.terms, write, case.outlook) - (write.rate - 1.0))


def _edits(case: Case, marks: list[Mark], gain: float) -> list[Edit]:
    written = sum(mark.tokens for mark in marks)
    why = (
        f"explicit cache mode: {written:,} of {case.total:,} prompt tokens are worth writing"
        if written
        else "explicit cache mode without a write: this prompt is not expected to come again"
    )
    edits = [
        Edit(
            lever="cache",
            path=("prompt_cache_options",),
            action=Action.SET,
            value=b'{"mode":"explicit"}',
            why=why,
            saving=case.money(gain),
            risk=Risk.EXACT,
            group=GROUP,
        )
    ]
    for mark in marks:
        operation = case.view.mark(case.view.segments[mark.position], Marker(mark.ttl))
        edits.append(
            Edit(
                lever="cache",
                path=operation.path,
                action=Action(operation.action),
                value=operation.value,
                why=f"breakpoint after {case.chain.upto(mark.position):,} tokens",
                saving=Picodollars(0),
                risk=Risk.EXACT,
                group=GROUP,
            )
        )
    return edits

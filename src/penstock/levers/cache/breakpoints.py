"""Breakpoints on OpenAI requests from gpt-5.6 on (provider-semantics 2.2).

Left alone, such a request writes its whole prompt at 1.25 times the price, whether or not it is ever read (T12). The
lever compares that with explicit mode: breakpoints where the prompt is expected to come again, or none at all for a
prompt that is not. A live entry is read only if a breakpoint stands on it, also one that implicit mode had written
(worked cases O16, O18).
"""

from __future__ import annotations

from penstock.engine.edit import Action, Edit, Note, Risk
from penstock.engine.facts import Facts
from penstock.levers.cache.case import RequestCase, request_case
from penstock.levers.cache.place import Case, place
from penstock.levers.cache.planner import Mark, worth
from penstock.money import Picodollars
from penstock.unknown import Unknown
from penstock.wire.segments import Level, Marker, Segment
from penstock.wire.view import View

GROUP = "breakpoints"
_LEAST_GAIN = 0.005
"""Explicit mode is asked for when it is expected to save more than this share of the prompt's price."""


def propose(view: View, facts: Facts) -> list[Edit | Note]:
    """Explicit mode with the breakpoints that pay; nothing where the client has chosen for itself."""
    if view.get("prompt_cache_options") is not None or view.outline.marked:
        return []
    request = request_case(view, facts)
    end = latest_ending(view.segments)
    if isinstance(request, Unknown) or end < 0 or request.case.chain.upto(end) < request.case.terms.minimum:
        return []
    return _explicit(request, end)


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


def _explicit(request: RequestCase, end: int) -> list[Edit | Note]:
    case = request.case
    if case.entry >= 0 and not case.chain.markable(case.entry):
        return []
    marks, _, refused = place(case)
    gain = sum(mark.saving for mark in marks) - _left_alone(case, end)
    notes = [Note("cache", refused)] if refused else []
    if gain <= _LEAST_GAIN * case.total:
        return [*notes]
    return [_mode(request, marks, gain), *(_breakpoint(request, mark) for mark in marks), *notes]


def _left_alone(case: Case, end: int) -> float:
    """What the implicit write is expected to save, in input tokens; negative where it will not be read."""
    write = case.terms.writes[-1]
    tokens = case.chain.upto(end) - case.chain.upto(min(case.entry, end))
    spots = case.outlook.spots
    position, soon = next((spot for spot in spots if spot[0] >= end), spots[-1] if spots else (end, 0.0))
    chance = case.outlook.chance(position, soon, write.lifetime)
    return tokens * (chance * worth(case.terms, case.outlook.following(position))[-1] - (write.rate - 1.0))


def _mode(request: RequestCase, marks: list[Mark], gain: float) -> Edit:
    written = sum(mark.tokens for mark in marks)
    why = (
        f"explicit cache mode: {written:,} of {request.case.total:,} prompt tokens are worth writing"
        if written
        else "explicit cache mode without a write: nothing new in this prompt is expected to come again"
    )
    return Edit(
        lever="cache",
        path=("prompt_cache_options",),
        action=Action.SET,
        value=b'{"mode":"explicit"}',
        why=why,
        saving=request.money(gain),
        risk=Risk.EXACT,
        group=GROUP,
    )


def _breakpoint(request: RequestCase, mark: Mark) -> Edit:
    operation = request.view.mark(request.view.segments[mark.position], Marker(mark.ttl))
    tokens = request.case.chain.upto(mark.position)
    return Edit(
        lever="cache",
        path=operation.path,
        action=Action(operation.action),
        value=operation.value,
        why=f"breakpoint after {tokens:,} tokens" if mark.tokens else f"reads {tokens:,} tokens that are cached",
        saving=Picodollars(0),
        risk=Risk.EXACT,
        group=GROUP,
    )

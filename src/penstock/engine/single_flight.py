"""Waiting for a sibling's cache write before a Send (trap T9); the decision is `levers.cache.hold`'s."""

from __future__ import annotations

from collections.abc import Generator

import msgspec

from penstock.engine.ahead import Ahead
from penstock.engine.context import EngineContext
from penstock.engine.edit import Note
from penstock.engine.facts import Facts
from penstock.engine.incoming import Incoming
from penstock.engine.plan import Plan
from penstock.engine.steps import Hold, Result, Step
from penstock.levers.cache.hold import Wait, Written, weigh, written


def held(ahead: Ahead, request: Incoming, context: EngineContext) -> Generator[Step, Result, float]:
    """Wait as long as it pays, then take the call's place among those that write.

    A sibling that fails frees its waiters; the first of them writes and the others wait for it, all within the bound
    that counts from their own start.

    Returns:
        When the call is sent at the earliest, seconds since the epoch.
    """
    plan, at = ahead.plan, request.started_at
    hold_ms = plan.facts.policy.cache.hold_ms
    if not ahead.treated or not hold_ms or not plan.facts.levers.cache or not plan.facts.policy.cache.enabled:
        return at
    facts = plan.facts if plan.planned is plan.view else plan.facts.seeing(plan.planned)
    marked = written(plan.planned, facts)
    if marked and plan.facts.policy.cache.prewarm:
        at = yield from _filled(marked, facts, ahead, request, context)
    while marked:
        cold = _cold(marked, ahead)
        found = context.siblings.writer(cold, at)
        wait = None if found is None else weigh(found[0], hold_ms, plan.facts.policy.cache.delay_usd_second)
        if wait is not None and at == request.started_at:
            _note(ahead, wait)
        if found is None or wait is None or not wait.pays:
            context.siblings.sending(request.call_id, cold, at)
            break
        sibling = found[1]
        yield Hold(key=sibling, until_s=request.started_at + hold_ms / 1000, why=wait.why)
        if context.siblings.on_its_way(sibling):
            return request.started_at + hold_ms / 1000
        at = max(at, context.siblings.latest)
        ahead.plan_again(facts, at, context)
    return at


def _filled(
    marked: list[Written], facts: Facts, ahead: Ahead, request: Incoming, context: EngineContext
) -> Generator[Step, Result, float]:
    """Have a cold prefix filled by a request of its own where that pays, and wait for it within the bound."""
    at = request.started_at
    cold = _cold(marked, ahead)
    if not cold or context.siblings.writer(cold, at) is not None:
        return at
    warm = context.warming.ahead(ahead.plan.planned, facts, request.call_id)
    if warm is None:
        return at
    context.siblings.sending(warm.id, cold, at)
    yield warm
    if not context.siblings.on_its_way(warm.id):
        return at
    until = at + facts.policy.cache.hold_ms / 1000
    ahead.plan = _noted(ahead.plan, Note("cache", warm.why, "fills ahead"))
    yield Hold(key=warm.id, until_s=until, why=warm.why)
    if context.siblings.on_its_way(warm.id):
        return until
    at = max(at, context.siblings.latest)
    ahead.plan_again(facts, at, context)
    return at


def _noted(plan: Plan, note: Note) -> Plan:
    return msgspec.structs.replace(plan, notes=(*plan.notes, note))


def _note(ahead: Ahead, wait: Wait) -> None:
    """Put the arithmetic of a wait into the plan."""
    note = Note("cache", wait.why, "waits" if wait.pays else "does not wait")
    ahead.plan = _noted(ahead.plan, note)


def _cold(marked: list[Written], ahead: Ahead) -> list[Written]:
    """What is not expected to be read; nothing when the caches are not foreseen."""
    if ahead.planned is None:
        return []
    return [one for one in marked if one.tokens > ahead.planned.split.read]

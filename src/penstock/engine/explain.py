"""A plan's arithmetic in lines for people. Reasons and counts only, no prompt text."""

from __future__ import annotations

from collections.abc import Iterator

from penstock.engine.edit import Edit, Note
from penstock.engine.plan import Plan, shown
from penstock.levers.cache.unwritten import why_unwritten

CACHE = "cache"


def explain(plan: Plan) -> str:
    """The plan in lines: what was asked, the price before and after, each edit with its reason, what was refused."""
    return "\n".join(_lines(plan))


def _lines(plan: Plan) -> Iterator[str]:
    facts = plan.facts
    low, high = facts.band(plan.view)
    yield f"task {plan.task}, {plan.view.dialect.value}, {plan.view.model or 'no model'}, mode {plan.mode}"
    yield (
        f"  prompt  {sum(facts.tokens):,} tokens in {len(facts.tokens)} segments, {len(plan.view.raw):,} bytes; "
        f"estimated, {low - 1:+.0%} to {high - 1:+.0%}"
    )
    yield f"  before  {plan.before.arithmetic()}"
    yield f"  after   {plan.after.arithmetic()}"
    yield f"  basis   {plan.before.basis.value} before, {plan.after.basis.value} after; {plan.after.covers}"
    if plan.model != plan.view.model:
        yield f"  model   {plan.view.model} -> {plan.model}"
    yield f"  saving  {shown(plan.saving)} expected, later reads included"
    for edit in plan.edits:
        yield f"  {_edit(edit)}"
    for one in plan.refused:
        yield f"  not {_edit(one.edit)}: {one.why}"
    for note in (*plan.notes, *unsaid(plan)):
        yield f"  {note.lever:<6}{note.did}: {note.why}"
    for failure in plan.failures:
        yield f"  {failure.lever} raised {failure.error}; its edits were left out"
    if not plan.edits:
        yield "  nothing to change: the client's bytes are sent"
    elif plan.mode == "observe":
        yield "  mode is observe: the client's bytes are sent, and this is what apply would do"


def unsaid(plan: Plan) -> tuple[Note, ...]:
    """Why the cache lever did nothing where it noted nothing: worked out when somebody asks, not on a call's way."""
    facts = plan.facts
    if not facts.levers.cache or not facts.policy.cache.enabled:
        return ()
    if plan.has(CACHE) or any(note.lever == CACHE for note in plan.notes):
        return ()
    if any(one.lever == CACHE for one in plan.failures) or any(one.edit.lever == CACHE for one in plan.refused):
        return ()
    view = plan.planned
    facts = facts if view is plan.view else facts.seeing(view)
    return (Note(CACHE, why_unwritten(view, facts)),)


def _edit(edit: Edit) -> str:
    place = ".".join(str(part) for part in edit.path) or "the body"
    return f"{edit.lever:<6}{edit.risk.value:<11}{edit.action.value} {place}: {edit.why} ({shown(edit.saving)})"

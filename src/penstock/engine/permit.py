"""What may be done: the policy's word by risk, and what cannot be done together.

exact       mode and switch only (the pipeline checks the switch; mode decides what is sent)
equivalent  the task's ``cache.stabilise``
lossy       the task's own section for the lever, or, for a model, the quality gate's promotion; and the promotion too
            where the task's gate names the lever
"""

from __future__ import annotations

from collections.abc import Sequence

from penstock.engine.edit import Action, Edit, Risk
from penstock.engine.facts import Facts
from penstock.unknown import Unknown

_SECTIONS = {"cap": "cap", "route": "route", "trim": "trim", "brevity": "brevity"}


def forbidden(edit: Edit, facts: Facts) -> str | None:
    """Why the policy does not permit an edit, or None when it does."""
    if edit.risk is Risk.EXACT:
        return None if facts.policy.cache.enabled or edit.lever != "cache" else "the task's cache section is off"
    if edit.risk is Risk.EQUIVALENT:
        return None if facts.policy.cache.stabilise else "equivalent, and the task does not say stabilise = true"
    section = getattr(facts.policy, _SECTIONS.get(edit.lever, ""), None)
    if section is not None and not section.enabled:
        return f"the task's {edit.lever} section is off"
    if edit.lever in facts.waiting:
        return "the quality gate does not let it act on this call"
    if section is not None:
        return None
    if edit.lever == "route" and facts.promoted:
        return None
    return f"lossy, and the policy has no {edit.lever} section for this task"


def losing(edits: Sequence[Edit]) -> str | None:
    """Why edits that stand or fall together would lose money, or None; what is unknown does not count as a loss."""
    known = [edit.saving for edit in edits if not isinstance(edit.saving, Unknown)]
    return "it is expected to cost more than it saves" if known and sum(known) < 0 else None


def clash(edit: Edit, accepted: Sequence[Edit]) -> str | None:
    """Why an edit cannot stand beside edits of the same body, or None.

    Two changes of one place clash, and so does a change inside something that another one deletes or replaces.
    Several values put at one index or appended to one object do not.
    """
    for other in accepted:
        if edit.path == other.path:
            if edit.action is Action.INSERT or other.action is Action.INSERT:
                continue
            return "the same place is already changed"
        if _inside(edit, other) or _inside(other, edit):
            return "it stands inside something that another edit replaces"
    return None


def _inside(inner: Edit, outer: Edit) -> bool:
    """Whether ``inner`` changes something within a value that ``outer`` deletes or replaces."""
    return (
        outer.action is not Action.INSERT
        and len(inner.path) > len(outer.path)
        and inner.path[: len(outer.path)] == outer.path
    )

"""The task of a call: its label, else the policy's match, else the fingerprint of what its call site repeats."""

from __future__ import annotations

from penstock.evidence.sites import Sites
from penstock.evidence.task import fingerprint
from penstock.policy.schema import Match, Policy
from penstock.wire.view import View

UNLABELLED = "unlabelled"
"""The task of a call whose body could not be read."""


def task_of(view: View, label: str | None, policy: Policy, sites: Sites | None = None, *, at: float = 0.0) -> str:
    """The name that a call is counted under, and by which the policy knows it.

    A label always wins. Else it is the first task of the policy, in its order, whose ``match`` fits; else the
    fingerprint, 16 hex digits, which ``match.fingerprint`` can name. A call site whose prompt is nearly that of one
    seen before has that one's fingerprint.

    Args:
        view: the call.
        label: the caller's, or None.
        policy: in force.
        sites: the call sites seen before; None joins nothing.
        at: when the call came, seconds since the epoch.
    """
    if label:
        return label
    found = fingerprint(view)
    site = found if sites is None else sites.name(found, view, at)
    for name, task in policy.tasks.items():
        if task.match is not None and _fits(task.match, view, (found, site)):
            return name
    return site


def _fits(match: Match, view: View, found: tuple[str, str]) -> bool:
    if match.fingerprint is None and match.model is None:
        return False
    named = (match.fingerprint,) if isinstance(match.fingerprint, str) else match.fingerprint
    return (named is None or any(one in named for one in found)) and match.model in (None, view.model)

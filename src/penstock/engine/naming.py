"""The task of a call: its label, else the policy's match, else the fingerprint of what its call site repeats."""

from __future__ import annotations

from penstock.evidence.task import fingerprint
from penstock.policy.schema import Match, Policy
from penstock.wire.view import View

UNLABELLED = "unlabelled"
"""The task of a call whose body could not be read."""


def task_of(view: View, label: str | None, policy: Policy) -> str:
    """The name that a call is counted under, and by which the policy knows it.

    A label always wins. Else it is the first task of the policy, in its order, whose ``match`` fits; else the
    fingerprint, 16 hex digits, which ``match.fingerprint`` can name.
    """
    if label:
        return label
    found = fingerprint(view)
    for name, task in policy.tasks.items():
        if task.match is not None and _fits(task.match, view, found):
            return name
    return found


def _fits(match: Match, view: View, found: str) -> bool:
    wanted = ((match.fingerprint, found), (match.model, view.model))
    given = [(asked, actual) for asked, actual in wanted if asked is not None]
    return bool(given) and all(asked == actual for asked, actual in given)

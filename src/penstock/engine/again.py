"""Whether an answer is good enough to show, or the request is sent again, and as what.

    refused      the provider turned down a request that we had edited: the client's own bytes, once
    truncated    the answer was cut at a cap of ours: without our cap, once, unless the caller has seen it already
    unavailable  the routed model is overloaded or down: the client's own bytes, once
    rejected     a free verifier failed on a routed model: the fallback model, once

Every reason is kept, and every send is paid for in the books.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from penstock.engine.attempt import Attempt
from penstock.engine.edit import Note
from penstock.engine.plan import Plan
from penstock.levers.route.propose import route_to
from penstock.levers.route.verify import verify
from penstock.policy.schema import RoutePolicy
from penstock.wire.body import Operation, apply
from penstock.wire.view import View, read_request

EDIT_REFUSED = frozenset({400, 404, 413, 422})
"""Statuses that may be about what we changed in a request."""

_TOO_MANY = 429
_SERVER_ERROR = 500


class Again(msgspec.Struct, frozen=True):
    """Another request for the same call.

    Attributes:
        view: the request to send.
        purpose: of the new Send: ``retry`` or ``escalation``.
        fate: of the answer in hand, as its ``ExtraSend`` records it: ``refused``, ``truncated``, ``unavailable`` or
            ``rejected``.
        reason: one clause.
    """

    view: View
    purpose: str
    fate: str
    reason: str


def cascades(plan: Plan) -> bool:
    """Whether the plan sends to another model whose answer is verified before anybody sees it."""
    route = plan.facts.policy.route
    return plan.has("route") and route is not None and route.cascade


def next_try(plan: Plan, attempt: Attempt, fates: Sequence[str], *, shown: bool) -> Again | None:
    """What to send after an attempt, or None to show its answer.

    Args:
        plan: the call's plan, which was sent.
        attempt: the last one.
        fates: of the attempts before it; each kind of retry happens once.
        shown: whether the caller has the answer already.
    """
    if attempt.sent.status in EDIT_REFUSED and plan.body is not plan.view.raw and not fates:
        reason = f"the provider answered {attempt.sent.status} to the edited request"
        return Again(plan.view, "retry", "refused", reason)
    if not attempt.accepted and plan.has("route") and not fates and _overloaded(attempt.sent.status):
        return Again(plan.view, "escalation", "unavailable", f"{plan.model} answered {attempt.sent.status}")
    if not attempt.accepted or shown:
        return None
    if attempt.truncated and plan.has("cap") and not fates:
        uncapped = read_request(plan.view.dialect, plan.body_without("cap"))
        return Again(uncapped, "retry", "truncated", "the answer was cut at our cap")
    if cascades(plan) and "rejected" not in fates and attempt.send.model == plan.model:
        return _escalation(plan, attempt)
    return None


def _overloaded(status: int | None) -> bool:
    return status is not None and (status == _TOO_MANY or status >= _SERVER_ERROR)


def _escalation(plan: Plan, attempt: Attempt) -> Again | None:
    """The fallback's request when the first answer fails a check: the client's own unless the policy names one."""
    policy = plan.facts.policy.route
    if policy is None or attempt.answer is None:
        return None
    verdict = verify(plan.view, attempt.answer, policy)
    if verdict is None:
        return None
    return Again(fallback(plan, policy), "escalation", "rejected", f"{verdict.check}: {verdict.why}")


def fallback(plan: Plan, policy: RoutePolicy) -> View:
    """The request for the second try."""
    view = plan.view
    if policy.fallback is None or policy.fallback == view.model:
        return view
    edits = route_to(view, plan.facts, policy.fallback, policy)
    if isinstance(edits, Note):
        return view
    return read_request(view.dialect, apply(view.raw, [Operation(e.path, e.action.value, e.value) for e in edits]))

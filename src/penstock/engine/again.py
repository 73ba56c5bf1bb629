"""Whether an answer is good enough to show, or the request is sent again, and as what.

    refused    the provider turned down a request that we had edited: the client's own bytes, once
    truncated  the answer was cut at a cap of ours: without our cap, once, unless the caller has seen it already
    rejected   a free verifier failed on a routed model: the fallback model, once

Every reason is kept, and every send is paid for in the books.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from penstock.engine.attempt import Attempt
from penstock.engine.plan import Plan
from penstock.wire.view import View, read_request

_EDIT_REFUSED = frozenset({400, 404, 413, 422})


class Again(msgspec.Struct, frozen=True):
    """Another request for the same call.

    Attributes:
        view: the request to send.
        purpose: of the new Send: ``retry`` or ``escalation``.
        fate: of the answer in hand, as its ``ExtraSend`` records it: ``refused``, ``truncated`` or ``rejected``.
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
    if attempt.sent.status in _EDIT_REFUSED and plan.body is not plan.view.raw and not fates:
        reason = f"the provider answered {attempt.sent.status} to the edited request"
        return Again(plan.view, "retry", "refused", reason)
    if not attempt.accepted or shown:
        return None
    if attempt.truncated and plan.has("cap") and not fates:
        uncapped = read_request(plan.view.dialect, plan.body_without("cap"))
        return Again(uncapped, "retry", "truncated", "the answer was cut at our cap")
    return None

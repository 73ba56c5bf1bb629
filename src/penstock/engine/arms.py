"""What each arm of a trial is asked: the reference as without a gate, the candidate with what is tested.

Made when a shadow is due, which is after the caller has the answer. Markers and cache keys are left out: nothing reads
again what a shadow writes. The levers of the call's own plan act in their order, so an arm's request is what a plan
would have sent.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from penstock.engine.edit import Note
from penstock.engine.facts import Facts, prices_at
from penstock.engine.pipeline import Lever, optimise
from penstock.engine.plan import Plan
from penstock.engine.trial import Trial
from penstock.levers.route.propose import route_to
from penstock.policy.schema import RoutePolicy
from penstock.unknown import Unknown
from penstock.wire.body import Operation, apply
from penstock.wire.view import View, read_request

_EDITS = ("trim", "brevity")


def differ(trial: Trial, plan: Plan) -> bool:
    """Whether the two arms are different requests, as far as the call's plan tells.

    A call that the tested edits have nothing to do on says nothing about them, and takes no part.
    """
    contest = trial.contest
    if contest.swaps or any(plan.has(name) for name in contest.edits):
        return True
    return any(one.edit.lever in contest.edits for one in plan.refused)


def candidate_view(trial: Trial, plan: Plan, levers: Sequence[Lever]) -> View | None:
    """What the candidate is asked; None when it cannot be, its price is unknown, or it would be asked the same."""
    contest = trial.contest
    facts = msgspec.structs.replace(plan.facts, waiting=plan.facts.waiting - frozenset(contest.edits))
    if isinstance(prices_at(contest.model, facts.now, facts.input_tokens, facts.tier), Unknown):
        return None  # what could not be bounded is not spent
    if not contest.edits:
        view = read_request(plan.view.dialect, plan.body_without("cache"))
        routed = _routed(view, facts.seeing(view), contest.model)
        return None if routed is None else whole(routed)
    names = [one.name for one in levers]
    cut = names.index("route") if "route" in names else len(names)
    if not contest.swaps:
        planned = optimise(plan.view, facts, _without(levers, "cache"))
        return whole(planned.planned) if any(map(planned.has, contest.edits)) else None
    before = optimise(plan.view, facts, _without(levers[:cut], "cache")).planned
    routed = _routed(before, facts.seeing(before), contest.model)
    if routed is None:
        return None
    return whole(optimise(routed, facts.seeing(routed), _without(levers[cut:], "cache", "route")).planned)


def reference_view(trial: Trial, plan: Plan, levers: Sequence[Lever]) -> View:
    """What the reference is asked: the client's own bytes, with the edits that act by the policy's own word."""
    contest = trial.contest
    if not contest.edits and not any(map(plan.has, _EDITS)):
        return whole(plan.view)
    facts = msgspec.structs.replace(
        plan.facts,
        waiting=plan.facts.waiting | frozenset(contest.edits),
        promoted=plan.facts.promoted - trial.promoted,
    )
    skipped = ("cache", "cap", "route") if contest.swaps else ("cache", "cap")
    return whole(optimise(plan.view, facts, _without(levers, *skipped)).planned)


def whole(view: View) -> View:
    """The request for an answer in one piece."""
    operations = [Operation((name,), "delete", b"") for name in ("stream", "stream_options") if name in view.params]
    return read_request(view.dialect, apply(view.raw, operations)) if operations else view


def _routed(view: View, facts: Facts, model: str) -> View | None:
    edits = route_to(view, facts, model, facts.policy.route or RoutePolicy())
    if isinstance(edits, Note):
        return None
    body = apply(view.raw, [Operation(one.path, one.action.value, one.value) for one in edits])
    return read_request(view.dialect, body)


def _without(levers: Sequence[Lever], *names: str) -> list[Lever]:
    return [one for one in levers if one.name not in names]

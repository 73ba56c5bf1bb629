"""Before anything is sent: the plan, the arm, and what the caches will do with the bytes."""

from __future__ import annotations

import msgspec

from penstock.cachemodel.admission import Admission
from penstock.engine.context import EngineContext
from penstock.engine.facts import Facts, counts_of, facts_for
from penstock.engine.holdback import Arm, arm_of
from penstock.engine.incoming import Incoming
from penstock.engine.naming import task_of
from penstock.engine.pipeline import optimise
from penstock.engine.plan import Plan
from penstock.engine.quote import foreseen_quote
from penstock.engine.trial import Trial, waiting_edits
from penstock.models.catalog import profile_of
from penstock.models.tiers import STANDARD, Tier, tier_of
from penstock.unknown import Unknown
from penstock.wire.view import View

_TIER_FIELDS = ("service_tier", "speed", "inference_geo")


class Ahead(msgspec.Struct, kw_only=True):
    """What is known before the first Send.

    Attributes:
        plan: with its prices as the cache model foresees them.
        arm: how the call is sent.
        before: what the client's bytes would do in the world without us, or None.
        planned: what the planned bytes would do in the world as it is, or None.
        sent: what the latest Send does in the world as it is, or None.
        trial: the part that a gate's candidate has in the call, or None.
    """

    plan: Plan
    arm: Arm
    before: Admission | None
    planned: Admission | None
    sent: Admission | None = None
    trial: Trial | None = None

    @property
    def treated(self) -> bool:
        """Whether the plan is what is sent."""
        return self.arm == "treated"

    def plan_again(self, facts: Facts, at: float, context: EngineContext) -> None:
        """Foresee the planned bytes anew, as sent at ``at``; ``facts`` are those of the planned request."""
        view = self.plan.planned
        self.planned = context.forecast.admission(context.forecast.actual, view, facts.profile, facts.counted.ends, at)

    def sending(self, view: View, at: float, context: EngineContext, call_id: str) -> None:
        """Work out what a Send of ``view`` at ``at`` does to the caches, and have it remembered until it begins."""
        forecast = context.forecast
        if view is not self.plan.view:
            forecast.part()
        if view is self.plan.view and not forecast.parted:
            self.sent = self.before
        elif view is self.plan.planned and self.sent is None and self.planned is not None:
            self.sent = self.planned
        else:
            tokens = counts_of(view, profile_of(view.model), context.evidence)
            self.sent = forecast.admission(forecast.actual, view, profile_of(view.model), tokens.ends, at)
        forecast.sending(call_id, baseline=self.before, actual=self.sent)


def look_ahead(view: View, request: Incoming, context: EngineContext) -> Ahead:
    """Everything before the first Send; MalformedRequest for a prompt that turns out to be beyond reading."""
    policy, forecast = context.policy, context.forecast
    task = task_of(view, request.task, policy, context.evidence.sites, at=request.started_at)
    arm = _arm(request, context)
    trial = context.gates.enter(view, task, policy, request) if arm == "treated" else None
    promoted = context.promoted(task) | (trial.promoted if trial is not None else frozenset())
    of_task = policy.task(task)
    _lay_out(view, task, context, routed=bool(promoted))
    pin = context.pin_of(task, request.session)
    facts = facts_for(
        view,
        task=task,
        policy=of_task,
        levers=policy.levers,
        prompts=policy.prompts,
        tiers=policy.tiers,
        evidence=context.evidence,
        now=request.started_at,
        session=request.session,
        scope=context.scope,
        tier=_tier_asked(view),
        promoted=promoted,
        waiting=waiting_edits(of_task, trial),
        pinned=pin.model,
        answered_by=pin.answered_by,
        retries=not request.streamed_to_caller,
    )
    before = forecast.admission(forecast.baseline, view, facts.profile, facts.counted.ends, request.started_at)
    if facts.policy.route is not None or promoted:
        facts = _with_warmth(facts, view, before, context)
    levers = () if request.bypass or context.stands_down(task) else context.levers
    plan = optimise(view, facts, levers, mode=policy.mode, foreseen=before)
    planned = _planned_admission(plan, before, context)
    return Ahead(plan=_foreseen(plan, before, planned), arm=arm, before=before, planned=planned, trial=trial)


def _lay_out(view: View, task: str, context: EngineContext, *, routed: bool) -> None:
    """Learn what varies in the task's prompts, before the plan: a text's layout is decided when it is first seen.

    Where nothing is paid for a write, no other model may be asked and no order is permitted, none is ever asked for.
    """
    policy = context.policy.task(task)
    if not context.policy.levers.cache or not policy.cache.enabled:
        return
    profile = profile_of(view.model)
    charged = not isinstance(profile, Unknown) and profile.charges_writes
    if not charged and policy.route is None and not routed and not policy.cache.stabilise:
        return
    try:
        context.evidence.layouts.observe(task, view)
        context.evidence.arrangements.observe(task, view)
    except Exception as error:  # noqa: BLE001 - fail open: without a layout a text is left as it is
        context.failures[f"layouts: {type(error).__name__}"] += 1


def _with_warmth(facts: Facts, view: View, before: Admission | None, context: EngineContext) -> Facts:
    """The facts with what the client's model holds of this prompt now."""
    forecast = context.forecast
    if forecast.parted:
        before = forecast.admission(forecast.actual, view, facts.profile, facts.counted.ends, facts.now)
    return facts if before is None else msgspec.structs.replace(facts, warm=before.split.read)


def _planned_admission(plan: Plan, before: Admission | None, context: EngineContext) -> Admission | None:
    forecast = context.forecast
    if plan.planned is plan.view and not forecast.parted:
        return before
    facts = plan.facts.seeing(plan.planned)
    return forecast.admission(forecast.actual, plan.planned, facts.profile, facts.counted.ends, facts.now)


def _foreseen(plan: Plan, before: Admission | None, planned: Admission | None) -> Plan:
    """The plan with the split that the cache model foresees for it in the place of a plain estimate."""
    if planned is None or (planned is before and plan.after is plan.before):
        return plan
    expected = plan.before.usage.output if plan.before.output_known else Unknown("no answer was seen")
    return msgspec.structs.replace(plan, after=foreseen_quote(plan.model, planned, plan.after.prices, expected))


def _arm(request: Incoming, context: EngineContext) -> Arm:
    if request.bypass:
        return "bypass"
    if context.policy.mode == "observe":
        return "observe"
    holdback = context.policy.holdback
    return arm_of(holdback.share, holdback.salt, session=request.session, call_id=request.call_id)


def _tier_asked(view: View) -> Tier:
    if view.lacks_all(_TIER_FIELDS):
        return STANDARD
    return tier_of(view.dialect, {name: view.get(name) for name in _TIER_FIELDS if not view.lacks(name)})

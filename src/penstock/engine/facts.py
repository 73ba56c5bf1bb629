"""What a lever may know: a snapshot, so that a plan is a function of the request and the facts."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from penstock.engine.counts import Counted, Counts, counted
from penstock.evidence.lengths import LengthKey
from penstock.evidence.store import Evidence
from penstock.models.catalog import profile_of
from penstock.models.prices import Prices, day_of, prices_on
from penstock.models.profile import Profile
from penstock.models.tiers import STANDARD, Tier
from penstock.money import Picodollars
from penstock.policy.schema import Levers, TaskPolicy
from penstock.policy.schema import Tier as RankedModels
from penstock.unknown import Unknown
from penstock.wire.outline import Outline
from penstock.wire.view import View

UNKNOWN_FAMILY = ""
"""The tokenizer family of a model that we do not know; estimates take a default ratio."""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """The facts for one request.

    Attributes:
        task: the task's name or fingerprint.
        policy: the task's policy.
        levers: the policy's switches.
        prompts: named texts of the policy, for route variants.
        tiers: ranks of models of the policy.
        profile: what the request's model is.
        prices: of that model, now, for a prompt of this size.
        tier: the price tier that the request asks for.
        now: seconds since the epoch.
        evidence: what was learnt; levers read it and never change it.
        outline: of the view that the facts are of.
        model: that it names.
        counted: tokens of its segments, estimated and calibrated for the model.
        session: the conversation's key, or None.
        scope: whose cache it is (a workspace or an organisation).
        promoted: models that the quality gate lets this task use.
        waiting: levers whose edits the quality gate keeps from this call.
        warm: prompt tokens that the client's own bytes would read from a cache now; Unknown when not foreseen.
        pinned: the model that this session was last sent to, or None.
        answered_by: the model that gave every answer of this session; None before the first, empty for several.
        retries: whether a cut answer can be asked for again before the caller sees it.
    """

    task: str
    policy: TaskPolicy
    levers: Levers
    prompts: Mapping[str, str]
    tiers: Mapping[str, RankedModels]
    profile: Profile | Unknown
    prices: Prices | Unknown
    tier: Tier
    now: float
    evidence: Evidence
    outline: Outline
    model: str
    counted: Counted
    session: str | None
    scope: str
    promoted: frozenset[str]
    waiting: frozenset[str]
    warm: int | Unknown
    pinned: str | None
    answered_by: str | None
    retries: bool

    @property
    def tokens(self) -> Counts:
        """Per segment of the view."""
        return self.counted.tokens

    @property
    def input_tokens(self) -> int:
        """The whole prompt, estimated."""
        return self.counted.total

    def band(self, view: View) -> tuple[float, float]:
        """The range of the estimate's error for a view's model, as factors."""
        return self.evidence.calibration.band(view.model)

    def expected_output(self, view: View) -> int | Unknown:
        """The mean billed output of this task on the view's model, from what was seen."""
        lengths = self.evidence.lengths.of(length_key(self.task, view))
        if lengths is None:
            return Unknown("no answer of this task and model was seen")
        mean = lengths.mean
        return mean if isinstance(mean, Unknown) else round(mean)

    def caches(self, view: View) -> bool:
        """Whether a conversation's prompt is cached at all: by the provider, by the client's marks or by ours."""
        if view.dialect.provider == "openai" or view.automatic_marker is not None:
            return True
        if self.levers.cache and self.policy.cache.enabled:
            return True
        return bool(view.outline.marked)

    def seeing(self, view: View) -> Facts:
        """The same facts for a request that edits have changed: counts, profile and prices of what it is now."""
        if view.model == self.model and view.outline.alike(self.outline):
            return self
        profile = profile_of(view.model)
        tokens = counts_of(view, profile, self.evidence)
        prices = prices_at(view.model, self.now, tokens.total, self.tier)
        return msgspec.structs.replace(
            self, profile=profile, outline=view.outline, model=view.model, counted=tokens, prices=prices
        )


def facts_for(
    view: View,
    *,
    task: str,
    policy: TaskPolicy,
    levers: Levers,
    evidence: Evidence,
    now: float,
    prompts: Mapping[str, str] | None = None,
    tiers: Mapping[str, RankedModels] | None = None,
    session: str | None = None,
    scope: str = "",
    tier: Tier = STANDARD,
    promoted: frozenset[str] = frozenset(),
    waiting: frozenset[str] = frozenset(),
    warm: int | Unknown | None = None,
    pinned: str | None = None,
    answered_by: str | None = None,
    retries: bool = False,
) -> Facts:
    """The facts for a view; what is left out is unknown, empty or the standard tier."""
    profile = profile_of(view.model)
    tokens = counts_of(view, profile, evidence)
    return Facts(
        task=task,
        policy=policy,
        levers=levers,
        prompts=prompts or {},
        tiers=tiers or {},
        profile=profile,
        prices=prices_at(view.model, now, tokens.total, tier),
        tier=tier,
        now=now,
        evidence=evidence,
        outline=view.outline,
        model=view.model,
        counted=tokens,
        session=session,
        scope=scope,
        promoted=promoted,
        waiting=waiting,
        warm=Unknown("no cache state") if warm is None else warm,
        pinned=pinned,
        answered_by=answered_by,
        retries=retries,
    )


def counts_of(view: View, profile: Profile | Unknown, evidence: Evidence) -> Counted:
    """Tokens per segment of a view, estimated for its model's tokenizer and corrected by what its provider counted."""
    family = UNKNOWN_FAMILY if isinstance(profile, Unknown) else profile.tokenizer
    return counted(view.outline, family, evidence.calibration.factor(view.model))


def compared(view: View, other: View, evidence: Evidence) -> tuple[int, int]:
    """Prompt tokens of two requests, comparable with each other: calibrated only when both models were measured."""
    together = evidence.calibration.together(view.model, other.model)
    totals = []
    for one in (view, other):
        profile = profile_of(one.model)
        family = UNKNOWN_FAMILY if isinstance(profile, Unknown) else profile.tokenizer
        factor = evidence.calibration.factor(one.model) if together else 1.0
        totals.append(counted(one.outline, family, factor).total)
    return totals[0], totals[1]


def prices_at(model: str, now: float, prompt_tokens: int, tier: Tier) -> Prices | Unknown:
    """A model's prices at an instant (seconds since the epoch), for a prompt of that size."""
    return prices_on(model, day_of(now), prompt_tokens=prompt_tokens, tier=tier)


_EFFORT_FIELDS = ("output_config", "reasoning", "reasoning_effort", "thinking")


def length_key(task: str, view: View) -> LengthKey:
    """What the output lengths of a request are kept under: task, model, and the effort or thinking that it asks for."""
    if view.lacks_all(_EFFORT_FIELDS):
        return LengthKey(task, view.model)
    effort = view.get("output_config", "effort") or view.get("reasoning", "effort") or view.get("reasoning_effort")
    thinking = view.get("thinking", "type")
    parts = [part for part in (effort, thinking) if isinstance(part, str)]
    return LengthKey(task, view.model, "/".join(parts))


def tokens_price(tokens: int, rate: int | Unknown) -> Picodollars | Unknown:
    """What so many tokens cost; Unknown when the rate is."""
    return rate if isinstance(rate, Unknown) else Picodollars(tokens * rate)

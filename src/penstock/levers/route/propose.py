"""The route lever: a task's calls to another model of the same dialect, with all that the change needs."""

from __future__ import annotations

from penstock.engine.counts import counted
from penstock.engine.edit import Action, Edit, Note, Risk
from penstock.engine.facts import UNKNOWN_FAMILY, Facts, prices_at
from penstock.levers.route.price import Side, saving_per_call
from penstock.levers.route.translate import Refused, translated
from penstock.levers.route.variant import with_system_text
from penstock.models.catalog import profile_of
from penstock.models.profile import Profile
from penstock.money import Picodollars, format_usd
from penstock.policy.schema import RoutePolicy
from penstock.unknown import Unknown
from penstock.wire.body import Operation
from penstock.wire.view import View

LEVER = "route"
_PROBE_ONE_IN = 50


def propose(view: View, facts: Facts) -> list[Edit | Note]:
    """The edits that send the request to the policy's model or the best of its tier, or to the gate's.

    Edits of one route stand or fall together. A note says why a model was not taken.
    """
    policy = facts.policy.route
    if policy is None:
        if not facts.promoted:
            return []
        policy = RoutePolicy()
    if not policy.enabled:
        return []
    wanted = sorted(facts.promoted) if policy.model is None else _models(policy.model, view, facts)
    if not wanted and policy.model is not None:
        return [Note(LEVER, f"the tier {policy.model} has no model of {view.dialect.provider}")]
    routes = [route_to(view, facts, model, policy) for model in wanted if model != view.model]
    taken = [one for one in routes if not isinstance(one, Note)]
    if not taken:
        return [one for one in routes if isinstance(one, Note)]
    best = max(taken, key=_known_saving)
    return [*best]


def _models(name: str, view: View, facts: Facts) -> tuple[str, ...]:
    """The models that a name of the policy stands for in the request's dialect."""
    tier = facts.tiers.get(name)
    return (name,) if tier is None else tier.of(view.dialect.provider)


def route_to(view: View, facts: Facts, model: str, policy: RoutePolicy) -> list[Edit] | Note:
    """The edits that send a request to ``model``, or why it cannot go there."""
    target = profile_of(model)
    if isinstance(target, Unknown):
        return Note(LEVER, f"{model} is not taken: what it accepts is unknown")
    if not isinstance(facts.profile, Unknown) and target.model == facts.profile.model:
        return Note(LEVER, f"{model} is the model that was asked for")
    prompt = _prompt_there(view, facts, model, target)
    high = round(prompt * facts.evidence.calibration.band(model)[1])
    own = policy.pin_sessions and facts.pinned == facts.answered_by == model
    operations = translated(view, target, prompt_tokens=high, own=own)
    if isinstance(operations, Refused):
        return Note(LEVER, f"{model} is not taken: {operations.why}{_abandoned(view, facts, model, prompt)}")
    operations += _variant(view, facts, policy, model, target)
    saving = _saving(view, facts, model, policy, prompt)
    return _edits(model, operations, saving, _why(view, facts, model, operations))


def _abandoned(view: View, facts: Facts, model: str, prompt: int) -> str:
    """What it costs that a session leaves the model that holds its prompt warm, as a clause."""
    if facts.pinned != model or not facts.caches(view):
        return ""
    here, there = facts.prices, prices_at(model, facts.now, prompt, facts.tier)
    if isinstance(here, Unknown) or isinstance(there, Unknown) or isinstance(there.cache_read, Unknown):
        return f"; leaves about {prompt:,} warm tokens behind"
    anew = here.input if isinstance(here.cache_write_5m, Unknown) else here.cache_write_5m
    if isinstance(anew, Unknown):
        return f"; leaves about {prompt:,} warm tokens behind"
    read, written = prompt * there.cache_read, facts.input_tokens * anew
    return (
        f"; leaves about {prompt:,} warm tokens behind, {format_usd(Picodollars(read))} to read there and "
        f"{format_usd(Picodollars(written))} to fill here"
    )


def _prompt_there(view: View, facts: Facts, model: str, target: Profile) -> int:
    """The prompt's tokens on the target: what they are here, times the ratio of the tokenizers."""
    if facts.evidence.calibration.together(view.model, model):
        return counted(view.outline, target.tokenizer, facts.evidence.calibration.factor(model)).total
    family = UNKNOWN_FAMILY if isinstance(facts.profile, Unknown) else facts.profile.tokenizer
    there = counted(view.outline, target.tokenizer, 1.0).total
    here = counted(view.outline, family, 1.0).total
    return round(facts.input_tokens * there / max(here, 1))


def _edits(model: str, operations: list[Operation], saving: Picodollars | Unknown, why: str) -> list[Edit]:
    """The model's edit carries the saving; the ones that go with it carry none of their own."""
    first = Edit(
        lever=LEVER,
        path=("model",),
        action=Action.SET,
        value=b'"' + model.encode() + b'"',
        why=why,
        saving=saving,
        risk=Risk.LOSSY,
        group=LEVER,
    )
    return [first, *(_beside(operation, model) for operation in operations)]


def _beside(operation: Operation, model: str) -> Edit:
    return Edit(
        lever=LEVER,
        path=operation.path,
        action=Action(operation.action),
        value=operation.value,
        why=f"goes with {model}",
        saving=Picodollars(0),
        risk=Risk.LOSSY,
        group=LEVER,
    )


def _variant(view: View, facts: Facts, policy: RoutePolicy, model: str, target: Profile) -> list[Operation]:
    name = policy.variants.get(model) or policy.variants.get(target.model)
    text = facts.prompts.get(name) if name is not None else None
    return [] if text is None else with_system_text(view, text)


def _saving(view: View, facts: Facts, model: str, policy: RoutePolicy, prompt: int) -> Picodollars | Unknown:
    here = facts.prices
    there = prices_at(model, facts.now, prompt, facts.tier)
    output = facts.expected_output(view)
    if isinstance(here, Unknown):
        return here
    if isinstance(there, Unknown):
        return there
    expected = 0 if isinstance(output, Unknown) else output
    warm, lasting, turns = _session(view, facts, policy)
    ratio = prompt / max(facts.input_tokens, 1)
    moved = facts.pinned == model
    stay = Side(here, facts.input_tokens, 0 if moved else warm, lasting, expected)
    switch = Side(there, prompt, round(lasting * ratio) if moved else 0, round(lasting * ratio), expected)
    escalation = 0.0 if not policy.cascade or _probes(view) else facts.evidence.escalations.share(facts.task, model)
    return saving_per_call(stay, switch, turns=turns, escalation=escalation)


def _session(view: View, facts: Facts, policy: RoutePolicy) -> tuple[int, int, float]:
    """Warm tokens on the model at hand, tokens that later turns share, and how many turns are expected."""
    known = facts.warm if isinstance(facts.warm, int) else 0
    if facts.session is None or not policy.pin_sessions:
        return known, known, 1.0
    lasting = facts.input_tokens if facts.caches(view) else known
    if facts.pinned == view.model and isinstance(facts.warm, Unknown):
        return lasting, lasting, policy.horizon_turns
    return known, lasting, policy.horizon_turns


def _probes(view: View) -> bool:
    """One prompt in fifty tries a model that is turned down too often, so that a better one is noticed."""
    segments = view.segments
    return bool(segments) and int.from_bytes(segments[-1].prefix[:4], "big") % _PROBE_ONE_IN == 0


def _known_saving(edits: list[Edit]) -> int:
    saving = edits[0].saving
    return saving if isinstance(saving, int) else -1


def _why(view: View, facts: Facts, model: str, operations: list[Operation]) -> str:
    parts = [f"{view.model} -> {model}"]
    if isinstance(facts.warm, int) and facts.warm and not isinstance(facts.prices, Unknown):
        read = facts.prices.cache_read
        if not isinstance(read, Unknown):
            left = format_usd(Picodollars(facts.warm * read))
            parts.append(f"leaves {facts.warm:,} warm tokens behind that would be read for {left}")
    if operations:
        names = sorted({str(operation.path[0]) for operation in operations})
        parts.append(f"changes {', '.join(names)} with it")
    return "; ".join(parts)

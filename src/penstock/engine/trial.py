"""A candidate's part in one call: what it is, whether it serves the call, and whether both arms answer it.

A candidate is what is sent in the place of what would be sent without a gate: another model, the same model with edits
that the policy has the gate test (``gate.edits``), or both together. The two arms of a trial differ in that and in
nothing else. The settings of the edits are part of what is tested, so other settings are another identity.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

import msgspec

from penstock.engine.easy import AskedText
from penstock.evidence.asked_again import Question
from penstock.evidence.gate import candidate_name
from penstock.models.names import resolve
from penstock.policy.schema import BrevityPolicy, GatePolicy, Policy, TaskPolicy, TrimPolicy
from penstock.wire.view import View


class Contest(NamedTuple):
    """What a call's task has tested.

    Attributes:
        reference: the model that is asked without a gate.
        model: the one that the candidate's arm asks.
        edits: the levers whose edits it has and the reference's arm has not.
        variant: digest of the settings of the task's edits, tested or not; empty where it has none.
    """

    reference: str
    model: str
    edits: tuple[str, ...]
    variant: str

    @property
    def swaps(self) -> bool:
        """Whether the candidate is another model."""
        return self.model != self.reference

    @property
    def name(self) -> str:
        """The candidate as the gate book keeps it."""
        return candidate_name(self.model if self.swaps else None, self.edits)


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """A candidate's part in one call.

    Attributes:
        task: the call's task.
        policy: its gate section.
        contest: what is tested.
        question: what the call asks.
        asked: what its difficulty is told by.
        serves: whether the gate lets the candidate answer this call.
        easy: whether it does so only because the prompt is easy.
        paired: whether the call is one that both arms shall answer.
    """

    task: str
    policy: GatePolicy
    contest: Contest
    question: Question
    asked: AskedText
    serves: bool
    paired: bool
    easy: bool = False

    @property
    def candidate(self) -> str:
        """The candidate as the gate book keeps it."""
        return self.contest.name

    @property
    def promoted(self) -> frozenset[str]:
        """The models that the gate lets this call use."""
        return frozenset({self.contest.model}) if self.serves and self.contest.swaps else frozenset()


def contest_of(view: View, task: str, policy: Policy) -> Contest | None:
    """What is tested on a call, or None where its task has no gate or the call takes no part in it."""
    of_task = policy.task(task)
    gate = of_task.gate
    if gate is None or not gate.enabled:
        return None
    if gate.reference is not None and not same_model(view.model, gate.reference):
        return None
    variant = _variant(of_task.trim, of_task.brevity)
    if gate.candidate is None:
        model = _asked_anyway(view, of_task, policy)
        return Contest(model, model, gate.edits, variant)
    models = policy.models(gate.candidate, view.dialect.provider)
    if not models or same_model(view.model, models[0]):
        return None
    return Contest(view.model, models[0], gate.edits, variant)


def waiting_edits(policy: TaskPolicy, trial: Trial | None) -> frozenset[str]:
    """The levers whose edits the gate keeps from a call: all that it tests, but where the candidate serves the call."""
    if policy.gate is None or (trial is not None and trial.serves):
        return frozenset()
    return frozenset(policy.gate.edits)


def same_model(one: str, other: str) -> bool:
    """Whether two names stand for one model, whatever dates they carry."""
    if one == other:
        return True
    mine, theirs = resolve(one), resolve(other)
    return mine is not None and theirs is not None and mine == theirs


def digest(*parts: str) -> str:
    """16 hex digits of some texts."""
    joined = "\0".join(parts).encode("utf-8", "surrogatepass")
    return blake2b(joined, digest_size=8).hexdigest()


def _asked_anyway(view: View, policy: TaskPolicy, whole: Policy) -> str:
    """The model of both arms where only edits are tested: the route's, where the policy has one by its own word."""
    route = policy.route
    if route is None or not route.enabled or route.model is None or not whole.levers.route:
        return view.model
    return next(iter(whole.models(route.model, view.dialect.provider)), view.model)


@lru_cache(maxsize=256)
def _variant(trim: TrimPolicy | None, brevity: BrevityPolicy | None) -> str:
    sections = [one for one in (trim, brevity) if one is not None and one.enabled]
    return digest(*(msgspec.json.encode(one).decode() for one in sections)) if sections else ""

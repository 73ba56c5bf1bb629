"""Beside a call whose answer is there: the same question to the other arm, the score of the pair, and its cost.

The candidate answered the caller   the reference is asked in its shadow, as it is without a gate
the reference answered              the candidate is asked, with what the plan would have sent to it
the cascade asked both              nothing more is sent

A pair whose answers differ goes to the user's grader or to a judge model, where the task has one (``engine.grading``).
What a shadow cannot be compared with (no answer, another model than foreseen, a provider that is down) teaches nothing.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence

import msgspec

from penstock.engine.again import Again
from penstock.engine.arms import candidate_view, differ, reference_view
from penstock.engine.attempt import Attempt, read_attempt
from penstock.engine.context import EngineContext
from penstock.engine.grading import Grading, Pair, extra_of
from penstock.engine.pending import PendingPair
from penstock.engine.plan import Plan
from penstock.engine.record import Call, ExtraSend
from penstock.engine.steps import WRITTEN_OFF, Result, Send, Sent, Shadow, Step
from penstock.engine.trial import Trial, same_model
from penstock.evidence.scores import answer_digest, field_digests, pair_score, said
from penstock.levers.route.verify import verify
from penstock.models.tiers import STANDARD
from penstock.money import Picodollars
from penstock.policy.schema import RoutePolicy
from penstock.wire.answer import Answer
from penstock.wire.view import View

_CHECKS = ("tool", "schema")
_UNFIT = frozenset({400, 404, 413, 422})

_NO_ANSWER = Answer(text="", refused=True)

Spent = Sequence[tuple[Attempt, Again]]


class Beside:
    """What happens beside one treated call.

    Args:
        trial: the candidate's part in the call.
        plan: that was sent.
        context: shared by the calls.
    """

    __slots__ = ("_at", "_context", "_model", "_plan", "_reference", "_trial")

    def __init__(self, trial: Trial, plan: Plan, context: EngineContext) -> None:
        self._trial = trial
        self._plan = plan
        self._context = context
        self._reference, self._model = trial.contest.reference, trial.contest.model
        self._at = plan.facts.now

    @property
    def waits(self) -> bool:
        """Whether a shadow may go by batch, so that its answer comes hours later."""
        return self._trial.policy.shadow_batch and self._trial.paired

    def steps(self, attempt: Attempt, spent: Spent, call: Call) -> Generator[Step, Result, Call]:
        """The steps; returns the record with what they cost in the books.

        Args:
            attempt: whose answer the caller gets.
            spent: the attempts before it.
            call: the record so far.
        """
        if not differ(self._trial, self._plan):
            return call
        mine = next((one for one in (*(one for one, _ in spent), attempt) if self._is_candidate(one)), None)
        if mine is not None:
            self._tell_served(mine, spent)
        if attempt.accepted and (attempt is mine or _by(attempt, self._reference)):
            self._context.gates.answered(self._trial, by_candidate=attempt is mine, at=attempt.sent.ended_at)
        if not self._trial.paired or not attempt.accepted or attempt.answer is None:
            return call
        theirs = attempt if attempt is not mine and _answered(attempt, self._reference) else None
        if mine is not None and theirs is not None:
            _, extras = yield from self._compared(theirs, mine, attempt, call)
            return _with(call, extras)
        if (mine is None and theirs is None) or (mine is not None and not _answered(mine, self._model)):
            return call
        shadow = yield from self._shadow(attempt, call, serving=mine is not None)
        if shadow is None:
            return call
        reference, candidate = (attempt, shadow) if mine is None else (shadow, mine)
        reason, extras = yield from self._compared(reference, candidate, attempt, call)
        return _with(call, [extra_of(shadow, "shadow", reason), *extras])

    def _is_candidate(self, attempt: Attempt) -> bool:
        """Whether an attempt was the candidate's: told by its model, or by the tested edits where that is the same."""
        if not _by(attempt, self._model):
            return False
        if self._trial.contest.swaps:
            return True
        served = self._trial.serves and any(map(self._plan.has, self._trial.contest.edits))
        return served and attempt.view is not self._plan.view

    def _shadow(self, attempt: Attempt, call: Call, *, serving: bool) -> Generator[Step, Result, Attempt | None]:
        """Ask the other model, if the day's bound allows; None when it was not asked."""
        if not self._context.gates.affords(self._trial, self._at):
            return None
        arm = reference_view if serving else candidate_view
        view = arm(self._trial, self._plan, self._context.levers)
        if view is None:
            return None
        return (yield from self._asked(view, attempt, call, "shadow"))

    def _asked(self, view: View, attempt: Attempt, call: Call, purpose: str) -> Generator[Step, Result, Attempt | None]:
        """Send a request that no caller waits for, and book it against the day's bound."""
        batch = purpose == "shadow" and self.waits
        reserved = (attempt.cost or 0) // 2 if batch else 0  # until it is known, so that the day's bound holds
        self._context.gates.spend(self._trial, Picodollars(reserved), self._at)
        result = yield Shadow(
            body=view.raw,
            model=view.model,
            dialect=view.dialect,
            task=self._trial.task,
            call_id=call.id,
            sent=attempt.sent,
            call=call,
            plan=self._plan,
            purpose=purpose,
            batch=batch,
            pending=self._pending(attempt, view.model, call.id) if batch else None,
        )
        self._context.gates.spend(self._trial, Picodollars(-reserved), self._at)
        if not isinstance(result, Sent):
            return None
        send = Send(body=view.raw, model=view.model, dialect=view.dialect, purpose=purpose)
        tier = self._plan.facts.tier if purpose == "shadow" else STANDARD
        asked = read_attempt(send, view, result, tier)
        self._context.gates.spend(self._trial, _at_least(asked, attempt), self._at)
        return asked

    def _pending(self, shown: Attempt, asked: str, call_id: str) -> PendingPair | None:
        """What to keep of a pair whose other answer comes by batch; None where there is nothing to compare with."""
        gates, trial, answer = self._context.gates, self._trial, shown.answer
        gate = gates.book.gates.get(trial.task, {}).get(trial.candidate)
        if answer is None or gate is None:
            return None
        fields = None if trial.policy.grader is not None else field_digests(answer, call_id)
        alone = trial.policy.grader is None and trial.policy.judge is None
        return PendingPair(
            call_id=call_id,
            at=self._at,
            task=trial.task,
            candidate=trial.candidate,
            opened_at=gate.opened_at,
            shown="candidate" if self._is_candidate(shown) else "reference",
            digest=answer_digest(answer),
            passes=_passes(self._plan, answer) and not (answer.refused or answer.truncated),
            version=answer.model,
            asked=asked,
            dialect=self._plan.view.dialect,
            geo=self._plan.facts.tier.geo,
            final=alone and (fields is not None or said(answer) is None),
            fields=fields,
        )

    def _compared(
        self, reference: Attempt, candidate: Attempt, shown: Attempt, call: Call
    ) -> Generator[Step, Result, tuple[str, list[ExtraSend]]]:
        """Score a pair and tell the gate; what came of it, for the record, and what the scoring cost."""
        if WRITTEN_OFF in (reference.sent.error_kind, candidate.sent.error_kind):
            return "written off: its batch was not over when the process ended", []
        if reference.answer is None or not _answered(reference, self._reference):
            return "not compared: the reference did not answer", []
        answered = candidate.answer is not None and _answered(candidate, self._model)
        if not answered and candidate.sent.status not in _UNFIT:
            return "not compared: the candidate did not answer", []
        answer = candidate.answer if answered and candidate.answer is not None else _NO_ANSWER
        score = pair_score(
            reference.answer,
            answer,
            reference_passes=_passes(self._plan, reference.answer),
            candidate_passes=_passes(self._plan, answer),
        )
        pair = Pair(reference.answer, answer)
        score, extras = yield from Grading(self._trial, self._plan, self._context, self._asked).scored(
            score, pair, shown, call
        )
        self._context.gates.pair(
            self._trial, score, reference=reference.answer.model, candidate=answer.model, at=self._at
        )
        if not score.known:
            return "not scored: no grade came", extras
        if score.difference < 0.0:
            return f"disagreed by {-score.difference:.2f} ({score.rule})", extras
        return f"agreed ({score.rule})", extras

    def _tell_served(self, mine: Attempt, spent: Spent) -> None:
        """The free signals of a candidate that serves, on every call of its own."""
        if not mine.accepted and mine.sent.status not in _UNFIT:
            return  # overloaded or unreachable says nothing about quality
        if mine.accepted and not _answered(mine, self._model):
            return  # a driver's stand-in answered
        turned_down = any(one is mine and again.fate in ("rejected", "refused") for one, again in spent)
        accepted = mine.accepted and not turned_down and mine.answer is not None and _passes(self._plan, mine.answer)
        version = mine.answer.model if mine.answer is not None else ""
        self._context.gates.served(self._trial, accepted=accepted, version=version, at=self._at)


def _by(attempt: Attempt, model: str) -> bool:
    return same_model(attempt.send.model, model)


def _answered(attempt: Attempt, model: str) -> bool:
    """Whether a model was asked and, as far as the answer says, is the one that answered."""
    if not attempt.accepted or attempt.answer is None or not _by(attempt, model):
        return False
    return not attempt.answer.model or same_model(attempt.answer.model, model)


def _passes(plan: Plan, answer: Answer) -> bool:
    """Whether an answer passes the free checks: those that the request implies and those of the policy."""
    route = plan.facts.policy.route or RoutePolicy()
    checks = tuple(dict.fromkeys((*route.verify, *_CHECKS)))
    return verify(plan.view, answer, msgspec.structs.replace(route, verify=checks)) is None


def _with(call: Call, extras: Sequence[ExtraSend]) -> Call:
    return msgspec.structs.replace(call, extra_sends=(*call.extra_sends, *extras)) if extras else call


def _at_least(shadow: Attempt, attempt: Attempt) -> Picodollars:
    """What a shadow counts for against the day's bound: its cost, or the call's where its own is unknown."""
    known = shadow.cost if shadow.cost is not None else attempt.cost
    return known if known is not None else Picodollars(0)

"""How a pair of answers that are not equal is scored: by the user's grader, else as fields, else by a judge model.

A grader that fails is counted, and the bound without a grade stands in (``evidence.scores``).
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from math import isfinite
from typing import NamedTuple

from penstock.engine.attempt import Attempt
from penstock.engine.context import EngineContext
from penstock.engine.holdback import draw
from penstock.engine.judging import judge_request, verdict_of
from penstock.engine.plan import Plan
from penstock.engine.record import Call, ExtraSend
from penstock.engine.steps import Grade, Graded, Result, Step
from penstock.engine.trial import Trial
from penstock.evidence.scores import PairScore, graded, ungraded
from penstock.wire.answer import Answer
from penstock.wire.view import View

_SETTLED = frozenset({"validity", "equal"})
_BY_VERDICT = {"reference": (1.0, 0.0), "candidate": (0.0, 1.0), "tie": (1.0, 1.0)}

Ask = Callable[[View, Attempt, Call, str], Generator[Step, Result, Attempt | None]]
"""Sends a request that no caller waits for: the request, the attempt that is shown, its record, the purpose."""


class Pair(NamedTuple):
    """Two answers to one request."""

    reference: Answer
    candidate: Answer


class Grading:
    """What decides about the pairs of one call.

    Args:
        trial: the candidate's part in the call.
        plan: that was sent.
        context: counts what fails.
        ask: sends the question to a judge.
    """

    __slots__ = ("_ask", "_context", "_plan", "_trial")

    def __init__(self, trial: Trial, plan: Plan, context: EngineContext, ask: Ask) -> None:
        self._trial = trial
        self._plan = plan
        self._context = context
        self._ask = ask

    def scored(
        self, score: PairScore, pair: Pair, shown: Attempt, call: Call
    ) -> Generator[Step, Result, tuple[PairScore, list[ExtraSend]]]:
        """The score of a pair, and what it cost to get it.

        Args:
            score: by the rules that need nobody.
            pair: the answers.
            shown: the attempt whose answer the caller has.
            call: its record.
        """
        gate = self._trial.policy
        if score.rule in _SETTLED:
            return score, []
        if gate.grader is not None:
            grade = Grade(
                grader=gate.grader,
                timeout_s=gate.grader_timeout_s,
                task=self._trial.task,
                request=self._plan.view.raw,
                reference=pair.reference,
                candidate=pair.candidate,
                call_id=call.id,
                sent=shown.sent,
                call=call,
                plan=self._plan,
            )
            return self._by_grader(score, (yield grade)), []
        if gate.judge is not None and score.rule == "differ":
            return (yield from self._by_judge(gate.judge, score, pair, shown, call))
        return score, []

    def _by_grader(self, score: PairScore, result: Result) -> PairScore:
        if isinstance(result, Graded) and result.scores is not None:
            reference, candidate = result.scores
            if all(isfinite(one) and 0.0 <= one <= 1.0 for one in result.scores):
                return graded(score, reference, candidate, "grader")
            result = Graded(None, "not_in_0_1")
        error = result.error if isinstance(result, Graded) else "given_up"
        self._context.failures[f"grader: {error}"] += 1
        return ungraded(score)

    def _by_judge(
        self, model: str, score: PairScore, pair: Pair, shown: Attempt, call: Call
    ) -> Generator[Step, Result, tuple[PairScore, list[ExtraSend]]]:
        """Ask the judge, in an order that the call's id draws."""
        reference_first = draw("judge", call.id) < 0.5  # noqa: PLR2004 - a fair coin
        first, second = pair if reference_first else (pair.candidate, pair.reference)
        view = judge_request(self._plan.view, model, first, second)
        if view is None:
            self._context.failures["judge: cannot_be_asked"] += 1
            return ungraded(score), []
        asked = yield from self._ask(view, shown, call, "judge")
        if asked is None:
            self._context.failures["judge: given_up"] += 1
            return ungraded(score), []
        verdict = verdict_of(asked.answer if asked.accepted else None, reference_first=reference_first)
        if verdict is None:
            self._context.failures["judge: no_verdict"] += 1
            return ungraded(score), [extra_of(asked, "judge", "no verdict")]
        said = "a tie" if verdict == "tie" else f"the {verdict} is better"
        return graded(score, *_BY_VERDICT[verdict], "judge"), [extra_of(asked, "judge", said)]


def extra_of(attempt: Attempt, purpose: str, reason: str) -> ExtraSend:
    """A request of ours that no caller waited for, as the books keep it."""
    return ExtraSend(
        purpose=purpose,
        model=attempt.send.model,
        reason=reason,
        status=attempt.sent.status,
        usage=attempt.usage,
        cost=attempt.cost,
    )

"""What an audit finds: a kind of waste in a task, in dollars with their basis, and what would fix it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

import msgspec

from penstock.money import Picodollars
from penstock.unknown import Unknown


class Measure(StrEnum):
    """What a finding's dollars are."""

    SAVING = "saving"  # what the fix saves, computed by the rules that will bill it
    LOSS = "loss"  # what was spent for nothing
    QUESTION = "question"  # what could be saved if the quality gate says yes; no promise
    SPEND = "spend"  # what it costs; nothing is wrong with it by itself
    ADVICE = "advice"  # worth doing for other reasons; what it saves is nothing, or less


class Pool(StrEnum):
    """Which tokens a finding's dollars stand for; findings of one pool in a task compete and are counted once."""

    PROMPT = "prompt"
    OUTPUT = "output"
    CALLS = "calls"
    MODEL = "model"


class Verdict(StrEnum):
    """Whether a task is worth the work."""

    WORTH = "worth it"
    ASK = "ask the gate"
    NOT_WORTH = "not worth it"
    UNKNOWN = "cannot say"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One finding.

    Attributes:
        kind: stable word for programs (``never_cached``).
        task: the task; empty for the whole log.
        model: the model; empty for all.
        title: one line, no prompt text.
        detail: a sentence or two: why, how it was found, what would change.
        measure: what the dollars are.
        pool: which tokens they stand for.
        dollars: over the log, in picodollars.
        dollars_month: the same scaled to thirty days.
        basis: how the dollars were computed, and from how many calls.
        calls: calls concerned.
        evidence: figures and places for programs and for the curious; plain JSON values.
        fix: policy keys for the task (``{"cap": {"enabled": true}}``); empty when the fix is not a policy's.
        opt_in: policy keys that can change answers, and wait for a decision.
        gated: policy keys that can change answers, with the gate that keeps them from callers until evidence says yes.
        advice: what to do where no policy can; empty otherwise.
    """

    kind: str
    task: str
    model: str
    title: str
    detail: str
    measure: Measure
    pool: Pool
    dollars: Picodollars | Unknown
    dollars_month: Picodollars | Unknown
    basis: str
    calls: int
    evidence: Mapping[str, Any] = {}
    fix: Mapping[str, Mapping[str, Any]] = {}
    opt_in: Mapping[str, Mapping[str, Any]] = {}
    gated: Mapping[str, Mapping[str, Any]] = {}
    advice: str = ""

    @property
    def counts(self) -> bool:
        """Whether its dollars are part of the possible saving."""
        return self.measure in (Measure.SAVING, Measure.LOSS) and not isinstance(self.dollars, Unknown)


_ORDER = {Measure.SAVING: 0, Measure.LOSS: 0, Measure.QUESTION: 1, Measure.SPEND: 2, Measure.ADVICE: 3}


def by_size(finding: Finding) -> tuple[int, bool, int, str, str, str]:
    """The order of a report: savings and losses, questions, spend, advice; the largest first in each."""
    dollars = finding.dollars
    amount = 0 if isinstance(dollars, Unknown) else int(dollars)
    unknown = isinstance(dollars, Unknown)
    return (_ORDER[finding.measure], unknown, -amount, finding.task, finding.kind, finding.model)


def open_questions(findings: Iterable[Finding], task: str | None = None) -> Picodollars:
    """What the questions could save over the log, if the gate agrees to the largest of each task and model."""
    best: dict[tuple[str, str], int] = {}
    for finding in findings:
        dollars = finding.dollars
        asked = finding.measure is Measure.QUESTION and task in (None, finding.task)
        if asked and not isinstance(dollars, Unknown):
            key = (finding.task, finding.model)
            best[key] = max(best.get(key, 0), int(dollars))
    return Picodollars(sum(best.values()))


def possible_saving(findings: list[Finding], task: str | None = None) -> Picodollars:
    """What the findings could save over the log: of findings that compete for the same tokens, the largest counts."""
    best: dict[tuple[str, str, Pool], int] = {}
    for finding in findings:
        if finding.counts and (task is None or finding.task == task):
            key = (finding.task, finding.model, finding.pool)
            amount = finding.dollars
            best[key] = max(best.get(key, 0), 0 if isinstance(amount, Unknown) else int(amount))
    return Picodollars(sum(best.values()))

"""All gates together: who may be promoted now, what each still needs, and decisions by hand.

Hypotheses are judged together by e-BH, so that trying many tasks and many models does not promote by luck. Counted are
all gates with at least one sample that are not held, and beside its gate each easy part of a task that was looked for.
A gate with an obstacle other than its e-value (too few samples, too short a span, the reference not above its floor)
takes part with an e-value of 0, and keeps its place in the count.
"""

from __future__ import annotations

from math import ceil, exp, inf, log
from typing import Any

import msgspec

from penstock.evidence.betting import NonInferiority
from penstock.evidence.ebh import believed, log_threshold
from penstock.evidence.gate import Gate, Identity, State, Terms, copied, merge_gates

_EASY = "easy"


class Needed(msgspec.Struct, frozen=True):
    """What is still missing for a promotion.

    Attributes:
        samples: paired samples at the present disagreement; None when the evidence does not grow.
        seconds: time until the least span is reached.
    """

    samples: int | None
    seconds: float


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """One gate as people read it.

    Attributes:
        candidate: its name; model: the one that its arm asks; edits: levers whose edits are tested with it.
        e_value: evidence for "not worse than the margin"; threshold: what it must reach now, all tasks considered.
        n: paired samples of this attempt; losses and wins: their sums of score.
        mean: mean difference; None before any.
        reference_mean, reference_low: the reference's own score and its lower bound; None before any.
        needed: None when serving or held.
        why: one line: the obstacles, or the latest entry of the history.
    """

    task: str
    reference: str
    candidate: str
    model: str
    edits: tuple[str, ...]
    state: State
    e_value: float
    threshold: float
    n: int
    losses: float
    wins: float
    mean: float | None
    reference_mean: float | None
    reference_low: float | None
    attempt: int
    served: int
    watched: int
    pinned: bool
    needed: Needed | None
    why: str


class GateBook(msgspec.Struct):
    """The gates of every task and candidate.

    Attributes:
        terms: default terms; ``task_terms``: where a task has its own (alpha is shared and taken from the default).
        gates: task -> name of the candidate -> gate.
    """

    terms: Terms = Terms()
    task_terms: dict[str, Terms] = msgspec.field(default_factory=dict[str, Terms])
    gates: dict[str, dict[str, Gate]] = msgspec.field(default_factory=dict[str, dict[str, Gate]])

    def terms_of(self, task: str) -> Terms:
        """The terms of a task."""
        return self.task_terms.get(task, self.terms)

    def gate(
        self,
        task: str,
        identity: Identity,
        *,
        at: float,
        candidate: str | None = None,
        edits: tuple[str, ...] = (),
    ) -> Gate:
        """The gate of a task's candidate, opened in shadow when new and begun again when the identity changed.

        Args:
            task: name or fingerprint.
            identity: what is tested now.
            at: epoch seconds.
            candidate: its name, where that is not the identity's model.
            edits: levers whose edits are tested.
        """
        of_task = self.gates.setdefault(task, {})
        name = candidate or identity.candidate
        found = of_task.get(name)
        if found is None:
            found = Gate(task, name, identity, at, NonInferiority(margin=self.terms_of(task).margin), edits=edits)
            of_task[name] = found
        else:
            found.retarget(identity, at, self.terms_of(task))
        return found

    def review(self, at: float) -> tuple[Gate, ...]:
        """Take every decision that the evidence allows now; the gates whose state changed."""
        changed = []
        for gate in self._all():
            terms = self.terms_of(gate.task)
            if gate.state is State.CANARY and gate.served >= terms.canary_calls:
                gate.move(State.PROMOTED, at, why=f"{gate.served} calls served without an alarm", by="evidence")
                changed.append(gate)
            elif gate.state in (State.SHADOW, State.DEMOTED) and gate.reference_is_broken(terms):
                why = f"the reference scores below its floor of {terms.reference_floor:.2f}"
                gate.move(State.HELD, at, why=why, by="floor")
                changed.append(gate)
        accepted = believed(self._evidence(), self.terms.alpha)
        for gate in self._all():
            if (gate.task, gate.candidate) in accepted and not gate.serving:
                gate.start_canary(
                    at, self.terms_of(gate.task), why=f"e-value over {gate.test.n} samples is high enough"
                )
                changed.append(gate)
        return tuple(changed)

    def hold(self, task: str, candidate: str, *, at: float, by: str, why: str) -> None:
        """A person stops the candidate: the reference serves until they say otherwise. KeyError when unknown."""
        gate = self.gates[task][candidate]
        gate.restart(at, self.terms_of(task), why=why, by=f"person:{by}")
        gate.move(State.HELD, at, why=why, by=f"person:{by}")

    def release(self, task: str, candidate: str, *, at: float, by: str, why: str) -> None:
        """A person ends a hold: shadow, with fresh evidence. KeyError when unknown."""
        self.gates[task][candidate].restart(at, self.terms_of(task), why=why, by=f"person:{by}")

    def promote(self, task: str, candidate: str, *, at: float, by: str, why: str) -> None:
        """A person promotes on their own word; the detectors watch all the same. KeyError when unknown."""
        gate = self.gates[task][candidate]
        gate.start_canary(at, self.terms_of(task), why=why, by=f"person:{by}")
        if gate.state is State.CANARY:
            gate.move(State.PROMOTED, at, why=why, by=f"person:{by}")

    def pin(self, task: str, candidate: str, *, at: float, by: str, why: str) -> None:
        """A person promotes and wants it to stay so: alarms are recorded and change nothing. KeyError when unknown."""
        self.promote(task, candidate, at=at, by=by, why=why)
        self.gates[task][candidate].pinned = True

    def statuses(self) -> tuple[Status, ...]:
        """All gates as people read them, by task and candidate."""
        evidence = self._evidence()
        return tuple(self._status(gate, evidence) for gate in self._all())

    def merge(self, other: GateBook) -> None:
        """Add another book over disjoint calls; the terms stay this one's."""
        for task, of_task in other.gates.items():
            mine = self.gates.setdefault(task, {})
            for candidate, gate in of_task.items():
                mine[candidate] = merge_gates(mine[candidate], gate) if candidate in mine else copied(gate)

    def to_builtins(self) -> dict[str, Any]:
        """The gates as plain JSON values; the terms belong to the policy and stay behind."""
        return {"gates": msgspec.to_builtins(self.gates, str_keys=True)}

    @classmethod
    def from_builtins(cls, value: dict[str, Any]) -> GateBook:
        """The book that ``to_builtins`` wrote; ValueError for anything else."""
        return cls(gates=msgspec.convert(value["gates"], dict[str, dict[str, Gate]], strict=False))

    def _all(self) -> list[Gate]:
        return [gate for _, of_task in sorted(self.gates.items()) for _, gate in sorted(of_task.items())]

    def easy_bar(self, task: str, candidate: str, log_e: float) -> float:
        """The log e-value that each threshold of a task's easy part must reach, when its first one reaches ``log_e``.

        KeyError when there is no such gate.
        """
        gate = self.gates[task][candidate]
        key = (task, candidate, _EASY)
        behind = gate.attempt * log(2.0)
        return log_threshold({**self._evidence(), key: log_e - behind}, key, self.terms.alpha) + behind

    def _evidence(self) -> dict[tuple[str, ...], float]:
        values: dict[tuple[str, ...], float] = {}
        for gate in self._all():
            key = (gate.task, gate.candidate)
            easy = gate.easy
            if easy is not None and easy.log_e is not None and not easy.dropped and gate.state is not State.HELD:
                values[*key, _EASY] = easy.log_e - gate.attempt * log(2.0)
            if gate.state is State.HELD or (gate.serving and gate.certified is None):
                continue  # decided by a person, or not a test any more
            if gate.serving:
                values[key] = gate.log_e
            elif gate.test.n:
                values[key] = -inf if gate.obstacles(self.terms_of(gate.task)) else gate.log_e
        return values

    def _status(self, gate: Gate, evidence: dict[tuple[str, ...], float]) -> Status:
        terms = self.terms_of(gate.task)
        key = (gate.task, gate.candidate)
        bar = log_threshold({**evidence, key: gate.log_e}, key, self.terms.alpha)
        obstacles = gate.obstacles(terms)
        waiting = gate.state in (State.SHADOW, State.DEMOTED)
        latest = gate.history[-1].why if gate.history else "no samples yet"
        if waiting and gate.test.n:
            latest = "; ".join(obstacles) or f"e-value {_e(gate.log_e):.3g} of {_e(bar):.3g}"
        return Status(
            task=gate.task,
            reference=gate.identity.reference,
            candidate=gate.candidate,
            model=gate.identity.candidate,
            edits=gate.edits,
            state=gate.state,
            e_value=_e(gate.log_e),
            threshold=_e(bar),
            n=gate.test.n,
            losses=gate.test.losses,
            wins=gate.test.wins,
            mean=gate.test.mean,
            reference_mean=gate.reference.mean,
            reference_low=gate.reference.lower(terms.floor_alpha) if gate.reference.n else None,
            attempt=gate.attempt,
            served=gate.served,
            watched=gate.paired.n if gate.paired else 0,
            pinned=gate.pinned,
            needed=_needed(gate, terms, bar) if waiting else None,
            why=latest,
        )


def _needed(gate: Gate, terms: Terms, bar: float) -> Needed:
    by_evidence = gate.test.still_needed(bar + gate.attempt * log(2.0))
    by_count = max(0, terms.n_min - gate.test.n)
    return Needed(
        samples=None if by_evidence is None else max(by_evidence, by_count),
        seconds=max(0.0, terms.span_s - gate.span),
    )


def _e(log_value: float) -> float:
    return exp(min(690.0, max(-690.0, log_value)))


def payback_calls(samples: float, *, price_ratio: float, judge_ratio: float = 0.0, paired_share: float = 0.02) -> int:
    """Calls after which qualification has paid for itself, in calls served by the candidate (statistics 2.2).

    Args:
        samples: paired samples that promotion takes.
        price_ratio: cost of the candidate's call over the reference's.
        judge_ratio: cost of judging a pair over the reference's call.
        paired_share: share of calls that both models answer after promotion.

    Returns:
        ``ceil(samples * (price_ratio + judge_ratio) / (1 - price_ratio - paired_share * (1 + judge_ratio)))``.

    Raises:
        ValueError: the candidate never pays (the saving per call is not positive).
    """
    saving = 1.0 - price_ratio - paired_share * (1.0 + judge_ratio)
    if saving <= 0.0:
        raise ValueError("the candidate saves nothing after the watching is paid")
    return ceil(samples * (price_ratio + judge_ratio) / saving)

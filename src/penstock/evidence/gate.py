"""The quality gate of one candidate for one task: earned by evidence, lost by evidence.

    shadow ----evidence----> canary ----served quietly----> promoted
      ^  ^                     |                               |
      |  +--hard trigger-------+-------------------------------+   another model version, prompt,
      |                        |                                   schema or setting of an edit
      |                        +---------detector--------------+--> demoted --evidence, at half the alpha--> canary
    held: by a person, or because the reference itself scores below its floor; only a person or a trigger ends it

In shadow and demoted the reference answers every caller and the candidate answers a sample on the side; in canary the
candidate serves a small share; when promoted it serves all but the reference still answers a sample on the side.
Evidence for promotion is the betting test, with a least number of samples, a least span of time and an absolute floor
under the reference (a broken reference is easily beaten). A candidate is another model, the same model with an edited
request (trimmed, or asked to be brief), or another model with an edited request. Many tasks are judged together in
``gatebook``.
"""

from __future__ import annotations

from enum import StrEnum
from math import log

import msgspec

from penstock.evidence.betting import NonInferiority
from penstock.evidence.confidence import ScoreCounts
from penstock.evidence.detector import DropDetector, paired_baseline


class State(StrEnum):
    """Where a candidate stands for a task."""

    SHADOW = "shadow"
    CANARY = "canary"
    PROMOTED = "promoted"
    DEMOTED = "demoted"
    HELD = "held"


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What a candidate must show, and how closely it is watched afterwards.

    Attributes:
        margin: largest acceptable mean loss of score.
        alpha: bound on the expected share of false promotions among the promoted, over all tasks.
        reference_floor: the reference's mean score must be shown to lie above this.
        floor_alpha: error probability of that statement.
        n_min: least number of paired samples.
        span_s: least time in seconds between the first and the last of them.
        canary_share: share of calls that a candidate in canary serves.
        canary_calls: calls to serve without an alarm before promotion.
        shadow_share: share of calls answered by both models before promotion.
        watch_share: the same after it.
        run_length: mean number of observations to a false alarm of a detector.
        free_tolerance: fall of a free signal's rate (schema, refusal, truncation, escalation; not asked again by the
            user) that is not yet a drop.
    """

    margin: float = 0.02
    alpha: float = 0.05
    reference_floor: float = 0.5
    floor_alpha: float = 0.05
    n_min: int = 60
    span_s: float = 86_400.0
    canary_share: float = 0.1
    canary_calls: int = 50
    shadow_share: float = 0.1
    watch_share: float = 0.02
    run_length: float = 10_000.0
    free_tolerance: float = 0.02


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """What was tested. Evidence about one identity says nothing about another.

    Attributes:
        reference: the stronger model, with its version as the provider returns it.
        candidate: the cheaper model, likewise; the reference itself where only edits are tested.
        prompt: digest of the task's system prompt (or of the candidate's variant of it).
        schema: digest of tools and response schema.
        variant: digest of the settings of what edits the task's requests; empty where nothing does.
    """

    reference: str
    candidate: str
    prompt: str = ""
    schema: str = ""
    variant: str = ""


def candidate_name(model: str | None, edits: tuple[str, ...]) -> str:
    """What a candidate is called: ``claude-haiku-4-5``, ``trim``, ``claude-haiku-4-5+trim``."""
    return "+".join((*((model,) if model is not None else ()), *edits))


class Entry(msgspec.Struct, frozen=True):
    """One change of state, for the record: when (epoch seconds), from, to, why, and by whom.

    ``by`` is ``evidence``, ``detector``, ``trigger``, ``floor``, or ``person:NAME``.
    """

    at: float
    before: State
    after: State
    why: str
    by: str


class EasyState(msgspec.Struct, frozen=True):
    """What the last look for an easy part of a task came to.

    Attributes:
        pairs: scored by then.
        share: of prompts that are certified as easy and may be served by the candidate; 0 for none.
        dropped: why it serves no longer, or empty.
        log_e: natural log of the evidence for the smallest part worth having, weighed by the look; None for none.
    """

    pairs: int
    share: float
    dropped: str = ""
    log_e: float | None = None


_RARELY_ASKED_AGAIN = 0.9  # where nothing is known of the reference's users
HISTORY_KEPT = 200
"""Entries kept per gate; the oldest go first."""


class Gate(msgspec.Struct):
    """The standing and the evidence of one candidate for one task.

    Attributes:
        task: the task's name or fingerprint.
        candidate: its name: the cheaper model as the policy names it (the identity may have a dated version), the
            edits that are tested, or both (``candidate_name``).
        identity: what is being tested.
        opened_at: when this evidence began (epoch seconds).
        test: evidence for promotion, of the present attempt.
        reference: scores of the reference on paired calls.
        accepted: 1 or 0 for each shadow answer of the candidate that passed or failed the free checks.
        settled: 1 or 0 for each answer of the reference whose user did not, or did, soon ask the same again.
        attempt: how often this candidate was demoted before; each halves its alpha.
        certified: weighted log e-value at the moment of promotion; None before, and after a promotion by hand.
        paired: detector on paired differences since canary; free: detector on the free checks since canary; again:
            detector on users who ask the same again, likewise.
        served: calls that the candidate has served since canary.
        pinned: a person wants the candidate to serve whatever the detectors say; alarms are recorded all the same.
        easy: the easy part of the task that the candidate may serve before it has earned the whole; None before a look.
        edits: levers whose edits are tested.
        ungraded: pairs of the present attempt that differed and had no grade: a grader or a judge failed, or could not
            be shown the pair any more. Losses while the candidate is tested, left out once it serves.
        ungraded_late: those of them whose texts were gone, because their batch outlived its process.
        first_at: first paired call; last_at: the latest (epoch seconds); None before any.
    """

    task: str
    candidate: str
    identity: Identity
    opened_at: float
    test: NonInferiority
    state: State = State.SHADOW
    reference: ScoreCounts = msgspec.field(default_factory=ScoreCounts)
    accepted: ScoreCounts = msgspec.field(default_factory=ScoreCounts)
    settled: ScoreCounts = msgspec.field(default_factory=ScoreCounts)
    attempt: int = 0
    certified: float | None = None
    paired: DropDetector | None = None
    free: DropDetector | None = None
    again: DropDetector | None = None
    served: int = 0
    pinned: bool = False
    easy: EasyState | None = None
    first_at: float | None = None
    last_at: float | None = None
    history: list[Entry] = msgspec.field(default_factory=list[Entry])
    edits: tuple[str, ...] = ()
    ungraded: int = 0
    ungraded_late: int = 0

    @property
    def serving(self) -> bool:
        """Whether the candidate serves at least a share of the callers."""
        return self.state in (State.CANARY, State.PROMOTED)

    @property
    def log_e(self) -> float:
        """Weighted log e-value that counts in e-BH: frozen when certified, halved per earlier demotion."""
        return self.certified if self.certified is not None else self.test.log_e - self.attempt * log(2.0)

    @property
    def entered_at(self) -> float:
        """When the present state was entered (epoch seconds)."""
        return self.history[-1].at if self.history else self.opened_at

    def served_share(self, terms: Terms) -> float:
        """The share of calls that the candidate serves."""
        return {State.CANARY: terms.canary_share, State.PROMOTED: 1.0}.get(self.state, 0.0)

    def paired_share(self, terms: Terms) -> float:
        """The share of calls that both models answer."""
        return terms.watch_share if self.state is State.PROMOTED else terms.shadow_share

    def observe_pair(
        self, difference: float, *, at: float, terms: Terms, reference: float | None = None, accepted: bool = True
    ) -> None:
        """Add one call that both models answered.

        Args:
            difference: candidate's score minus reference's, or a lower bound of it, in [-1, 1].
            at: epoch seconds.
            terms: of this task.
            reference: the reference's own score in [0, 1], when there is one.
            accepted: whether the candidate's answer passed the free checks.
        """
        if reference is not None:
            self.reference.observe(reference)
        if self.serving and self.paired is not None:
            self.paired.observe((difference + 1.0) / 2.0)
            if self.paired.value >= terms.run_length:
                self._demote(f"paired scores fell by more than {terms.margin:.1%}", at, terms)
            return
        self.test.observe(difference)
        self.accepted.observe(1.0 if accepted else 0.0)
        self.first_at = at if self.first_at is None else min(self.first_at, at)
        self.last_at = at if self.last_at is None else max(self.last_at, at)

    def observe_served(self, *, accepted: bool, at: float, terms: Terms) -> None:
        """Add one call that the candidate served: did its answer pass the free checks?"""
        if not self.serving:
            return
        self.served += 1
        if self.free is not None:
            self.free.observe(1.0 if accepted else 0.0)
            if self.free.value >= terms.run_length:
                self._demote("more answers refused, cut off, malformed or escalated", at, terms)

    def observe_settled(self, *, again: bool, by_candidate: bool, at: float, terms: Terms) -> None:
        """Add one answer whose user had time to ask the same again: did they, and whose answer was it?

        What users do with the reference's answers before a promotion is the baseline of the candidate's.
        """
        score = 0.0 if again else 1.0
        if not by_candidate and not self.serving:
            self.settled.observe(score)
        elif by_candidate and self.serving and self.again is not None:
            self.again.observe(score)
            if self.again.value >= terms.run_length:
                self._demote("more users asked the same again", at, terms)

    def obstacles(self, terms: Terms) -> tuple[str, ...]:
        """What apart from the e-value still stands in the way of promotion, in words."""
        found = []
        if self.test.n < terms.n_min:
            found.append(f"{self.test.n} of at least {terms.n_min} samples")
        if self.span < terms.span_s:
            found.append(f"samples span {self.span / 3600:.1f} of at least {terms.span_s / 3600:.1f} hours")
        if (bound := self.reference.lower(terms.floor_alpha)) < terms.reference_floor:
            found.append(f"reference shown to score {bound:.2f}, floor {terms.reference_floor:.2f}")
        return tuple(found)

    @property
    def span(self) -> float:
        """Seconds between the first and the last paired call of the present attempt."""
        return 0.0 if self.first_at is None or self.last_at is None else self.last_at - self.first_at

    def reference_is_broken(self, terms: Terms) -> bool:
        """Whether the reference is shown to score below its floor."""
        return self.reference.upper(terms.floor_alpha) < terms.reference_floor

    def start_canary(self, at: float, terms: Terms, *, why: str, by: str = "evidence") -> None:
        """Let the candidate serve a share, under watch (promoted at once when no canary calls are asked for)."""
        self.certified = self.log_e if by == "evidence" else None
        self.served = 0
        self._watch(terms)
        self.move(State.CANARY if terms.canary_calls else State.PROMOTED, at, why=why, by=by)

    def retarget(self, identity: Identity, at: float, terms: Terms) -> bool:
        """Hard trigger: begin again in shadow when what is tested is no longer what was tested.

        Returns:
            whether the identity had changed.
        """
        if identity == self.identity:
            return False
        changed = [
            name for name in identity.__struct_fields__ if getattr(identity, name) != getattr(self.identity, name)
        ]
        self.identity = identity
        self.attempt = 0
        self._begin(at, terms)
        if self.pinned:
            self._watch(terms)
        after = State.PROMOTED if self.pinned else State.SHADOW
        self.move(after, at, why=f"changed: {', '.join(changed)}", by="trigger")
        return True

    def move(self, state: State, at: float, *, why: str, by: str) -> None:
        """Change the state and record it."""
        self.history = [*self.history[1 - HISTORY_KEPT :], Entry(at, self.state, state, why, by)]
        self.state = state

    def restart(self, at: float, terms: Terms, *, why: str, by: str) -> None:
        """Back to shadow with nothing known; attempts stay counted, a pin is taken out."""
        self.pinned = False
        self._begin(at, terms)
        self.move(State.SHADOW, at, why=why, by=by)

    def _demote(self, why: str, at: float, terms: Terms) -> None:
        if self.pinned:
            self._watch(terms)
            self.move(self.state, at, why=f"{why}; pinned, so it serves on", by="detector")
            return
        self.attempt += 1
        self._begin(at, terms)
        self.move(State.DEMOTED, at, why=why, by="detector")

    def _watch(self, terms: Terms) -> None:
        self.paired = DropDetector(baseline=paired_baseline(terms.margin))
        self.free = _watching(self.accepted, terms, 1.0 - terms.free_tolerance)
        self.again = _watching(self.settled, terms, _RARELY_ASKED_AGAIN)

    def _begin(self, at: float, terms: Terms) -> None:
        self.opened_at = at
        self.test = NonInferiority(margin=terms.margin)
        self.reference, self.accepted, self.settled = ScoreCounts(), ScoreCounts(), ScoreCounts()
        self.certified = self.paired = self.free = self.again = self.first_at = self.last_at = None
        self.served = self.ungraded = self.ungraded_late = 0
        self.easy = None


def _watching(seen: ScoreCounts, terms: Terms, otherwise: float) -> DropDetector:
    """A detector of a fall below what was usual."""
    usual = seen.lower(terms.floor_alpha) if seen.n else otherwise
    return DropDetector(baseline=min(0.999, max(0.5, usual - terms.free_tolerance)))


def copied(gate: Gate) -> Gate:
    """A gate with the same content that shares nothing changeable with the first."""
    return msgspec.convert(msgspec.to_builtins(gate, str_keys=True), Gate, strict=False)


def merge_gates(a: Gate, b: Gate) -> Gate:
    """One gate from two that watched disjoint calls of the same task.

    Evidence adds up when both are about the same identity and attempt; otherwise the later begun stands alone. The
    state is the one that was entered last; the history is that of both.
    """
    history = sorted({*a.history, *b.history}, key=lambda entry: (entry.at, entry.why))[-HISTORY_KEPT:]
    if a.identity != b.identity or a.attempt != b.attempt or a.test.margin != b.test.margin:
        return msgspec.structs.replace(max((a, b), key=_begun), history=history)
    latest = max((a, b), key=lambda gate: (gate.entered_at, gate.state))
    return Gate(
        task=a.task,
        candidate=a.candidate,
        identity=a.identity,
        opened_at=min(a.opened_at, b.opened_at),
        test=a.test.merge(b.test),
        state=latest.state,
        reference=a.reference.merge(b.reference),
        accepted=a.accepted.merge(b.accepted),
        settled=a.settled.merge(b.settled),
        attempt=a.attempt,
        certified=latest.certified,
        paired=_merge_detectors(latest.paired, a.paired, b.paired),
        free=_merge_detectors(latest.free, a.free, b.free),
        again=_merge_detectors(latest.again, a.again, b.again),
        served=a.served + b.served,
        pinned=latest.pinned,
        easy=max((a.easy, b.easy), key=_looked),
        first_at=min((t for t in (a.first_at, b.first_at) if t is not None), default=None),
        last_at=max((t for t in (a.last_at, b.last_at) if t is not None), default=None),
        history=history,
        edits=latest.edits,
        ungraded=a.ungraded + b.ungraded,
        ungraded_late=a.ungraded_late + b.ungraded_late,
    )


def _looked(easy: EasyState | None) -> tuple[int, float, str, float]:
    """Order by the look; the rest only makes the order total."""
    return (-1, 0.0, "", 0.0) if easy is None else (easy.pairs, easy.share, easy.dropped, easy.log_e or 0.0)


def _begun(gate: Gate) -> tuple[float, int, tuple[str, ...]]:
    """Order by when the evidence began; the rest only makes the order total."""
    names = gate.identity
    return gate.opened_at, gate.attempt, (names.reference, names.candidate, names.prompt, names.schema, names.variant)


def _merge_detectors(
    latest: DropDetector | None, a: DropDetector | None, b: DropDetector | None
) -> DropDetector | None:
    if latest is None or a is None or b is None or a.baseline != b.baseline:
        return latest
    return a.merge(b)

"""The quality gates in the request path: who serves a call, whether both models answer it, and what that teaches.

``enter`` is asked before the plan is made, ``answered``, ``served`` and ``pair`` are told what came of it. Draws are
keyed hashes, as the holdback's are: no randomness, the same on every host. Money spent on shadows is bounded per day
(UTC).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from functools import lru_cache

import msgspec

from penstock.engine.easy import AskedText, EasyKey, EasyParts, key_of
from penstock.engine.holdback import draw
from penstock.engine.incoming import Incoming
from penstock.engine.pending import PendingPair
from penstock.engine.trial import Contest, Trial, contest_of, digest, same_model
from penstock.evidence.asked_again import AskedAgain, Question, words_of
from penstock.evidence.gate import EasyState, Gate, Identity, State, Terms
from penstock.evidence.gatebook import GateBook
from penstock.evidence.scores import PairScore
from penstock.evidence.task import masked
from penstock.models.names import resolve
from penstock.money import PICO_PER_USD, Picodollars
from penstock.policy.schema import GatePolicy, Policy
from penstock.wire.segments import Level
from penstock.wire.view import View

DAY_S = 86_400.0
_LEAST_LOG = -690.0  # JSON has no infinity
_NOTHING = Picodollars(0)


class Gates:
    """The gate book of a process, at work.

    Args:
        book: the evidence; changed in place.
        salt: of the draws.

    Attributes:
        changed: told of each gate whose evidence or state changed; must be quick and must not raise.
        easy: the easy parts of tasks, where they are learnt.
        inbox: what another thread wants done to the book; carried out before the next call that has a gate.
    """

    def __init__(self, book: GateBook, salt: str = "penstock") -> None:
        self.book = book
        self.changed: Callable[[Gate], object] | None = None
        self.easy: EasyParts | None = None
        self.inbox: deque[Callable[[], object]] = deque()
        self._salt = salt
        self._alphas: dict[str, float] = {}
        self._policy: Policy | None = None
        self._day = -1
        self._spent: dict[tuple[str, str], int] = {}
        self._asked: AskedAgain[tuple[str, str, bool]] = AskedAgain()

    def enter(self, view: View, task: str, policy: Policy, request: Incoming) -> Trial | None:
        """The candidate's part in a call of a task, or None where it has none.

        A prompt, tools, schema, settings of edits or reference other than the tested ones sends the candidate back to
        shadow first.
        """
        section, contest = policy.task(task).gate, contest_of(view, task, policy)
        if section is None or contest is None:
            return None
        while self.inbox:
            self.inbox.popleft()()
        if policy is not self._policy:
            self._settle_policy(policy)
        terms = self._settle_terms(task, section)
        route = policy.task(task).route
        prompt = policy.prompts.get(route.variants.get(contest.model, ""), "") if route is not None else ""
        gate = self._gate(view, task, contest, request.started_at, prompt)
        if gate.test.margin != terms.margin and gate.state is not State.HELD:
            gate.restart(request.started_at, terms, why="the margin was changed in the policy", by="trigger")
        question = question_of(view, task, request.session)
        self._settle(self._asked.asked(question, request.started_at), request.started_at)
        unit = f"session {request.session}" if request.session is not None else f"call {request.call_id}"
        name = f"{task}\0{contest.name}"
        asked = AskedText(newest_text(view), len(view.tool_names()), section.embedding or "")
        serves = draw(self._salt, f"serve\0{name}\0{unit}") < gate.served_share(terms)
        easy = not serves and section.difficulty and self._is_easy(gate, asked, terms)
        return Trial(
            task=task,
            policy=section,
            contest=contest,
            question=question,
            asked=asked,
            serves=serves or easy,
            easy=easy,
            paired=gate.state is not State.HELD
            and draw(self._salt, f"pair\0{name}\0{request.call_id}") < gate.paired_share(terms),
        )

    def answered(self, trial: Trial, *, by_candidate: bool, at: float) -> None:
        """A caller has an answer at ``at``, and may soon ask the same again."""
        tag = (trial.task, trial.candidate, by_candidate)
        self._settle(self._asked.answered(trial.question, at, tag), at)

    def served(self, trial: Trial, *, accepted: bool, version: str, at: float) -> None:
        """The candidate answered a caller: did the answer pass the free checks, and which version was it?"""
        gate = self._known(trial)
        same = None if trial.contest.swaps else version
        if gate is None or self._other_version(gate, at, candidate=version, reference=same):
            return
        if trial.easy and self.easy is not None:
            self.easy.served(key_of(gate), accepted=accepted)
        gate.observe_served(accepted=accepted, at=at, terms=self.book.terms_of(trial.task))
        self._review(gate, at)

    def pair(self, trial: Trial, score: PairScore, *, reference: str, candidate: str, at: float) -> None:
        """Both models answered.

        Args:
            trial: of the call.
            score: of the pair.
            reference: the model as its answer names it, or empty.
            candidate: the same.
            at: when the call started, seconds since the epoch.
        """
        gate = self._known(trial)
        if gate is None:
            return
        self._other_version(gate, at, reference=reference, candidate=candidate)
        if not score.known and self._without_grade(gate):
            return
        if trial.policy.difficulty and self.easy is not None and score.known:
            terms = self.book.terms_of(trial.task)
            self.easy.pair(key_of(gate), trial.asked, score.difference, accepted=score.accepted, terms=terms)
        gate.observe_pair(
            score.difference,
            at=at,
            terms=self.book.terms_of(trial.task),
            reference=score.reference,
            accepted=score.accepted,
        )
        self._review(gate, at)

    def late(self, pending: PendingPair, score: PairScore, *, reference: str, candidate: str, policy: Policy) -> bool:
        """Both arms answered, one of them by a batch that outlived its process; whether its gate took note of it.

        As in ``pair``, a grade that did not come counts by the bound while the candidate is tested, and not at all once
        it serves.

        Args:
            pending: what was kept of the pair.
            score: by its digest.
            reference: the model as its answer names it, or empty.
            candidate: the same.
            policy: in force now.
        """
        gate = self.book.gates.get(pending.task, {}).get(pending.candidate)
        section = policy.task(pending.task).gate
        if gate is None or section is None or not section.enabled or gate.opened_at != pending.opened_at:
            return False
        if gate.state is State.HELD:
            return False
        if policy is not self._policy:
            self._settle_policy(policy)
        terms = self._settle_terms(pending.task, section)
        if self._other_version(gate, pending.at, reference=reference, candidate=candidate):
            return False
        if not score.known and self._without_grade(gate, late=True):
            return True
        gate.observe_pair(
            score.difference, at=pending.at, terms=terms, reference=score.reference, accepted=score.accepted
        )
        self._review(gate, pending.at)
        return True

    def easy_looked(self, key: EasyKey, pairs: int, log_e: float, claim: Callable[[float], float]) -> None:
        """A look for an easy part came to this evidence: let it claim what all that is tested together allows.

        Args:
            key: of the part; nothing happens when its evidence began anew since.
            pairs: scored by then.
            log_e: natural log of the evidence for the smallest part worth having.
            claim: is given what the evidence must reach, and gives the share of prompts that it reaches it for.
        """
        gate = self.book.gates.get(key.task, {}).get(key.candidate)
        if gate is None or gate.opened_at != key.opened_at:
            return
        gate.easy = None  # an earlier look is not tested beside this one
        bar = self.book.easy_bar(key.task, key.candidate, log_e)
        gate.easy = EasyState(pairs, claim(bar), log_e=max(log_e, _LEAST_LOG))
        self._tell(gate)

    def easy_found(self, key: EasyKey, state: EasyState) -> None:
        """Take note of a look for an easy part; of evidence that began anew since, nothing."""
        gate = self.book.gates.get(key.task, {}).get(key.candidate)
        if gate is not None and gate.opened_at == key.opened_at:
            gate.easy = state
            self._tell(gate)

    def affords(self, trial: Trial, at: float) -> bool:
        """Whether the day's shadows of a task have not yet cost what the policy allows."""
        self._turn(at)
        spent = self._spent.get((trial.task, trial.candidate), 0)
        return spent < trial.policy.shadow_usd_day * PICO_PER_USD

    def spend(self, trial: Trial, cost: Picodollars, at: float) -> None:
        """Book a shadow's cost against the day's bound."""
        self.spend_for(trial.task, trial.candidate, cost, at)

    def spend_for(self, task: str, candidate: str, cost: Picodollars, at: float) -> None:
        """The same for a candidate by its name."""
        self._turn(at)
        key = (task, candidate)
        self._spent[key] = max(0, self._spent.get(key, 0) + cost)

    def _is_easy(self, gate: Gate, asked: AskedText, terms: Terms) -> bool:
        """Whether a prompt may go to a candidate that has not earned the task."""
        if self.easy is None or gate.state is State.HELD:
            return False
        key = key_of(gate)
        self.easy.opened(key, terms)
        return self.easy.serves(key, asked)

    def _settle(self, settled: Iterable[tuple[tuple[str, str, bool], bool]], at: float) -> None:
        for (task, candidate, by_candidate), again in settled:
            gate = self.book.gates.get(task, {}).get(candidate)
            if gate is not None:
                gate.observe_settled(again=again, by_candidate=by_candidate, at=at, terms=self.book.terms_of(task))
                self._tell(gate)

    def _turn(self, at: float) -> None:
        day = int(at // DAY_S)
        if day > self._day:  # never back: a batched shadow of yesterday is paid for today
            self._day, self._spent = day, {}

    def _settle_policy(self, policy: Policy) -> None:
        """The terms of every task that has evidence: a review after one task's call decides about all of them."""
        self._policy = policy
        for task in self.book.gates:
            section = policy.task(task).gate
            if section is not None:
                self._settle_terms(task, section)

    def _settle_terms(self, task: str, section: GatePolicy) -> Terms:
        terms = terms_of(section)
        if self.book.task_terms.get(task) != terms:
            self.book.task_terms[task] = terms
            self._alphas[task] = section.alpha
            self.book.terms = msgspec.structs.replace(self.book.terms, alpha=min(self._alphas.values()))
        return terms

    def _gate(self, view: View, task: str, contest: Contest, at: float, prompt: str) -> Gate:
        found = self.book.gates.get(task, {}).get(contest.name)
        known = None if found is None else found.identity
        same = known is not None and same_model(known.reference, contest.reference)
        reference = known.reference if known is not None and same else contest.reference
        candidate = contest.model if known is None else known.candidate
        identity = Identity(
            reference=reference,
            candidate=candidate if contest.swaps else reference,
            prompt=_prompt_digest(view.system_text(), prompt),
            schema=digest(_tools(view), (view.response_schema() or b"").decode("utf-8", "replace")),
            variant=contest.variant,
        )
        before = None if found is None else len(found.history)
        gate = self.book.gate(task, identity, at=at, candidate=contest.name, edits=contest.edits)
        if before is None or len(gate.history) != before:
            self._tell(gate)
        return gate

    def _known(self, trial: Trial) -> Gate | None:
        return self.book.gates.get(trial.task, {}).get(trial.candidate)

    def _other_version(
        self, gate: Gate, at: float, *, reference: str | None = None, candidate: str | None = None
    ) -> bool:
        """Take note of the versions that answered; whether one is not the tested one, which begins anew in shadow.

        A name without a version, as the policy or the client gives it, is not another version than the first dated one.
        """
        now = gate.identity
        seen = msgspec.structs.replace(
            now,
            reference=_version(now.reference, reference),
            candidate=_version(now.candidate, candidate),
        )
        if seen == now:
            return False
        if _undated(now.reference, seen.reference) and _undated(now.candidate, seen.candidate):
            gate.identity = seen
            return False
        gate.retarget(seen, at, self.book.terms_of(gate.task))
        self._tell(gate)
        return True

    def _without_grade(self, gate: Gate, *, late: bool = False) -> bool:
        """Count a pair whose grade did not come; whether it is left out.

        A grader that is down, or a restart, must not demote what has earned its place.
        """
        gate.ungraded += 1
        gate.ungraded_late += late
        if gate.serving:
            self._tell(gate)
        return gate.serving

    def _review(self, gate: Gate, at: float) -> None:
        for other in self.book.review(at):
            if other is not gate:
                self._tell(other)
        self._tell(gate)

    def _tell(self, gate: Gate) -> None:
        if self.changed is not None:
            self.changed(gate)


def terms_of(section: GatePolicy) -> Terms:
    """A policy's section as the gate's terms."""
    return Terms(
        margin=section.eps,
        alpha=section.alpha,
        reference_floor=section.floor,
        n_min=section.n_min,
        span_s=section.min_days * DAY_S,
        canary_share=section.canary_share,
        canary_calls=section.canary_calls,
        shadow_share=section.shadow_share,
        watch_share=section.watch_share,
    )


def question_of(view: View, task: str, session: str | None) -> Question:
    """What a call asks: its whole prompt, and the words of the user's newest text."""
    prompt = view.segments[-1].prefix if view.segments else b""
    return Question(task, session, prompt, words_of(newest_text(view)))


def newest_text(view: View) -> str:
    """The user's newest text; empty when there is none."""
    newest = next((one for one in reversed(view.segments) if one.role == "user" and one.kind == "text"), None)
    value = None if newest is None else view.get(*newest.path)
    text = value.get("text") if isinstance(value, dict) else value
    return text if isinstance(text, str) else ""


@lru_cache(maxsize=512)
def _prompt_digest(text: str, variant: str) -> str:
    return digest(masked(text), variant)


def _tools(view: View) -> str:
    """The tools, whatever their order and cache markers; empty when there are none."""
    return " ".join(sorted(one.digest.hex() for one in view.segments if one.level is Level.TOOLS))


def _version(known: str, said: str | None) -> str:
    """What an answer says, as far as it says anything about this model."""
    return said or known


def _undated(known: str, seen: str) -> bool:
    """Whether nothing changed, or a plain name got its first version."""
    if known == seen:
        return True
    name = resolve(known)
    return name is not None and name.model == known and same_model(known, seen)

"""What the calls of one process share: the policy, what was learnt, and what is remembered between calls.

Nothing here keeps time or draws chance. One context serves one event loop or one lock: its methods never wait.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from typing import NamedTuple

from penstock.engine.diagnosing import Comparisons
from penstock.engine.facts import Facts
from penstock.engine.forecast import Forecast
from penstock.engine.gates import Gates
from penstock.engine.kept import Plan as Warmed
from penstock.engine.pipeline import ORDERED, Lever
from penstock.engine.steps import Sent, Warm
from penstock.engine.warming import Warming
from penstock.evidence.store import Evidence
from penstock.levers.cache.chain import chain_of
from penstock.levers.cache.hold import Siblings
from penstock.policy.schema import Policy

Promoted = Callable[[str], frozenset[str]]
"""Task -> the models that the quality gate lets it use."""

_SESSIONS = 100_000
_REFUSALS = 3
_PROBE_ONE_IN = 50


SEVERAL = ""
"""More than one model gave a session's answers."""


class Pin(NamedTuple):
    """What is remembered of a session.

    Attributes:
        model: that it was last sent to, or None.
        answered_by: the model that gave every answer that its caller got, `SEVERAL`, or None before the first.
    """

    model: str | None = None
    answered_by: str | None = None


NO_PIN = Pin()


def nothing_promoted(task: str) -> frozenset[str]:  # noqa: ARG001 - the signature of a gate
    """The gate before any evidence."""
    return frozenset()


class EngineContext:
    """Shared by the calls of one process.

    Attributes:
        policy: the policy in force; assign another to change it between calls.
        evidence: learnt so far; ``observe.learn`` adds to it.
        levers: in the order in which they act.
        promoted: models that a task may use besides those of its gates.
        gates: the quality gates of the tasks that have one.
        scope: whose provider cache this process uses.
        forecast: what the provider's caches hold, with and without us.
        siblings: calls on their way, for those that wait for a cache write.
        warming: cache entries that are filled ahead or kept alive.
        comparisons: what prompts are compared with, where the provider is asked for cache diagnostics.
        failures: what failed open, by ``lever: ErrorType``.
    """

    def __init__(
        self,
        policy: Policy,
        *,
        evidence: Evidence | None = None,
        levers: Sequence[Lever] = ORDERED,
        promoted: Promoted = nothing_promoted,
        scope: str = "",
    ) -> None:
        self.policy = policy
        self.evidence = evidence if evidence is not None else Evidence()
        self.levers = tuple(levers)
        self.promoted = promoted
        self.scope = scope
        self.forecast = Forecast(scope=scope)
        self.gates = Gates(self.evidence.gates, policy.holdback.salt)
        self.siblings = Siblings()
        self.warming = Warming(self.evidence.idle, self.evidence.late)
        self.comparisons = Comparisons()
        self.failures: Counter[str] = Counter()
        self._refused: dict[str, int] = {}
        self._waited: dict[str, int] = {}
        self._pinned: OrderedDict[tuple[str, str], Pin] = OrderedDict()

    def began(self, call_id: str, at: float) -> None:
        """The provider's answer to a call began (a 2xx status arrived) at ``at``, seconds since the epoch.

        From then on its cache entries can be read (provider-semantics 1.4, rule 5). Safe to call twice, and for a call
        that is over.
        """
        self.forecast.began(call_id, at)
        self.siblings.began(call_id, at)

    def warms(self, warm: Warm, at: float) -> None:
        """A warming request is about to be sent: foresee what it does to the caches."""
        known = self.warming.request_of(warm)
        if known is None:
            return
        view, facts = known
        ends = facts.seeing(view).counted.ends
        self.forecast.part()
        admission = self.forecast.admission(self.forecast.actual, view, facts.profile, ends, at)
        self.forecast.sending(warm.id, actual=admission)

    def warmed(self, warm: Warm, sent: Sent | None) -> None:
        """A warming request is over, whatever became of it; None when it was not sent."""
        self.siblings.over(warm.id)
        self.warming.answered(warm, sent, self._renewed)
        self.forecast.ended(warm.id, 0.0 if sent is None else sent.started_at)

    def _renewed(self, plan: Warmed, facts: Facts, at: float) -> None:
        chain = chain_of(plan.view, facts.seeing(plan.view).tokens, facts.profile, facts.scope)
        entries = plan.entries
        for position in range(len(chain)):
            lifetime = entries.get(chain.key(position))
            if lifetime is not None:
                self.evidence.reuse.kept_alive(chain, position, lifetime, at)

    def edits_were_answered(self, task: str, *, refused: bool) -> None:
        """Count how the provider took a changed request of a task; three refusals in a row make us stand down.

        Args:
            task: whose request it was.
            refused: it was refused, and the client's own bytes were accepted after it.
        """
        if refused:
            self.failures["edits: refused by the provider"] += 1
            self._refused[task] = self._refused.get(task, 0) + 1
        else:
            self._refused.pop(task, None)

    def stands_down(self, task: str) -> bool:
        """Whether a task's calls are left alone because its changed requests were refused; one in 50 tries again."""
        refused = self._refused.get(task, 0)
        if refused < _REFUSALS:
            return False
        self._waited[task] = (self._waited.get(task, 0) + 1) % _PROBE_ONE_IN
        return self._waited[task] != 0

    def pinned(self, task: str, session: str | None) -> str | None:
        """The model that a session of a task was last sent to, or None."""
        return self.pin_of(task, session).model

    def pin_of(self, task: str, session: str | None) -> Pin:
        """What is remembered of a session of a task."""
        return NO_PIN if session is None else self._pinned.get((task, session), NO_PIN)

    def pin(self, task: str, session: str | None, model: str, answered_by: str | None = None) -> None:
        """Remember a session's model; the least lately used of more than 100,000 sessions is forgotten.

        Args:
            task: whose session.
            session: its key; None is not remembered.
            model: that it was sent to.
            answered_by: the model whose answer the caller got, or None when it got none.
        """
        if session is None:
            return
        known = self.pin_of(task, session).answered_by
        by = known if answered_by is None else answered_by if known in (None, answered_by) else SEVERAL
        self._pinned[(task, session)] = Pin(model, by)
        self._pinned.move_to_end((task, session))
        if len(self._pinned) > _SESSIONS:
            self._pinned.popitem(last=False)

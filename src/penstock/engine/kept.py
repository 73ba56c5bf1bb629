"""A prefix that is watched between its uses, and the requests that could be sent for it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from penstock.engine.attempt import Attempt
from penstock.engine.facts import Facts
from penstock.engine.plan import Plan as CallPlan
from penstock.levers.cache.client_marks import client_marks
from penstock.levers.cache.planner import Fixed
from penstock.levers.cache.warm import OF_LIFETIME, Price
from penstock.unknown import Unknown
from penstock.wire.dialect import Dialect
from penstock.wire.echo import Echo, echo_of
from penstock.wire.view import View


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A warming request that could be sent for a prefix.

    Attributes:
        view: the request.
        tokens: of the prefix.
        beside: of the rest of the prompt.
        lifetime: of its entry, seconds.
        price: of the prefix.
        key: of the prefix.
        beyond: key and lifetime of an entry that the request writes behind the prefix; None when it writes none.
    """

    view: View
    tokens: int
    beside: int
    lifetime: float
    price: Price
    key: int
    beyond: tuple[int, float] | None = None

    @property
    def entries(self) -> dict[int, float]:
        """Key -> lifetime of the entries that live anew once the request has read its prefix."""
        own = {self.key: self.lifetime}
        return own if self.beyond is None else own | dict([self.beyond])


class Use(msgspec.Struct, frozen=True, kw_only=True):
    """The latest use of a prefix.

    Attributes:
        view: the request as it was sent.
        facts: of that request.
        call_id: of that call.
        at: when it started, seconds since the epoch.
        fixed: the client's own markers.
        answer: what was answered, as the next turn will hold it; None when that is not known.
        read: prompt tokens that the provider read from a cache.
    """

    view: View
    facts: Facts
    call_id: str
    at: float
    fixed: Sequence[Fixed] = ()
    answer: Echo | None = None
    read: int = 0


def use_of(plan: CallPlan, attempt: Attempt, view: View, call_id: str) -> Use:
    """What an answered attempt of a call, which sent a view, used of its prefixes."""
    facts = plan.facts if view is plan.view else plan.facts.seeing(view)
    body = attempt.sent.body if view.dialect is Dialect.ANTHROPIC_MESSAGES else None
    return Use(
        view=view,
        facts=facts,
        call_id=call_id,
        at=attempt.sent.started_at,
        fixed=() if isinstance(facts.profile, Unknown) else client_marks(plan.view, facts.profile),
        answer=None if body is None else echo_of(body, thinking=_sends_thinking(view)),
        read=0 if attempt.usage is None else attempt.usage.cache_read,
    )


def _sends_thinking(view: View) -> bool | None:
    """Whether a client sends its answers' thinking back; None when the request holds no answer."""
    answered = [segment.kind for segment in view.segments if segment.role == "assistant"]
    return "thinking" in answered if answered else None


class Kept(msgspec.Struct, kw_only=True):
    """A prefix that is watched.

    Attributes:
        task: whose.
        plan: the request that renews it.
        use: the latest.
        end: key of the whole prompt of that use.
        kind: the class of that prompt in ``evidence.gaps``.
        alive_from: when the entry was used or renewed last.
        sent: requests of ours since the latest use.
        counted: whole rounds since the latest use that were counted.
        asking: whether one is on its way.
        over: no more requests are sent, the wait is only watched.
        beyond: position, key and lifetime of the entry that would have it kept for longer; None when there is none, or
            before it was asked.
        expected: the chance that was seen for that entry to be read late.
        extended: prompt tokens that the request read which wrote it; 0 when none did.
    """

    task: str
    plan: Plan
    use: Use
    end: int
    kind: int
    alive_from: float
    sent: int = 0
    counted: int = 0
    asking: bool = False
    over: bool = False
    beyond: tuple[int, int, float] | None = None
    expected: float = 0.0
    extended: int = 0

    @property
    def nbytes(self) -> int:
        """Of the requests that it holds."""
        return len(self.plan.view.raw) + len(self.use.view.raw)

    @property
    def interval(self) -> float:
        """Seconds from one request to the next."""
        return OF_LIFETIME * self.plan.lifetime

    @property
    def known_as(self) -> str:
        """What its returns are counted under: a task's prompts of one class."""
        return f"{self.task}\n{self.kind}"

    @property
    def waits(self) -> str:
        """What its waits are counted under: rounds of one length are not those of another."""
        return f"{self.known_as}\n{self.plan.lifetime:g}"

    def rounds(self, at: float) -> int:
        """Whole rounds since the latest use."""
        return int((at - self.use.at) / self.interval)

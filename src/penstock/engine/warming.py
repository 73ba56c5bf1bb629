"""Entries that are filled ahead of their readers or kept alive between them: watched, sent, verified and booked.

Nothing here waits or sends. A driver asks ``due`` every second or so for what to send now, and tells what came of it.
Each request is verified by its own usage: one that reads nothing, or is refused, is the last one for its prefix. One
that was to keep a prompt for longer (``extending``) is then the last of its kind for its task and model. What the
requests cost is booked with the task's next treated call (``owed``).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from penstock.engine.attempt import Attempt, read_attempt
from penstock.engine.extending import Extending
from penstock.engine.facts import Facts
from penstock.engine.kept import Kept, Plan, Use
from penstock.engine.record import Call, ExtraSend
from penstock.engine.steps import Send, Sent, Warm
from penstock.evidence.idle import Idle
from penstock.evidence.late import Late
from penstock.levers.cache.chain import SegmentChain, chain_of
from penstock.levers.cache.hold import written
from penstock.levers.cache.warm import Price, ahead_pays, break_even, warming_body, worth
from penstock.models.profile import Profile
from penstock.money import Picodollars
from penstock.unknown import Unknown
from penstock.wire.dialect import Dialect
from penstock.wire.usage import Basis, Usage
from penstock.wire.view import View, read_request

MOST = 512
"""Prefixes that are watched at once; the one that was used longest ago is given up first."""
MOST_BYTES = 64 << 20
"""Of the requests that are held for them."""
_REFUSED = frozenset({400, 401, 403, 404, 413, 422})
_MOST_OWED = 1000
_MEMORY = 0.2
_SOME_OF, _MOST_OF = 0.5, 0.75
"""Of a prefix as we count it, what has to be read: the more where what is not read is written at twice the price."""


class Warming:
    """What one process warms.

    Attributes:
        owed: what was sent and not booked yet, by task.
        refused: tasks and models whose warming requests the provider refuses, or that fill nothing.
    """

    def __init__(self, idle: Idle, late: Late) -> None:
        self._idle = idle
        self._extending = Extending(late)
        self._kept: OrderedDict[int, Kept] = OrderedDict()
        self._by_call: dict[str, int] = {}
        self._bytes = 0
        self._running: dict[str, tuple[str, Plan, Facts, int | None]] = {}
        self._first_byte: dict[str, float] = {}
        self._number = 0
        self._dialects: dict[str, Dialect] = {}
        self.owed: dict[str, list[ExtraSend]] = {}
        self.refused: set[tuple[str, str]] = set()

    def __len__(self) -> int:
        return len(self._kept)

    def used(self, use: Use) -> None:
        """A treated call was answered and learnt from: what it shares with what is watched was used."""
        facts, view = use.facts, use.view
        chain = chain_of(view, facts.tokens, facts.profile, facts.scope)
        self._extending.settle(use.at)
        self._count_uses(chain, use)
        plan = self.plan(view, facts)
        if isinstance(plan, Unknown) or (facts.task, view.model) in self.refused:
            return
        end = chain.key(len(chain) - 1)
        kind = facts.evidence.reuse.class_of(end)
        if plan.key in self._kept:
            self._forget(plan.key)
        kept = Kept(task=facts.task, plan=plan, use=use, end=end, kind=kind, alive_from=use.at)
        self._kept[plan.key] = kept
        self._by_call[use.call_id] = plan.key
        self._bytes += kept.nbytes
        while len(self._kept) > MOST or self._bytes > MOST_BYTES:
            self._forget(next(iter(self._kept)))

    def _count_uses(self, chain: SegmentChain, use: Use) -> None:
        if not self._kept:
            return
        for position in range(len(chain)):
            known = self._kept.get(chain.key(position))
            if known is not None and use.at >= known.use.at:
                self._count(known, use.at, came=True)
                self._extending.used(known, chain, use)
                self._forget(chain.key(position))

    def _count(self, kept: Kept, at: float, *, came: bool) -> None:
        rounds = kept.rounds(at)
        if came or rounds > kept.counted:
            self._idle.add(kept.waits, rounds, came=came, since=kept.counted)
            kept.counted = rounds

    def _forget(self, key: int) -> None:
        kept = self._kept.pop(key)
        self._bytes -= kept.nbytes
        if self._by_call.get(kept.use.call_id) == key:
            del self._by_call[kept.use.call_id]

    def holds(self, call_id: str) -> bool:
        """Whether a prefix is watched for a call."""
        return call_id in self._by_call

    def plan(self, view: View, facts: Facts) -> Plan | Unknown:
        """The warming request for a request as it is sent, or why there is none."""
        profile, prices = facts.profile, facts.prices
        marked = written(view, facts)
        if not marked or isinstance(profile, Unknown) or isinstance(prices, Unknown):
            return Unknown("nothing is cached")
        if isinstance(prices.input, Unknown) or isinstance(prices.cache_read, Unknown):
            return Unknown("no price")
        body = warming_body(view, profile)
        if isinstance(body, Unknown):
            return body
        deepest = marked[0]
        name, lifetime = _lifetime(view, profile)
        rate = getattr(prices, f"cache_write_{name}", Unknown("no such lifetime"))
        if isinstance(rate, Unknown):
            return rate
        covered = _covered(view, facts, deepest.key, lifetime)
        request = read_request(view.dialect, body)
        beside = max(0, sum(facts.seeing(request).tokens) - deepest.tokens)
        return Plan(
            view=request,
            tokens=deepest.tokens,
            beside=beside,
            lifetime=lifetime,
            price=Price(
                write=(deepest.tokens - covered) * rate + covered * prices.cache_read,
                read=deepest.tokens * prices.cache_read,
                beside=beside * prices.input,
            ),
            key=deepest.key,
        )

    def due(self, now: float) -> list[Warm]:
        """The keep-alive requests to send now; prefixes that nobody came back to are given up."""
        self._extending.settle(now)
        found = []
        for key, kept in list(self._kept.items()):
            self._count(kept, now, came=False)
            if kept.asking or now < kept.alive_from + kept.interval:
                continue
            warm = None if kept.over else self._next(key, kept, now)
            if warm is not None:
                found.append(warm)
                continue
            kept.over = True
            if kept.counted > break_even(kept.plan.price) + 1 and not self._extending.awaits(kept, now):
                self._extending.given_up(kept)
                self._forget(key)
        return found

    def _next(self, key: int, kept: Kept, now: float) -> Warm | None:
        """The request that is worth most: one that renews the entry, or one that keeps it for longer."""
        if now >= kept.alive_from + kept.plan.lifetime:
            return None
        renewing = worth(kept.plan.price, kept.sent, lambda round_: self._idle.hazard(kept.waits, round_))
        offer = self._extending.offer(kept, now)
        if offer is not None and offer.worth > max(renewing, 0.0):
            return self._ask(key, kept, offer.plan, offer.why)
        if renewing <= 0.0:
            return None
        chance = self._idle.hazard(kept.waits, kept.sent + 1)
        why = (
            f"request {kept.sent + 1} of at most {break_even(kept.plan.price)} to keep {kept.plan.tokens:,} tokens "
            f"alive; {chance:.0%} are used in the round that it buys"
        )
        return self._ask(key, kept, kept.plan, why)

    def _ask(self, key: int, kept: Kept, plan: Plan, why: str) -> Warm:
        kept.asking = True
        kept.sent += 1
        return self._warm("keep_alive", kept.use.call_id, kept.task, plan, kept.use.facts, why, key)

    def ahead(self, view: View, facts: Facts, call_id: str) -> Warm | None:
        """The request that fills a cold prefix ahead of parallel first calls; None when it would not pay."""
        hold_s = facts.policy.cache.hold_ms / 1000
        slow = self._first_byte.get(facts.task, 0.0) - hold_s
        late = facts.evidence.reuse.pace.per_minute(facts.task, facts.now) / 60 * slow
        if late <= 0.0 or (facts.task, view.model) in self.refused:
            return None
        plan = self.plan(view, facts)
        if isinstance(plan, Unknown) or not ahead_pays(plan.price, late):
            return None
        why = f"fills {plan.tokens:,} tokens ahead of {late:.1f} calls that would not have waited for the first answer"
        return self._warm("prewarm", call_id, facts.task, plan, facts, why, None)

    def _warm(  # noqa: PLR0917 - what a request is made of
        self, purpose: str, call_id: str, task: str, plan: Plan, facts: Facts, why: str, key: int | None
    ) -> Warm:
        self._number += 1
        warm = Warm(
            id=f"{call_id}-warm-{self._number}",
            call_id=call_id,
            body=plan.view.raw,
            model=plan.view.model,
            dialect=plan.view.dialect,
            purpose=purpose,
            why=why,
            expected=_expected(plan, reads=purpose == "keep_alive"),
        )
        self._running[warm.id] = (task, plan, facts, key)
        return warm

    def request_of(self, warm: Warm) -> tuple[View, Facts] | None:
        """What a request on its way is, and the facts of the call that it serves; None when it is over."""
        running = self._running.get(warm.id)
        return None if running is None else (running[1].view, running[2])

    def answered(self, warm: Warm, sent: Sent | None, renew: Callable[[Plan, Facts, float], None]) -> None:
        """A warming request is over; None when it was not sent.

        Args:
            warm: the request.
            sent: how it went.
            renew: called with the plan, its facts and the request's start when the entry lives.
        """
        running = self._running.pop(warm.id, None)
        if running is None:
            return
        task, plan, facts, key = running
        kept = self._kept.get(key) if key is not None else None
        if kept is not None:
            kept.asking = False
        if sent is None:
            if kept is not None:
                kept.over = True
            return
        send = Send(body=warm.body, model=warm.model, dialect=warm.dialect, purpose=warm.purpose)
        attempt = read_attempt(send, plan.view, sent, facts.tier)
        read, lives = _verdict(attempt, plan)
        extends, told = plan.beyond is not None, attempt.usage is not None
        if extends and (sent.status in _REFUSED or (told and not read)):
            self._extending.refused.add((task, plan.view.model))
        elif sent.status in _REFUSED or (warm.purpose == "prewarm" and told and not lives):
            self.refused.add((task, plan.view.model))
        if lives:
            renew(plan, facts, sent.started_at)
        if kept is not None:
            kept.alive_from = sent.started_at
            kept.over = kept.over or extends or not read
            kept.extended = attempt.usage.cache_read if extends and read and attempt.usage is not None else 0
        self._owe(task, warm, attempt, goes_on=lives if warm.purpose == "prewarm" else read)

    def _owe(self, task: str, warm: Warm, attempt: Attempt, *, goes_on: bool) -> None:
        usage = attempt.usage
        told = "no usage" if usage is None else f"read {usage.cache_read:,}, wrote {usage.cache_write:,} tokens"
        stops = "" if goes_on else f"; stopped, since it did not {'fill' if warm.purpose == 'prewarm' else 'read'}"
        self._dialects[task] = warm.dialect
        listed = self.owed.setdefault(task, [])
        if len(listed) < _MOST_OWED:
            listed.append(
                ExtraSend(
                    purpose=warm.purpose,
                    model=warm.model,
                    reason=f"{warm.why}: {told}{stops}",
                    status=attempt.sent.status,
                    usage=usage,
                    cost=attempt.cost,
                )
            )

    def book(self, task: str) -> tuple[ExtraSend, ...]:
        """What a task owes, taken off the list: for the record of its next treated call."""
        return tuple(self.owed.pop(task, ()))

    def unbooked(self, ids: Callable[[], str], at: float) -> list[Call]:
        """Records of the requests that no call of their task followed: for the close, so that all is booked.

        Args:
            ids: makes the next record's id.
            at: seconds since the epoch.
        """
        found = []
        for task in list(self.owed):
            dialect, spent = self._dialects[task], self.book(task)
            found.append(
                Call(
                    id=ids(),
                    started_at=at,
                    task=task,
                    arm="own",
                    provider=dialect.provider,
                    dialect=dialect,
                    model_asked=spent[0].model,
                    model_sent=spent[0].model,
                    cost=Picodollars(0),
                    cost_before=Picodollars(0),
                    extra_sends=spent,
                )
            )
        return found

    def waited(self, task: str, first_byte_s: float) -> None:
        """How long a call of a task waited for its answer to begin."""
        known = self._first_byte.get(task)
        if known is not None or len(self._first_byte) < 10 * MOST:
            self._first_byte[task] = first_byte_s if known is None else known + _MEMORY * (first_byte_s - known)


def _expected(plan: Plan, *, reads: bool) -> Usage:
    """What a warming request takes: an entry is read to keep it alive, else its whole prompt is new."""
    read = plan.tokens if reads else 0
    new = plan.tokens + plan.beside - read
    return Usage(input_uncached=new, cache_read=read, basis=Basis.ESTIMATED)


def _verdict(attempt: Attempt, plan: Plan) -> tuple[bool, bool]:
    """Whether a request read its prefix, and whether its entries live after it, by its own usage."""
    usage = attempt.usage
    if not attempt.accepted or usage is None:
        return False, False
    least = _MOST_OF if plan.beyond is not None else _SOME_OF
    read = usage.cache_read >= least * plan.tokens
    return read, read or 2 * usage.cache_write >= plan.tokens


def _covered(view: View, facts: Facts, key: int, lifetime: float) -> int:
    """Tokens of a prefix that a longer-lived entry above its own holds."""
    chain = chain_of(view, facts.tokens, facts.profile, facts.scope)
    position = next(at for at in range(len(chain) - 1, -1, -1) if chain.key(at) == key)
    return chain.upto(facts.evidence.reuse.outliving(chain, position, lifetime, facts.now))


def _lifetime(view: View, profile: Profile) -> tuple[str, float]:
    """Name and seconds of the deepest marker's lifetime; the shortest where the provider places it."""
    marked = [segment.marker.ttl for segment in view.segments if segment.marker is not None]
    if marked and marked[-1] in profile.ttl_seconds:
        return marked[-1], profile.ttl_seconds[marked[-1]]
    return min(profile.ttl_seconds.items(), key=lambda item: item[1], default=("", 300.0))

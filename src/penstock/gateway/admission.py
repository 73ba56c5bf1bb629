"""Whether a call may go, and when: keys, budgets, and room in the provider's limits."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from time import perf_counter

from penstock.engine.labels import Labels
from penstock.engine.record import Call
from penstock.engine.steps import Send
from penstock.gateway.budgets import KEY_TAG, TEAM_TAG, Reservation, Spender, most_it_costs
from penstock.gateway.headers import Asked
from penstock.gateway.house import House
from penstock.gateway.keys import Holder, forbidden
from penstock.gateway.limits import Need, limits_of, need_of
from penstock.gateway.pacing import Lane, NoRoom, Place, lane_key
from penstock.gateway.problems import Problem
from penstock.gateway.resilience import discard
from penstock.gateway.response import Response
from penstock.gateway.retry import TOO_MANY, may_repeat, retry_after
from penstock.money import ZERO
from penstock.wire.metered import model_asked


class Admission:
    """One call's way past the gates: ``check`` once, ``enter`` and ``leave`` for each request, ``settle`` at the end.

    Args:
        house: what the gateway's calls share.
        provider: that the call goes to.
        holder: whose key it came with, or None where no keys are asked for.
        asked: its headers.
        labels: its labels.

    Attributes:
        queued_s: seconds that it has waited for room, and for its turn in a throttled budget.
    """

    def __init__(self, house: House, provider: str, holder: Holder | None, asked: Asked, labels: Labels) -> None:
        self._house = house
        self._provider = provider
        self._holder = holder
        self._asked = asked
        self._labels = labels
        self._reservation: Reservation | None = None
        self._lock: asyncio.Lock | None = None
        self._lane: Lane | None = None
        self._place: Place | None = None
        self._until = 0.0
        self.queued_s = 0.0

    @property
    def tags(self) -> dict[str, str]:
        """The call's tags, with who made it."""
        return tags_of(self._labels, self._holder)

    def check(self, send: Send, most: int | None = None) -> Problem | None:
        """Why the call may not go, or None; reserves its budget.

        Args:
            send: the request.
            most: what a call without a plan may cost, picodollars.
        """
        if self._holder is not None:
            asked = send.plan.view.model if send.plan is not None else send.model or model_asked(send.body)
            problem = forbidden(self._holder, self._labels.task, asked)
            if problem is not None:
                return problem
        budgets = self._house.budgets
        if not budgets:
            return None
        holder = self._holder
        spender = Spender(
            holder.name if holder is not None else None,
            holder.team if holder is not None else None,
            send.plan.task if send.plan is not None else self._labels.task,
        )
        verdict, self._reservation = budgets.reserve(
            spender, most_it_costs(send.plan) if most is None else most, self._house.clock()
        )
        if verdict.action == "go":
            return None
        self._house.warn_of_budget(verdict)
        if verdict.action == "stop":
            return _spent(self._provider, verdict.budget)
        if verdict.action == "throttle":
            self._lock = self._house.throttle(verdict.budget)
        return None

    async def enter(self, send: Send, tokens: float = 0.0) -> None:
        """Wait for room; NoRoom when there will be none in time.

        Args:
            send: the request.
            tokens: of its input, where it has no plan that tells them.
        """
        rules = self._house.rules
        if self._lock is not None:
            await self._take_lock(self._lock, rules.queue_s)
        if rules.pace:
            self._lane = self._house.pacer.lane(self._lane_key(send))
            self._until = asyncio.get_running_loop().time() + rules.queue_s
            try:
                await self._take_place(self._lane, _need(self._provider, send, tokens), rules.queue_s)
            except BaseException:
                self.leave()
                raise

    async def _take_lock(self, lock: asyncio.Lock, longest_s: float) -> None:
        began = perf_counter()
        try:
            async with asyncio.timeout(longest_s):
                await lock.acquire()
        except TimeoutError:
            self._lock = None
            raise NoRoom(longest_s) from None
        except asyncio.CancelledError:
            self._lock = None
            raise
        finally:
            self.queued_s += perf_counter() - began

    async def _take_place(self, lane: Lane, need: Need, longest_s: float) -> None:
        self._place = lane.take(need)
        if self._place is not None:
            return
        began = perf_counter()
        try:
            self._place = await lane.enter(self._caller(), need, longest_s=longest_s, most=self._house.rules.queue)
        finally:
            self.queued_s += perf_counter() - began

    def learn(self, response: Response) -> None:
        """Take what an answer says about the limits."""
        if self._lane is not None and self._place is not None:
            limits = limits_of(response.headers, self._house.clock())
            if limits:
                self._lane.learn(limits, self._place, asyncio.get_running_loop().time())

    def full(self, response: Response) -> bool:
        """Whether a 429 came because the limits have no room for the call, and it may still wait for that.

        A 429 whose own headers tell of room has another reason, and is the caller's to know.
        """
        if self._lane is None or self._place is None or not may_repeat(response.status, response.headers):
            return False
        self.learn(response)
        now = asyncio.get_running_loop().time()
        wait = self._lane.wait_s(self._place.need, now)
        if wait <= 0.0:
            return False
        told = retry_after(response.headers, self._house.clock())
        if max(wait, told or 0.0) > self._until - now:
            return False
        if told is not None:
            self._lane.shut(told, now)
        return True

    async def again(self, response: Response) -> bool:
        """Whether the call is to be sent once more, which is when it has waited for the room that was missing.

        Raises:
            NoRoom: the provider refused the call, and no room came in time.
        """
        if response.status != TOO_MANY:
            self.learn(response)
            return False
        lane, place = self._lane, self._place
        if lane is None or place is None or not self.full(response):
            return False
        await discard(response)
        self._give_up_place()
        await self._take_place(lane, place.need, self._until - asyncio.get_running_loop().time())
        return True

    def _give_up_place(self) -> None:
        if self._lane is not None and self._place is not None:
            self._lane.leave(self._place)
            self._place = None

    def leave(self) -> None:
        """A request is over."""
        self._give_up_place()
        if self._lock is not None and self._lock.locked():
            self._lock.release()
            self._lock = None

    def settle(self, call: Call | None, *, sent: bool) -> None:
        """Charge what the call cost; what is unknown is charged as reserved, what was never sent is not charged."""
        if self._lane is not None and call is not None and call.usage is not None:
            self._lane.answered(call.usage.output)
        if self._reservation is None:
            return
        now = self._house.clock()
        if not sent or (call is not None and call.status is None and call.error_kind == "connect"):
            self._reservation.settle(ZERO, now)
        else:
            self._reservation.settle(call.cost_all if call is not None else None, now)

    def _caller(self) -> Hashable:
        return self._holder.name if self._holder is not None else self._asked.key

    def _lane_key(self, send: Send) -> Hashable:
        return lane_key(self._provider, self._house.owner(self._provider, self._asked), send.model)


def tags_of(labels: Labels, holder: Holder | None) -> dict[str, str]:
    """A call's tags, with who made it."""
    if holder is None:
        return labels.tags
    tags = {**labels.tags, KEY_TAG: holder.name}
    return tags if holder.team is None else {**tags, TEAM_TAG: holder.team}


def spent_out(house: House, provider: str, holder: Holder | None, task: str | None) -> Problem | None:
    """Why a request that nobody can price may not go: a budget that stops has no room left. None when it may."""
    key, team = (None, None) if holder is None else (holder.name, holder.team)
    now = house.clock()
    verdict, reservation = house.budgets.reserve(Spender(key, team, task), 1, now)
    if reservation is not None:
        reservation.settle(ZERO, now)
    return _spent(provider, verdict.budget) if verdict.action == "stop" else None


def _need(provider: str, send: Send, tokens: float) -> Need:
    plan = send.plan
    if plan is None:
        return 1.0, tokens, 0.0
    cap = plan.view.cap
    expected = plan.before if send.body is plan.view.raw else plan.after
    return need_of(provider, send.model, expected.usage, cap[1] if cap is not None else None)


def _spent(provider: str, budget: str) -> Problem:
    message = f"the budget {budget} has no room for this call"
    hint = f"raise budgets.{budget}.usd in the policy, or wait for its next period"
    if provider == "anthropic":
        return Problem(status=402, message=message, hint=hint, code="budget_exceeded", retry=False)
    return Problem(
        status=429, message=message, hint=hint, kind="insufficient_quota", code="budget_exceeded", retry=False
    )

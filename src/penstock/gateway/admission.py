"""Whether a call may go, and when: keys, budgets, and room in the provider's limits."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable

from penstock.engine.labels import Labels
from penstock.engine.record import Call
from penstock.engine.steps import Send
from penstock.gateway.budgets import KEY_TAG, TEAM_TAG, Reservation, Spender, most_it_costs
from penstock.gateway.headers import Asked
from penstock.gateway.house import House
from penstock.gateway.keys import Holder, forbidden
from penstock.gateway.limits import counted, limits_of
from penstock.gateway.pacing import Lane, NoRoom
from penstock.gateway.problems import Problem
from penstock.gateway.response import Response
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
        self._tokens = 0.0

    @property
    def tags(self) -> dict[str, str]:
        """The call's tags, with who made it."""
        if self._holder is None:
            return self._labels.tags
        tags = {**self._labels.tags, KEY_TAG: self._holder.name}
        return tags if self._holder.team is None else {**tags, TEAM_TAG: self._holder.team}

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

    async def enter(self, send: Send) -> None:
        """Wait for room; NoRoom when there will be none in time."""
        rules = self._house.rules
        if self._lock is not None:
            try:
                async with asyncio.timeout(rules.queue_s):
                    await self._lock.acquire()
            except TimeoutError:
                self._lock = None
                raise NoRoom(rules.queue_s) from None
        if rules.pace:
            lane = self._house.pacer.lane(self._lane_key(send))
            self._tokens = _tokens(self._provider, send)
            await lane.enter(self._caller(), self._tokens, longest_s=rules.queue_s, most=rules.queue)
            self._lane = lane

    def learn(self, response: Response) -> None:
        """Take what an answer says about the limits."""
        if self._lane is not None:
            limits = limits_of(response.headers, self._house.clock())
            if limits:
                self._lane.learn(limits, asyncio.get_running_loop().time())

    def leave(self) -> None:
        """A request is over."""
        if self._lane is not None:
            self._lane.leave(self._tokens)
            self._lane = None
        if self._lock is not None and self._lock.locked():
            self._lock.release()
            self._lock = None

    def settle(self, call: Call | None, *, sent: bool) -> None:
        """Charge what the call cost; what is unknown is charged as reserved, what was never sent is not charged."""
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
        own = self._asked.key if self._provider not in self._house.keys else None
        return self._provider, own, send.model


def spent_out(house: House, provider: str, holder: Holder | None, task: str | None) -> Problem | None:
    """Why a request that nobody can price may not go: a budget that stops has no room left. None when it may."""
    key, team = (None, None) if holder is None else (holder.name, holder.team)
    now = house.clock()
    verdict, reservation = house.budgets.reserve(Spender(key, team, task), 1, now)
    if reservation is not None:
        reservation.settle(ZERO, now)
    return _spent(provider, verdict.budget) if verdict.action == "stop" else None


def _tokens(provider: str, send: Send) -> float:
    plan = send.plan
    if plan is None:
        return 0.0
    cap = plan.view.cap
    return float(counted(provider, plan.after.usage, cap[1] if cap is not None else None))


def _spent(provider: str, budget: str) -> Problem:
    message = f"the budget {budget} has no room for this call"
    if provider == "anthropic":
        return Problem(status=402, message=message, code="budget_exceeded", retry=False)
    return Problem(status=429, message=message, kind="insufficient_quota", code="budget_exceeded", retry=False)

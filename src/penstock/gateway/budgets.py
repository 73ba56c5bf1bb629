"""Budgets: room is reserved before a call and settled after it, so that calls at the same time cannot overshoot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import msgspec

from penstock.engine.plan import Plan
from penstock.engine.record import Call
from penstock.money import Picodollars, from_usd
from penstock.policy.serving import Budget
from penstock.unknown import Unknown

KEY_TAG = "penstock.key"
TEAM_TAG = "penstock.team"
"""Tags of a call's record that say who made it."""

OUTPUT_ALLOWANCE = 4096
"""Output tokens reserved for a call that sets no cap and whose task has shown no length yet."""


class Spender(msgspec.Struct, frozen=True):
    """Whom a call is charged to."""

    key: str | None = None
    team: str | None = None
    task: str | None = None


class Verdict(msgspec.Struct, frozen=True):
    """What the budgets say to a call.

    Attributes:
        action: ``go``, ``warn``, ``throttle`` or ``stop``; the hardest of those that apply.
        budget: the name of the one that says so; empty for ``go``.
    """

    action: str
    budget: str = ""


GO = Verdict("go")
_HARDNESS = {"go": 0, "warn": 1, "throttle": 2, "stop": 3}


class _Account:
    def __init__(self, name: str, rule: Budget) -> None:
        self.name = name
        self.rule = rule
        self.limit = from_usd(str(rule.usd))
        self.period = ""
        self.spent = 0
        self.reserved = 0

    def applies(self, spender: Spender) -> bool:
        rule = self.rule
        return (
            (rule.key is None or rule.key == spender.key)
            and (rule.team is None or rule.team == spender.team)
            and (rule.task is None or rule.task == spender.task)
        )

    def turn(self, at: float) -> None:
        """Begin a new period when ``at`` lies in one; what is reserved goes over into it."""
        period = period_of(self.rule.period, at)
        if period > self.period:
            self.period, self.spent = period, 0

    def verdict(self, amount: int) -> Verdict:
        total = self.spent + self.reserved + amount
        if total > self.limit:
            return Verdict(self.rule.action, self.name)
        return Verdict("warn", self.name) if total > self.limit * self.rule.warn else GO


class Reservation:
    """Room that a call holds until it is settled."""

    __slots__ = ("_accounts", "amount")

    def __init__(self, accounts: list[_Account], amount: int) -> None:
        self._accounts = accounts
        self.amount = amount

    def settle(self, cost: Picodollars | None, at: float) -> None:
        """Give the room back and charge the cost; an unknown cost is charged as reserved. Once only."""
        accounts, self._accounts = self._accounts, []
        for account in accounts:
            account.turn(at)
            account.reserved -= self.amount
            account.spent += self.amount if cost is None else cost


class Budgets:
    """All budgets of a policy, in this process.

    Args:
        rules: by name.
    """

    def __init__(self, rules: Mapping[str, Budget]) -> None:
        self._accounts = [_Account(name, rule) for name, rule in rules.items()]

    def __bool__(self) -> bool:
        return bool(self._accounts)

    def recall(self, calls: Iterable[Call], only: frozenset[str] | None = None) -> None:
        """Count what earlier calls of the running periods cost, so that a restart forgets nothing.

        Args:
            calls: of the running month.
            only: names of the budgets to count them in; None for all.
        """
        accounts = [one for one in self._accounts if only is None or one.name in only]
        for call in calls:
            cost = call.cost_all
            for account in accounts:
                account.turn(call.started_at)
                if (
                    cost
                    and account.applies(spender_of(call))
                    and account.period == period_of(account.rule.period, call.started_at)
                ):
                    account.spent += cost

    def inherit(self, before: Budgets) -> frozenset[str]:
        """Take over what budgets of the same calls and period have spent, whatever their limit and action were.

        What runs now counts as spent.

        Returns:
            Names of the budgets that had no forerunner.
        """
        known = {_scope(one.rule): one for one in before._accounts}
        fresh = set()
        for account in self._accounts:
            old = known.get(_scope(account.rule))
            if old is None:
                fresh.add(account.name)
            else:
                account.period, account.spent = old.period, old.spent + old.reserved
        return frozenset(fresh)

    def reserve(self, spender: Spender, amount: int, at: float) -> tuple[Verdict, Reservation | None]:
        """Room for a call, or why not; no reservation is made when the verdict is ``stop``.

        Args:
            spender: whom it is charged to.
            amount: the most that it may cost, picodollars.
            at: seconds since the epoch.
        """
        mine = [account for account in self._accounts if account.applies(spender)]
        worst = GO
        for account in mine:
            account.turn(at)
            verdict = account.verdict(amount)
            if _HARDNESS[verdict.action] > _HARDNESS[worst.action]:
                worst = verdict
        if worst.action == "stop":
            return worst, None
        for account in mine:
            account.reserved += amount
        return worst, Reservation(mine, amount)

    def standing(self) -> list[tuple[str, int, int, int]]:
        """Name, limit, spent and reserved of each budget, picodollars."""
        return [(one.name, one.limit, one.spent, one.reserved) for one in self._accounts]


def _scope(rule: Budget) -> tuple[str | None, ...]:
    return rule.period, rule.key, rule.team, rule.task


def spender_of(call: Call) -> Spender:
    """Whom a recorded call was charged to."""
    return Spender(call.tags.get(KEY_TAG), call.tags.get(TEAM_TAG), call.task)


def most_it_costs(plan: Plan | None) -> int:
    """An upper estimate of a call's price in picodollars; 0 when its price is unknown.

    The whole prompt at the dearest input price, at the high end of the estimate's band; the output cap, or what the
    task has shown, or an allowance.
    """
    if plan is None or isinstance(plan.facts.prices, Unknown):
        return 0
    facts, prices = plan.facts, plan.facts.prices
    rates = [prices.input, prices.cache_write_5m, prices.cache_write_1h, prices.cache_write_30m]
    dearest = max((rate for rate in rates if not isinstance(rate, Unknown)), default=0)
    prompt = round(facts.input_tokens * facts.band(plan.view)[1])
    cap = plan.view.cap
    expected = facts.expected_output(plan.view)
    output = cap[1] if cap is not None else OUTPUT_ALLOWANCE if isinstance(expected, Unknown) else 2 * expected
    rate = 0 if isinstance(prices.output, Unknown) else prices.output
    return int(prompt * dearest + max(0, output) * rate)


def period_of(period: str, at: float) -> str:
    """The calendar day or month (UTC) of an instant, such that later periods sort later."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d" if period == "day" else "%Y-%m")

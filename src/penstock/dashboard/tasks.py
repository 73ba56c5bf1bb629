"""The page of tasks: calls, cost and models of each, its quality gates, and why levers stood down."""

from __future__ import annotations

import msgspec

from penstock.dashboard.overview import MOST_CALLS
from penstock.engine.labels import SIMULATED
from penstock.engine.standing_down import StoodDown
from penstock.evidence.reconcile import Reconciled
from penstock.ledger.caching import CacheFigures
from penstock.ledger.sends import TaskSends
from penstock.ledger.sqlite import Ledger, Total
from penstock.ledger.standing import Standing, standings, under
from penstock.ledger.tasks import Figures, by_task
from penstock.policy.schema import Policy


class TaskPart(msgspec.Struct, kw_only=True):
    """One task.

    Attributes:
        name: label or fingerprint.
        total: over all its calls; None for a task that only a gate knows.
        models: figures by the model that answered.
        gates: where each stands.
        stood_down: why levers did something else than act, the most frequent first.
        caches: tokens foreseen and reported, by model.
    """

    name: str
    total: Total | None = None
    models: list[Figures] = []
    gates: list[Standing] = []
    stood_down: list[StoodDown] = []
    caches: dict[str, Reconciled] = {}


class Tasks(msgspec.Struct, frozen=True, kw_only=True):
    """The page.

    Attributes:
        tasks: the most costly first.
        read: records that were read; calls: all that there are.
        simulated: of the records, those whose answers are simulated.
    """

    tasks: tuple[TaskPart, ...]
    read: int
    calls: int
    simulated: int


def tasks(ledger: Ledger, policy: Policy) -> Tasks:
    """The page's figures, gates judged under the policy's terms."""
    figures, sends, caching = by_task(), dict[str, TaskSends](), CacheFigures()
    read = simulated = 0
    for call in ledger.calls(newest=MOST_CALLS):
        figures.add(call)
        sends.setdefault(call.task, TaskSends()).add(call)
        caching.add(call)
        read += 1
        simulated += SIMULATED in call.tags
    parts: dict[str, TaskPart] = {}
    totals = ledger.totals(("task",))
    for total in totals:
        name = str(total.group[0])
        parts[name] = TaskPart(name=name, total=total)
    for one in figures.rows:
        parts.setdefault(one.name, TaskPart(name=one.name)).models.append(one)
    for standing in standings(under(policy, ledger.gates.book()), sends):
        name = standing.status.task
        parts.setdefault(name, TaskPart(name=name)).gates.append(standing)
    for down in caching.stood_down.ranked():
        parts.setdefault(down.task, TaskPart(name=down.task)).stood_down.append(down)
    for (name, model), sums in sorted(caching.sums.items()):
        parts.setdefault(name, TaskPart(name=name)).caches[model] = sums
    return Tasks(
        tasks=tuple(parts.values()), read=read, calls=sum(total.calls for total in totals), simulated=simulated
    )

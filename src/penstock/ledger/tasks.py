"""What the ledger says of each task and model: calls, cost, cost per accepted answer, and how answers failed."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from penstock.engine.record import Call
from penstock.money import Picodollars


class TaskFigures(msgspec.Struct, kw_only=True):
    """Sums over the calls of one task that were answered by one model.

    Attributes:
        task: name or fingerprint.
        model: the model of the answers that callers got.
        calls: how many.
        accepted: answers with a 2xx status that were neither refused nor cut.
        errors: calls without a 2xx answer; refused, truncated: answers that ended so.
        escalated: calls whose first answer a verifier turned down.
        shadows: calls that another model answered too; disagreed: those on which it lost.
        cost: of calls whose cost is known, with their extra sends, in picodollars.
        shadow_cost: of which for shadows.
        unknown: calls whose cost is not known; they are in no sum of money.
    """

    task: str
    model: str
    calls: int = 0
    accepted: int = 0
    errors: int = 0
    refused: int = 0
    truncated: int = 0
    escalated: int = 0
    shadows: int = 0
    disagreed: int = 0
    cost: int = 0
    shadow_cost: int = 0
    unknown: int = 0

    @property
    def cost_per_accepted(self) -> Picodollars | None:
        """Cost over accepted answers, rounded down; None when a cost is unknown or nothing was accepted."""
        return Picodollars(self.cost // self.accepted) if self.accepted and not self.unknown else None

    def add(self, call: Call) -> None:
        """Count one call."""
        answered = call.status is not None and 200 <= call.status < 300  # noqa: PLR2004 - HTTP
        self.calls += 1
        self.errors += not answered
        self.refused += answered and call.finish == "refusal"
        self.truncated += answered and call.finish == "length"
        self.accepted += answered and call.finish not in ("refusal", "length")
        self.escalated += any(extra.purpose == "rejected" for extra in call.extra_sends)
        for extra in call.extra_sends:
            if extra.purpose == "shadow":
                self.shadows += 1
                self.disagreed += disagreed(extra.reason)
                self.shadow_cost += extra.cost or 0
        if call.cost_all is None:
            self.unknown += 1
        else:
            self.cost += call.cost_all


def disagreed(reason: str) -> bool:
    """Whether a shadow's reason says that the candidate lost."""
    return reason.startswith("disagreed")


def task_figures(calls: Iterable[Call]) -> list[TaskFigures]:
    """Figures by task and model, by name."""
    found: dict[tuple[str, str], TaskFigures] = {}
    for call in calls:
        key = (call.task, call.model_sent)
        found.setdefault(key, TaskFigures(task=key[0], model=key[1])).add(call)
    return [figures for _, figures in sorted(found.items())]

"""What the ledger says of tasks and models: calls, cost, cost per accepted answer, latency, and how answers failed."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from penstock.engine.record import Call
from penstock.money import Picodollars


class Figures(msgspec.Struct, kw_only=True):
    """Sums over the calls of one task, or of one endpoint, that were answered by one model.

    Attributes:
        name: of the task (a name or fingerprint), or of the endpoint (its dialect).
        model: the model of the answers that callers got.
        calls: how many callers made; records of requests of ours add their cost alone.
        accepted: answers with a 2xx status that were neither refused nor cut.
        errors: calls without a 2xx answer; refused, truncated: answers that ended so.
        escalated: calls whose first answer a verifier turned down.
        shadows: calls that another model answered too; disagreed: those on which it lost.
        cost: of calls whose cost is known, with their extra sends, in picodollars.
        shadow_cost: of which for shadows and their judges.
        unknown: calls whose cost is not known; they are in no sum of money.
        latencies: from request to last byte of each answered call, milliseconds.
    """

    name: str
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
    latencies: list[float] = []

    @property
    def cost_per_accepted(self) -> Picodollars | None:
        """Cost over accepted answers, rounded down; None when a cost is unknown or nothing was accepted."""
        return Picodollars(self.cost // self.accepted) if self.accepted and not self.unknown else None

    def latency(self, share: float) -> float | None:
        """The latency in milliseconds that a share (0..1) of the answers kept to; None when none is known."""
        if not self.latencies:
            return None
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    def add(self, call: Call) -> None:
        """Count one call."""
        answered = call.status is not None and 200 <= call.status < 300  # noqa: PLR2004 - HTTP
        asked = call.arm != "own"
        self.calls += asked
        self.errors += asked and not answered
        self.refused += answered and call.finish == "refusal"
        self.truncated += answered and call.finish == "length"
        self.accepted += answered and call.finish not in ("refusal", "length")
        self.escalated += any(extra.purpose == "rejected" for extra in call.extra_sends)
        for extra in call.extra_sends:
            if extra.purpose == "shadow":
                self.shadows += 1
                self.disagreed += disagreed(extra.reason)
            if extra.purpose in ("shadow", "judge"):
                self.shadow_cost += extra.cost or 0
        if answered and call.latency_ms is not None:
            self.latencies.append(call.latency_ms)
        if call.cost_all is None:
            self.unknown += 1
        else:
            self.cost += call.cost_all


def disagreed(reason: str) -> bool:
    """Whether a shadow's reason says that the candidate lost."""
    return reason.startswith("disagreed")


class FiguresBy:
    """Figures by a name and the model that answered.

    Args:
        name_of: the name that a call is counted under.
    """

    def __init__(self, name_of: Callable[[Call], str]) -> None:
        self._name_of = name_of
        self._found: dict[tuple[str, str], Figures] = {}

    def add(self, call: Call) -> None:
        """Count one call."""
        key = (self._name_of(call), call.model_sent)
        self._found.setdefault(key, Figures(name=key[0], model=key[1])).add(call)

    @property
    def rows(self) -> list[Figures]:
        """By name, then model."""
        return [figures for _, figures in sorted(self._found.items())]


def by_task() -> FiguresBy:
    """Figures by task and model."""
    return FiguresBy(lambda call: call.task)


def by_endpoint() -> FiguresBy:
    """Figures by endpoint (the dialect of the API, or the task of an endpoint without one) and model."""
    return FiguresBy(lambda call: call.task if call.dialect is None else call.dialect.value)

"""What one request of a task costs on each model and with each edit, and how many calls a day brings."""

from __future__ import annotations

import msgspec

from penstock.engine.gates import DAY_S
from penstock.engine.record import Call, ExtraSend
from penstock.engine.trial import same_model
from penstock.evidence.gatebook import Status, payback_calls
from penstock.money import Picodollars


class Payback(msgspec.Struct, frozen=True):
    """When earning a task has paid for itself.

    Attributes:
        price_ratio: mean cost of a candidate's request over one of the reference's; of calls that both arms answered,
            where they are of one model.
        calls: served by the candidate until then; None when it saves nothing.
        days: the same at the task's present rate of calls; None where ``calls`` is, or no rate is known.
    """

    price_ratio: float
    calls: int | None
    days: float | None


class TaskSends:
    """Costs by model and the calls' rate, of one task."""

    def __init__(self) -> None:
        self._spent: dict[str, tuple[int, int]] = {}
        self._pairs: dict[frozenset[str], tuple[int, int]] = {}
        self._first = self._last = 0.0
        self._calls = 0

    def add(self, call: Call) -> None:
        """Count one call and its shadows; a cost that is unknown counts nowhere."""
        self._first = min(self._first, call.started_at) if self._calls else call.started_at
        self._last = max(self._last, call.started_at)
        self._calls += 1
        self._paid(call.model_sent, call.cost)
        for extra in call.extra_sends:
            if extra.purpose == "shadow":
                self._paid(extra.model, extra.cost)
                self._paired(call, extra)

    def mean_cost(self, model: str) -> float | None:
        """Mean picodollars of a request to a model, in any spelling; None when none is known."""
        found = [spent for name, spent in self._spent.items() if same_model(name, model)]
        requests, cost = sum(one for one, _ in found), sum(two for _, two in found)
        return cost / requests if requests else None

    @property
    def calls_a_day(self) -> float | None:
        """None when the calls span no time."""
        span = self._last - self._first
        return self._calls * DAY_S / span if span > 0.0 else None

    def payback(self, status: Status, watch_share: float) -> Payback | None:
        """When the samples that a candidate took, and still needs, are paid for; None when a cost is unknown."""
        ratio = self._ratio(status)
        if ratio is None:
            return None
        missing = status.needed.samples if status.needed is not None else 0
        if missing is None:
            return Payback(ratio, None, None)
        try:
            calls = payback_calls(status.n + missing, price_ratio=ratio, paired_share=watch_share)
        except ValueError:
            return Payback(ratio, None, None)
        rate = self.calls_a_day
        return Payback(ratio, calls, calls / rate if rate else None)

    def _ratio(self, status: Status) -> float | None:
        if status.edits and same_model(status.model, status.reference):
            return self._ratio_of_edits(frozenset(status.edits))
        candidate, reference = self.mean_cost(status.model), self.mean_cost(status.reference)
        return candidate / reference if candidate is not None and reference else None

    def _ratio_of_edits(self, tested: frozenset[str]) -> float | None:
        """One model with and without edits, by calls that were sent both ways: untouched calls are other prompts."""
        candidate = reference = 0
        for acted, (answer, shadow) in self._pairs.items():
            with_edits, without = (answer, shadow) if acted & tested else (shadow, answer)
            candidate += with_edits
            reference += without
        return candidate / reference if reference else None

    def _paired(self, call: Call, shadow: ExtraSend) -> None:
        """Count a call whose model was asked twice, by the levers that acted on the request that was answered."""
        if call.cost is None or shadow.cost is None or not same_model(call.model_sent, shadow.model):
            return
        acted = frozenset(edit.lever for edit in call.edits)
        answers, shadows = self._pairs.get(acted, (0, 0))
        self._pairs[acted] = (answers + call.cost, shadows + shadow.cost)

    def _paid(self, model: str, cost: Picodollars | None) -> None:
        if cost is not None:
            requests, spent = self._spent.get(model, (0, 0))
            self._spent[model] = (requests + 1, spent + cost)

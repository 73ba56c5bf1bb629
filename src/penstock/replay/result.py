"""The bill of a replay: recorded, predicted and projected, over the calls where all three are known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import msgspec

from penstock.engine.call import Outcome
from penstock.engine.plan import Plan
from penstock.engine.standing_down import StandDowns, StoodDown
from penstock.models.prices import TABLE_VERSION
from penstock.money import Picodollars

_UNPRICED = "a price that is not known"


class Row(msgspec.Struct, kw_only=True):
    """Sums over some calls, in picodollars.

    Attributes:
        calls: how many.
        recorded: by the provider's own usage.
        predicted: the recorded bytes through the cache model.
        projected: under the policy.
    """

    calls: int = 0
    recorded: int = 0
    predicted: int = 0
    projected: int = 0

    @property
    def saving(self) -> Picodollars:
        """Recorded less projected."""
        return Picodollars(self.recorded - self.projected)

    def add(self, recorded: int, predicted: int, projected: int) -> None:
        """One more call."""
        self.calls += 1
        self.recorded += recorded
        self.predicted += predicted
        self.projected += projected


class ReplayResult(msgspec.Struct, kw_only=True):
    """What a replay found; money in picodollars.

    Attributes:
        total: over all calls that could be priced.
        by_task: the same per task.
        by_model: the same per recorded model.
        by_lever: what each lever saves on top of those before it; empty unless asked for.
        left_out: calls that could not be replayed or priced, by reason; they are in no sum.
        first_ts: start of the first replayed call, seconds since the epoch; None without calls.
        last_ts: start of the last one.
        assumed: what the projection takes for granted, with the number of calls that it concerns.
        lever_failures: levers that raised and were skipped, as ``lever: ErrorType``.
        stood_down: why levers did something else than act, by task, the most frequent first.
        price_table: version of the prices used.
        calls: that were replayed.
        simulated: of which with simulated answers in the log.
    """

    total: Row
    by_task: dict[str, Row]
    by_model: dict[str, Row]
    by_lever: dict[str, int]
    left_out: dict[str, int]
    first_ts: float | None
    last_ts: float | None
    assumed: dict[str, int]
    lever_failures: dict[str, int]
    stood_down: tuple[StoodDown, ...] = ()
    price_table: str = TABLE_VERSION
    calls: int = 0
    simulated: int = 0

    @property
    def prediction_error(self) -> float | None:
        """(predicted - recorded) / recorded: the cache model's own error on bytes that were really sent."""
        total = self.total
        return (total.predicted - total.recorded) / total.recorded if total.recorded else None

    @property
    def saving_share(self) -> float | None:
        """The projected saving as a share of the recorded bill."""
        return self.total.saving / self.total.recorded if self.total.recorded else None


def _gated(plan: Plan) -> bool:
    """Whether a gate kept a model or an edit from a call."""
    facts = plan.facts
    gate = facts.policy.gate
    waits = gate is not None and gate.enabled and gate.candidate is not None and not facts.promoted
    return waits or any(one.edit.lever in facts.waiting for one in plan.refused)


class Bill:
    """Adds up a replay."""

    def __init__(self) -> None:
        self.calls = 0
        self.simulated = 0
        self._total = Row()
        self._by_task: dict[str, Row] = {}
        self._by_model: dict[str, Row] = {}
        self._lanes: Counter[str] = Counter()
        self._left_out: Counter[str] = Counter()
        self._assumed: Counter[str] = Counter()
        self._failures: Counter[str] = Counter()
        self._stood_down = StandDowns()
        self._span: tuple[float, float] | None = None

    def skip(self, reason: str) -> None:
        """A call that is in no sum."""
        self._left_out[reason] += 1

    def note(self, outcome: Outcome, asked: str) -> None:
        """What the projection of one call takes for granted."""
        call = outcome.call
        self._failures.update(call.failures)
        self._stood_down.add(call.task, call.notes, call.started_at)
        models = {call.model_sent, *(extra.model for extra in call.extra_sends)}
        if models - {asked}:
            self._assumed["another model's answers were not seen: no second sends for failed checks"] += 1
        if any(extra.purpose == "truncated" for extra in call.extra_sends):
            self._assumed["an answer longer than its cap is asked for again without it"] += 1
        if outcome.plan is not None and _gated(outcome.plan):
            self._assumed[
                "a gate has no evidence yet: what it tests is not served, and what testing costs is not in the bill"
            ] += 1
        if any(edit.lever == "trim" for edit in call.edits):
            self._assumed["a trimmed prompt is answered at the recorded length"] += 1
        if any(edit.lever == "brevity" for edit in call.edits):
            self._assumed["an instruction to answer briefly shortens nothing: the recorded length is billed"] += 1

    def add(
        self,
        task: str,
        model: str,
        ts: float,
        *,
        recorded: int | None,
        predicted: int | None,
        projected: Mapping[str, int | None],
    ) -> None:
        """One replayed call; unless every figure is known it is left out of every sum."""
        self.calls += 1
        self._span = (ts if self._span is None else self._span[0], ts)
        known = [cost for cost in projected.values() if cost is not None]
        if recorded is None or predicted is None or len(known) < len(projected):
            self.skip(_UNPRICED)
            return
        final = projected["all"] or 0
        for row in (
            self._total,
            self._by_task.setdefault(task, Row()),
            self._by_model.setdefault(model, Row()),
        ):
            row.add(recorded, predicted, final)
        for name, cost in projected.items():
            self._lanes[name] += cost or 0

    def result(self) -> ReplayResult:
        """The sums."""
        return ReplayResult(
            total=self._total,
            by_task=dict(sorted(self._by_task.items(), key=lambda item: -item[1].saving)),
            by_model=dict(sorted(self._by_model.items(), key=lambda item: -item[1].recorded)),
            by_lever=self._by_lever(),
            left_out=dict(self._left_out.most_common()),
            first_ts=self._span[0] if self._span else None,
            last_ts=self._span[1] if self._span else None,
            assumed=dict(self._assumed),
            lever_failures=dict(self._failures),
            stood_down=tuple(self._stood_down.ranked()),
            calls=self.calls,
            simulated=self.simulated,
        )

    def _by_lever(self) -> dict[str, int]:
        """Each lane's bill less the next one's; the last step is the last lever's."""
        names = list(self._lanes)
        if len(names) < 2:  # noqa: PLR2004 - one lane has nothing to compare with
            return {}
        last = "cache"
        steps = [*names[1:-1], last]
        return {lever: self._lanes[a] - self._lanes[b] for lever, a, b in zip(steps, names, names[1:], strict=False)}

"""Replay: recorded calls in time order through the engine and the cache model, for no money.

Three bills come out of the same calls:

    recorded    what the provider's own usage costs
    predicted   the recorded bytes through the cache model; its distance from ``recorded`` is the projection's own error
    projected   the recorded calls under the policy

What a replay cannot know is said: another model's words are taken to be the recorded ones, so a routed task is
projected without the second sends that its verifiers will ask for.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from penstock.cachemodel.admission import DEFAULTS, Decisions
from penstock.engine.labels import SIMULATED
from penstock.errors import MalformedRequest
from penstock.evidence.store import Evidence, prior
from penstock.models.tiers import tier_of
from penstock.money import Picodollars
from penstock.policy.schema import Levers, Policy
from penstock.replay.lane import LIKELY_FIRST_BYTE_S, Billing, PolicyLane, Told, cost_as_billed, price_as_recorded
from penstock.replay.result import Bill, ReplayResult
from penstock.replay.tokens import TokenBook
from penstock.wire.answer import read_answer
from penstock.wire.recorded import RecordedCall
from penstock.wire.usage import Usage
from penstock.wire.view import read_request

LEVERS = ("trim", "route", "cap", "cache")
"""In the order in which the pipeline runs them; savings by lever are what each adds to those before it.

An instruction to answer briefly saves nothing here: how much shorter answers would have been is not in a log."""

_ACCEPTED = range(200, 300)
_REORDERED = 10_000


def replay(
    calls: Iterable[RecordedCall],
    policy: Policy,
    *,
    by_lever: bool = False,
    decisions: Decisions = DEFAULTS,
    progress: Callable[[int], object] | None = None,
) -> ReplayResult:
    """The bill of some recorded calls under a policy.

    Args:
        calls: in any order of time that is at most 10,000 calls off.
        policy: applied as a whole, whatever its mode and holdback.
        by_lever: also run the policy with its levers added one by one (as many runs as there are levers more).
        decisions: what the cache rules leave open.
        progress: told the number of calls done.
    """
    run = _Run(policy, by_lever=by_lever, decisions=decisions)
    run.feed_all(calls, progress)
    return run.result()


def replay_and_teach(
    calls: Iterable[RecordedCall],
    policy: Policy,
    *,
    by_lever: bool = False,
    decisions: Decisions = DEFAULTS,
    progress: Callable[[int], object] | None = None,
) -> tuple[ReplayResult, Evidence]:
    """As ``replay``, and the prior that live traffic under the policy may begin with.

    Lengths and token counts are those of the recorded calls. Reuse is that of the prompts as the policy sends them,
    without what was bought in the replay: no cache entry, no account.
    """
    run = _Run(policy, by_lever=by_lever, decisions=decisions)
    observed = run.observe()
    run.feed_all(calls, progress)
    return run.result(), prior(asked=run.evidence, answered=observed.context.evidence)


def in_time_order(calls: Iterable[RecordedCall], window: int = _REORDERED) -> Iterator[RecordedCall]:
    """Calls by start time, as long as none is more than ``window`` calls out of place; calls without a time first."""
    heap: list[tuple[float, int, RecordedCall]] = []
    for number, call in enumerate(calls):
        heapq.heappush(heap, (call.ts if call.ts is not None else float("-inf"), number, call))
        if len(heap) > window:
            yield heapq.heappop(heap)[2]
    while heap:
        yield heapq.heappop(heap)[2]


class _Run:
    def __init__(self, policy: Policy, *, by_lever: bool, decisions: Decisions) -> None:
        self._book = TokenBook()
        self._decisions = decisions
        self._recorded = Billing(decisions)
        lanes = _lever_policies(policy) if by_lever else []
        self._lanes = [(name, PolicyLane(each, self._book, decisions)) for name, each in [*lanes, ("all", policy)]]
        self._observed: PolicyLane | None = None
        self._bill = Bill()
        self._last = float("-inf")

    @property
    def evidence(self) -> Evidence:
        """What the lane of the whole policy learnt."""
        return self._lanes[-1][1].context.evidence

    def observe(self) -> PolicyLane:
        """Also run the calls as they were recorded; the lane that does."""
        self._observed = PolicyLane(Policy(), self._book, self._decisions, mode="observe")
        return self._observed

    def feed_all(self, calls: Iterable[RecordedCall], progress: Callable[[int], object] | None) -> None:
        """Calls in any order of time that is at most 10,000 calls off."""
        for number, call in enumerate(in_time_order(calls), 1):
            self.feed(call)
            if progress is not None:
                progress(number)

    def feed(self, call: RecordedCall) -> None:
        told = self._told(call)
        if isinstance(told, str):
            self._bill.skip(told)
            return
        if self._observed is not None:
            self._observed.run(told)
        self._bill.simulated += SIMULATED in call.tags
        recorded, predicted = self._before(told)
        costs: dict[str, Picodollars | None] = {}
        task = told.task or ""
        for name, lane in self._lanes:
            outcome = lane.run(told)
            costs[name] = cost_as_billed(outcome.call, told)
            task = outcome.call.task
            if name == "all":
                self._bill.note(outcome, told.view.model)
        self._bill.add(task, told.view.model, told.ts, recorded=recorded, predicted=predicted, projected=costs)

    def result(self) -> ReplayResult:
        return self._bill.result()

    def _told(self, call: RecordedCall) -> Told | str:
        """The call as a replay needs it, or why it is left out."""
        if call.ts is None:
            return "no start time"
        if call.dialect is None or call.request is None:
            return "no request body of a known API"
        if call.status is not None and call.status not in _ACCEPTED:
            return "not answered"
        if call.usage is None:
            return "no usage reported"
        if call.ts < self._last:
            return "too far out of time order"
        try:
            view = read_request(call.dialect, call.request)
        except MalformedRequest:
            return "a request body that cannot be read"
        self._last = call.ts
        first = LIKELY_FIRST_BYTE_S if call.ttft_ms is None else call.ttft_ms / 1000
        whole = first if call.latency_ms is None else max(first, call.latency_ms / 1000)
        return Told(
            key=f"replay-{self._bill.calls}",
            ts=call.ts,
            dialect=call.dialect,
            view=view,
            tokens=self._book.learn(view, call.usage),
            usage=call.usage,
            answer=None if call.response is None else read_answer(call.dialect, call.response),
            first_byte_at=call.ts + first,
            ended_at=call.ts + whole,
            task=call.tags.get("task"),
            session=call.session,
            stream=call.stream,
            tier=tier_of(call.dialect, _fields(call.request), _fields(call.response), batch=call.batch),
        )

    def _before(self, told: Told) -> tuple[Picodollars | None, Picodollars | None]:
        """The recorded call's cost by the provider's usage, and by the cache model on the recorded bytes."""
        usage = told.usage
        recorded = None if usage is None else price_as_recorded(told.view.model, usage, told)
        foreseen = self._recorded.bill(told.view, told.tokens, told, usage.output if usage else 0)
        predicted = price_as_recorded(told.view.model, foreseen, told) if isinstance(foreseen, Usage) else None
        return _known(recorded), _known(predicted)


def _known(amount: object) -> Picodollars | None:
    return Picodollars(amount) if isinstance(amount, int) else None


def _fields(body: bytes | None) -> dict[str, Any]:
    if body is None:
        return {}
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.MsgspecError:
        return {}


def _lever_policies(policy: Policy) -> list[tuple[str, Policy]]:
    """The policy with no lever, then with one more at a time, all but the last; instructions only where it has some."""
    brief = any(task.brevity is not None for task in (policy.defaults, *policy.tasks.values()))
    order = ("trim", "route", "brevity", "cap", "cache") if brief else LEVERS
    on: dict[str, bool] = {**dict.fromkeys(order, False), "brevity": False}
    steps = [("", msgspec.structs.replace(policy, levers=Levers(**on)))]
    for lever in order[:-1]:
        on = {**on, lever: getattr(policy.levers, lever)}
        steps.append((lever, msgspec.structs.replace(policy, levers=Levers(**on))))
    return steps

"""What planning costs in CPU, beside reading and hashing the body, by size and length of the conversation.

    python -m benchmarks.planner_cost --json [--seed N] [--repeats N]

Each row is the last request of made-up agent conversations, in microseconds of this thread's CPU time:

    read_us     the body parsed, and every message hashed
    plan_us     all that the engine does from there until it asks its driver to send: segments, task, facts, the cache
                model with and without us, every lever, the edited bytes, waiting siblings
    markers_us  of that, the cache lever's part: what is known of the prompt, its forecasts, the choice of markers;
                asked once more right after, so with all of it in the processor's caches
    rest_us     all that it does with the answer: usage, cost, what it would have cost, learning, the record

A request that was ``seen_before`` has its last exchange new and all before it planned and answered. The policy applies
cache markers to all calls, so edits are made wherever they are expected to pay. Rows are medians over conversations.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from statistics import median
from time import thread_time_ns
from typing import Any, NamedTuple

from benchmarks.agents import Agent
from benchmarks.report import Report, arguments, progress
from penstock.cachemodel.admission import Split
from penstock.cachemodel.machine import admit, begin
from penstock.cachemodel.prompt import prompt_of
from penstock.cachemodel.store import CacheState
from penstock.engine.call import run_call
from penstock.engine.context import EngineContext
from penstock.engine.counts import counted
from penstock.engine.incoming import Incoming
from penstock.engine.steps import Send, Sent
from penstock.levers.cache.propose import propose
from penstock.models.catalog import profile_of
from penstock.models.profile import Profile
from penstock.policy.load import load_policy
from penstock.wire.dialect import Dialect
from penstock.wire.view import read_request

CASES = ((2_000, (1, 4)), (10_000, (2, 8, 24)), (50_000, (2, 8, 32, 100)), (200_000, (8, 32, 128)), (400_000, (8, 128)))
"""Bytes of the last request, and after how many turns it comes."""
POLICY = 'mode = "apply"\n[holdback]\nshare = 0.0\n'
START = 1_795_305_600.0  # 2026-11-22 00:00 UTC
GAP_S = 20.0


class Cost(NamedTuple):
    """Of one request, in nanoseconds; ``edits`` is how many changes were sent."""

    read: int
    plan: int
    markers: int
    rest: int
    edits: int


class Bench:
    """One process's engine, and its time."""

    def __init__(self) -> None:
        self.context = EngineContext(load_policy(POLICY))
        self.provider = CacheState()
        self.now = START
        self.calls = 0

    def ask(self, agent: Agent, turn: int) -> Cost:
        """One call of an agent from its body to its record; the answer comes a second later."""
        raw = agent.body(turn)
        self.calls += 1
        self.now += GAP_S / 7
        call_id = f"call-{self.calls}"
        request = Incoming(call_id=call_id, dialect=agent.dialect, raw=raw, started_at=self.now, session=None)
        begin = thread_time_ns()
        read_request(agent.dialect, raw).hash_prompt()
        read = thread_time_ns()
        steps = run_call(request, self.context)
        step = next(steps)
        planned = thread_time_ns()
        assert isinstance(step, Send)
        markers = _of_markers(step)
        answer = agent.answer(self._billed(step))
        self.context.began(call_id, self.now + 0.5)
        sent = Sent(status=200, body=answer, started_at=self.now, first_byte_at=self.now + 0.5, ended_at=self.now + 1.0)
        answered = thread_time_ns()
        try:
            steps.send(sent)
            steps.send(None)
        except StopIteration:
            pass
        done = thread_time_ns()
        edits = len(step.plan.edits) if step.plan is not None else 0
        return Cost(read - begin, planned - read - (read - begin), markers, done - answered, edits)

    def _billed(self, send: Send) -> Split:
        """What the provider's cache makes of a request; its answer begins half a second after it was sent."""
        view = read_request(send.dialect, send.body)
        profile = profile_of(view.model)
        assert isinstance(profile, Profile)
        tokens = counted(view.outline, profile.tokenizer, 1.1).tokens
        admission = admit(self.provider, prompt_of(view, profile, tokens), self.now)
        begin(self.provider, admission, self.now + 0.5)
        return admission.split


def _of_markers(send: Send) -> int:
    """What the cache lever takes for a request that was just planned, nanoseconds."""
    assert send.plan is not None
    begin = thread_time_ns()
    propose(send.plan.view, send.plan.facts)
    return thread_time_ns() - begin


def rows(seed: int, repeats: int) -> Iterator[dict[str, Any]]:
    """Each case's row; with ``seen_before`` and without."""
    for dialect in (Dialect.ANTHROPIC_MESSAGES, Dialect.OPENAI_CHAT):
        for size, lengths in CASES:
            for turns in lengths:
                few = max(5, min(repeats, 40 * repeats // (turns + 20)))
                progress(f"{dialect.value} {size} bytes, {turns} turns")
                seen, new = [], []
                bench = Bench()
                for number in range(few):
                    agent = Agent(dialect, size=size, turns=turns, seed=seed, key=f"{turns}-{number}")
                    if turns > 1:
                        for turn in range(max(1, turns - 4), turns):
                            bench.ask(agent, turn)
                        seen.append(bench.ask(agent, turns))
                    other = Agent(dialect, size=size, turns=turns, seed=seed, key=f"new-{turns}-{number}")
                    new.append(bench.ask(other, turns))
                body = len(other.body(turns))
                for costs, before in ((seen, True), (new, False)):
                    if costs:
                        yield row_of(costs, dialect=dialect.value, body_bytes=body, turns=turns, seen_before=before)


def row_of(costs: list[Cost], **case: Any) -> dict[str, Any]:
    """Medians, and the quartiles of what planning costs."""
    plans = sorted(cost.plan for cost in costs)
    quartiles = [plans[len(plans) // 4], plans[-(-3 * len(plans) // 4) - 1]]
    return {
        **case,
        "read_us": us(median(cost.read for cost in costs)),
        "plan_us": us(median(plans)),
        "plan_us_quartiles": [us(one) for one in quartiles],
        "markers_us": us(median(cost.markers for cost in costs)),
        "rest_us": us(median(cost.rest for cost in costs)),
        "edits": median(cost.edits for cost in costs),
        "repeats": len(costs),
    }


def us(nanoseconds: float) -> float:
    return round(nanoseconds / 1000, 1)


def main() -> None:
    parser = arguments(__doc__ or "", data=False)
    parser.add_argument("--repeats", type=int, default=60, help="conversations of each case, fewer of long ones")
    chosen = parser.parse_args()
    report = Report("planner_cost", chosen.seed)
    gc.disable()
    found = []
    for row in rows(chosen.seed, chosen.repeats):
        found.append(row)
        gc.collect()
    report.emit(cores=os.cpu_count(), load=os.getloadavg()[0], rows=found)


if __name__ == "__main__":
    main()

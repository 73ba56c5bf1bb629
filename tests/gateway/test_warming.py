"""Keep-alive and pre-warming through a gateway, billed by the simulated provider."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anthropic
import pytest

from penstock.cachemodel.store import CacheState
from penstock.engine.record import Call
from penstock.policy.load import load_policy
from penstock.policy.schema import Holdback
from penstock.simulator.server import Simulator
from tests.gateway.running import Running, eventually, policy_for, serving

RULES = "What each side owes the other, clause by clause, and by when. " * 400
SYSTEM: list[Any] = [{"type": "text", "text": RULES, "cache_control": {"type": "ephemeral"}}]
KEEP = load_policy("[tasks.clauses.cache]\nkeep_alive = true\n").tasks


@pytest.fixture
def gateway(simulator: Simulator) -> Iterator[Running]:
    policy = policy_for(simulator.base_url, mode="apply", holdback=Holdback(share=0.0), tasks=KEEP)
    with serving(policy, clock=simulator.clock.now) as running:
        running.gateway.house.warmth.tick_s = 0.005
        yield running


def _ask(gateway: Running, n: int, system: Any = SYSTEM) -> None:
    with anthropic.Anthropic(base_url=gateway.url, api_key="k", max_retries=0) as sdk:
        sdk.messages.create(
            model="claude-opus-5-5",
            max_tokens=50,
            system=system,
            messages=[{"role": "user", "content": f"Question {n}?"}],
            extra_headers={"x-penstock-task": "clauses"},
        )
    gateway.calls(n + 1)


def _sent_after(gateway: Running, simulator: Simulator, seconds: float) -> None:
    """Move the clock, and wait for the keep-alive request that is due by then."""
    before = len(simulator.bill)
    simulator.clock.advance(seconds)
    eventually(lambda: len(simulator.bill) > before and not gateway.gateway.house.warmth.running)


def _every_ten_minutes(gateway: Running, simulator: Simulator, calls: int) -> None:
    """Calls every ten minutes, from the fourth on with two keep-alive requests between them."""
    for n in range(calls):
        _ask(gateway, n)
        if n < 3:  # what was seen once or not at all is not acted on
            simulator.clock.advance(550.0)
        else:
            _sent_after(gateway, simulator, 275.0)
            _sent_after(gateway, simulator, 275.0)
        simulator.clock.advance(50.0)


def test_keep_alive_requests_are_sent_between_calls_billed_as_reads_and_booked(
    gateway: Running, simulator: Simulator
) -> None:
    _every_ten_minutes(gateway, simulator, 6)
    calls: list[Call] = gateway.calls(6)
    assert [extra.purpose for extra in calls[-1].extra_sends] == ["keep_alive", "keep_alive"]
    for usage in (calls[-1].usage, *(extra.usage for extra in calls[-1].extra_sends)):
        assert usage is not None
        assert usage.cache_read > 4000
    assert calls[-1].saved is not None
    assert calls[-1].saved > 0
    owed = gateway.gateway.house.context.warming.book("clauses")
    booked = [*(call.cost_all for call in calls), *(extra.cost for extra in owed)]
    paid = [one.cost for one in simulator.bill]
    assert sum(cost for cost in booked if cost is not None) == sum(cost for cost in paid if isinstance(cost, int))


def test_a_provider_that_loses_the_entry_is_asked_once_and_no_more(gateway: Running, simulator: Simulator) -> None:
    _every_ten_minutes(gateway, simulator, 4)
    _ask(gateway, 4)
    simulator.provider.world.cache = CacheState()
    _sent_after(gateway, simulator, 275.0)
    assert simulator.bill[-1].usage.cache_read == 0
    assert gateway.gateway.house.context.warming.due(simulator.clock.now() + 280.0) == []
    _ask(gateway, 5)
    assert "stopped, since it did not read" in gateway.calls(6)[-1].extra_sends[-1].reason


def test_t9_a_cold_prefix_of_a_slow_busy_task_is_filled_ahead_billed_once_and_read_by_all(simulator: Simulator) -> None:
    tasks = load_policy("[tasks.clauses.cache]\nprewarm = true\nhold_ms = 10000\n").tasks
    policy = policy_for(simulator.base_url, mode="apply", holdback=Holdback(share=0.0), tasks=tasks)
    with serving(policy, clock=simulator.clock.now) as gateway:
        for n in range(10):
            _ask(gateway, n, system="Be brief.")
        gateway.gateway.house.context.warming.waited("clauses", 60.0)  # answers of the task begin after a minute
        before = len(simulator.bill)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda n: _ask(gateway, n), range(10, 14)))
        calls = gateway.calls(14)[10:]
        eventually(lambda: not gateway.gateway.house.warmth.running)
    assert 'penstock_added_latency_seconds_count{part="hold"}' in gateway.gateway.house.metrics.text()
    fill, *reads = simulator.bill[before:]
    assert (fill.usage.cache_write > 4000, fill.usage.output, len(reads)) == (True, 0, 4)
    assert all(one.usage.cache_read > 4000 and one.usage.cache_write == 0 for one in reads)
    owed = gateway.gateway.house.context.warming.book("clauses")
    (extra,) = [*(extra for call in calls for extra in call.extra_sends), *owed]
    assert extra.usage is not None
    assert (extra.purpose, extra.usage.cache_write) == ("prewarm", fill.usage.cache_write)
    assert any(note.did == "fills ahead" for call in calls for note in call.notes)
    costs = [*(call.cost for call in calls), extra.cost]
    assert sum(cost for cost in costs if cost is not None) == sum(
        one.cost for one in simulator.bill[before:] if isinstance(one.cost, int)
    )


def test_what_no_call_followed_is_in_the_books_after_the_close(simulator: Simulator) -> None:
    policy = policy_for(simulator.base_url, mode="apply", holdback=Holdback(share=0.0), tasks=KEEP)
    with serving(policy, clock=simulator.clock.now) as gateway:
        gateway.gateway.house.warmth.tick_s = 0.005
        _every_ten_minutes(gateway, simulator, 4)
    last = list(gateway.books.recent)[-1]
    assert (last.arm, last.task, last.cost) == ("own", "clauses", 0)
    assert [extra.purpose for extra in last.extra_sends] == ["keep_alive", "keep_alive"]

"""Keep-alive and pre-warming through the SDK clients, billed by the simulated provider."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest

from penstock.cachemodel.store import CacheState
from penstock.client import Penstock
from penstock.client.core import Core
from penstock.client.warming import MOST, Head, Told
from penstock.engine.context import EngineContext
from penstock.engine.steps import Warm
from penstock.ledger.books import Books
from penstock.ledger.sqlite import open_ledger
from penstock.policy.load import load_policy
from penstock.simulator.server import Simulator, running
from penstock.wire.dialect import Dialect
from penstock.wire.usage import Usage
from tests.evidence.pauses import go_on_late
from tests.gateway.running import eventually

PATIENCE_S = 20.0
FAST: dict[str, Any] = {"api_key": "sk-test", "max_retries": 0}
RULES = "What each side owes the other, clause by clause, and by when. " * 400
SYSTEM: list[Any] = [{"type": "text", "text": RULES, "cache_control": {"type": "ephemeral"}}]
APPLY = 'mode = "apply"\nholdback.share = 0.0\n'
KEEP = load_policy(APPLY + "[tasks.clauses.cache]\nkeep_alive = true\n")
AHEAD = load_policy(APPLY + "[tasks.clauses.cache]\nprewarm = true\nhold_ms = 10000\n")


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with running() as running_simulator:
        yield running_simulator


def _penstock(simulator: Simulator, policy: Any = KEEP, **more: Any) -> Penstock:
    penstock = Penstock(policy, anthropic_base_url=simulator.base_url, clock=simulator.clock.now, **more)
    penstock._core.warmth.tick_s = 0.005
    return penstock


def _asked(n: int, system: Any = SYSTEM) -> dict[str, Any]:
    said = [{"role": "user", "content": f"Question {n}?"}]
    return {"model": "claude-opus-5-5", "max_tokens": 50, "system": system, "messages": said}


async def _eventually_async(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - another thread makes it true
            await asyncio.sleep(0.002)


def _sent(penstock: Penstock, simulator: Simulator, before: int) -> Callable[[], bool]:
    return lambda: len(simulator.bill) > before and not penstock._core.warmth.running


def _every_ten_minutes(penstock: Penstock, client: Any, simulator: Simulator, calls: int) -> None:
    """Calls every ten minutes, from the fourth on with two keep-alive requests between them."""
    for n in range(calls):
        with penstock.task("clauses"):
            client.messages.create(**_asked(n))
        for _ in range(2):
            before = len(simulator.bill)
            simulator.clock.advance(275.0)
            if n > 2:
                eventually(_sent(penstock, simulator, before))
        simulator.clock.advance(50.0)


def _costs(penstock: Penstock) -> int:
    owed = penstock.context.warming.book("clauses")
    booked = [*(call.cost_all for call in penstock.calls), *(extra.cost for extra in owed)]
    return sum(cost for cost in booked if cost is not None)


def test_a_sync_client_keeps_its_prefix_alive_and_books_what_it_cost(simulator: Simulator) -> None:
    with _penstock(simulator) as penstock, penstock.anthropic(**FAST) as client:
        _every_ten_minutes(penstock, client, simulator, 5)
        last = penstock.calls[-1]
        assert [extra.purpose for extra in last.extra_sends] == ["keep_alive", "keep_alive"]
        for usage in (last.usage, *(extra.usage for extra in last.extra_sends)):
            assert usage is not None
            assert usage.cache_read > 4000
        assert _costs(penstock) == sum(one.cost for one in simulator.bill if isinstance(one.cost, int))
        assert penstock.context.failures == {}


async def test_an_async_client_keeps_its_prefix_alive_in_its_own_loop(simulator: Simulator) -> None:
    penstock = _penstock(simulator)
    async with penstock.async_anthropic(**FAST) as client:
        for n in range(5):
            with penstock.task("clauses"):
                await client.messages.create(**_asked(n))
            for _ in range(2):
                before = len(simulator.bill)
                simulator.clock.advance(275.0)
                if n > 2:
                    await _eventually_async(_sent(penstock, simulator, before))
            simulator.clock.advance(50.0)
        last = penstock.calls[-1]
        assert [extra.purpose for extra in last.extra_sends] == ["keep_alive", "keep_alive"]
        assert last.usage is not None
        assert last.usage.cache_read > 4000
    assert penstock.close()


def test_a_provider_that_loses_the_entry_is_asked_once_and_no_more(simulator: Simulator) -> None:
    with _penstock(simulator) as penstock, penstock.anthropic(**FAST) as client:
        _every_ten_minutes(penstock, client, simulator, 4)
        with penstock.task("clauses"):
            client.messages.create(**_asked(4))
        simulator.provider.world.cache = CacheState()
        before = len(simulator.bill)
        simulator.clock.advance(275.0)
        eventually(_sent(penstock, simulator, before))
        assert simulator.bill[-1].usage.cache_read == 0
        with penstock._core.lock:
            assert penstock.context.warming.due(simulator.clock.now() + 280.0) == []
        with penstock.task("clauses"):
            client.messages.create(**_asked(5))
        assert "stopped, since it did not read" in penstock.calls[-1].extra_sends[-1].reason


def test_a_conversation_that_pauses_is_kept_for_an_hour_by_one_request_and_the_bill_is_right(
    simulator: Simulator,
) -> None:
    turns: list[dict[str, Any]] = [
        {"role": "user", "content": RULES},
        {"role": "assistant", "content": "I have read them."},
        {"role": "user", "content": "Who pays for the transport?"},
    ]
    asked: dict[str, Any] = {"model": "claude-sonnet-5-5", "max_tokens": 500}
    with _penstock(simulator) as penstock, penstock.anthropic(**FAST) as client:
        go_on_late(penstock.context.evidence.reuse.tails)
        with penstock.task("clauses"):
            said = client.messages.create(**asked, messages=turns).content
            simulator.clock.advance(275.0)
            eventually(_sent(penstock, simulator, 1))
            simulator.clock.advance(925.0)
            turns += [{"role": "assistant", "content": said}, {"role": "user", "content": "And by when?"}]
            client.messages.create(**asked, messages=turns)
        _, kept, second = simulator.bill
        assert kept.usage.cache_write_1h > 0
        assert second.usage.cache_read == kept.usage.cache_read + kept.usage.cache_write_1h > 4000
        assert _costs(penstock) == sum(one.cost for one in simulator.bill if isinstance(one.cost, int))
        assert penstock.context.failures == {}


def test_nothing_is_sent_by_itself_unless_the_policy_says_so(simulator: Simulator) -> None:
    with _penstock(simulator, load_policy(APPLY)) as penstock, penstock.anthropic(**FAST) as client:
        for n in range(3):
            with penstock.task("clauses"):
                client.messages.create(**_asked(n))
            simulator.clock.advance(600.0)
            assert not penstock._core.warmth.watching
        assert len(simulator.bill) == 3


def test_a_closed_client_sends_no_more_and_what_was_spent_is_in_the_books(simulator: Simulator, tmp_path: Path) -> None:
    penstock = _penstock(simulator, ledger=tmp_path / "calls.db")
    with penstock.anthropic(**FAST) as client:
        _every_ten_minutes(penstock, client, simulator, 4)
    eventually(lambda: not penstock._core.warmth.watching)
    simulator.clock.advance(275.0)
    billed = len(simulator.bill)
    assert penstock.close()
    assert len(simulator.bill) == billed
    with open_ledger(tmp_path / "calls.db") as ledger:
        own = list(ledger.calls(arm="own"))
    assert [extra.purpose for call in own for extra in call.extra_sends] == ["keep_alive", "keep_alive"]
    assert [one.name for one in threading.enumerate() if one.name.startswith("penstock-warm")] == []


def test_t9_parallel_first_calls_of_a_slow_busy_task_read_what_one_request_filled(simulator: Simulator) -> None:
    with _penstock(simulator, AHEAD) as penstock, penstock.anthropic(**FAST) as client:

        def ask(n: int, system: Any = SYSTEM) -> None:
            with penstock.task("clauses"):
                client.messages.create(**_asked(n, system))

        for n in range(10):
            ask(n, "Be brief.")
        penstock.context.warming.waited("clauses", 60.0)  # answers of the task begin after a minute
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(ask, range(10, 14)))
        fill, *reads = simulator.bill[10:]
        assert (fill.usage.cache_write > 4000, fill.usage.output, len(reads)) == (True, 0, 4)
        assert all(one.usage.cache_read > 4000 and one.usage.cache_write == 0 for one in reads)
        eventually(lambda: not penstock._core.warmth.running)
        extras = [extra for call in penstock.calls for extra in call.extra_sends]
        owed = penstock.context.warming.book("clauses")
        assert [extra.purpose for extra in (*extras, *owed)] == ["prewarm"]


async def test_t9_an_async_client_fills_ahead_too(simulator: Simulator) -> None:
    penstock = _penstock(simulator, AHEAD)
    async with penstock.async_anthropic(**FAST) as client:

        async def ask(n: int, system: Any = SYSTEM) -> None:
            with penstock.task("clauses"):
                await client.messages.create(**_asked(n, system))

        for n in range(10):
            await ask(n, "Be brief.")
        penstock.context.warming.waited("clauses", 60.0)
        await asyncio.gather(*(ask(n) for n in range(10, 14)))
    fill, *reads = simulator.bill[10:]
    assert (fill.usage.cache_write > 4000, fill.usage.output, len(reads)) == (True, 0, 4)
    assert all(one.usage.cache_read > 4000 for one in reads)
    assert penstock.close()


def test_a_provider_that_is_gone_ends_the_watch_and_books_a_request_without_a_cost(simulator: Simulator) -> None:
    class Gone(httpx2.HTTPTransport):
        broken = False

        def handle_request(self, request: httpx2.Request) -> httpx2.Response:
            if self.broken:
                raise httpx2.ConnectError("gone")
            return super().handle_request(request)

    transport = Gone()
    with _penstock(simulator, transport=lambda: transport) as penstock, penstock.anthropic(**FAST) as client:
        _every_ten_minutes(penstock, client, simulator, 4)
        with penstock.task("clauses"):
            client.messages.create(**_asked(4))
        transport.broken = True
        simulator.clock.advance(275.0)
        eventually(lambda: "clauses" in penstock.context.warming.owed)
        (extra,) = penstock.context.warming.book("clauses")
        assert (extra.status, extra.usage, extra.cost) == (None, None, None)
        assert "no usage; stopped" in extra.reason


class _Never:
    """A way that keeps what it is given on its way."""

    waits = False

    def __init__(self) -> None:
        self.told: list[Told] = []

    def send(self, head: Head, warm: Warm, told: Told) -> bool:
        self.told.append(told)
        return True


def test_requests_that_run_at_once_are_bounded_and_a_close_gives_them_up() -> None:
    core = Core(EngineContext(load_policy("")), Books(), clock=lambda: 0.0, ids=lambda: "id")
    head, way = Head("POST", httpx2.URL("http://x"), (), {}), _Never()
    fields: dict[str, Any] = {"call_id": "c", "body": b"{}", "model": "m", "dialect": Dialect.ANTHROPIC_MESSAGES}
    warms = [
        Warm(id=f"w{n}", purpose="keep_alive", why="", expected=Usage(input_uncached=9), **fields)
        for n in range(MOST + 1)
    ]
    assert [core.warmth.start(warm, way, head) for warm in warms] == [True] * MOST + [False]
    core.warmth.leave(_Never())
    assert core.warmth.running == MOST
    core.warmth.leave(way)
    assert core.warmth.running == 0
    way.told[0].over(None)
    assert core.warmth.running == 0

"""Parallel cold calls through the official SDKs: one cache write in place of one per call (trap T9)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from penstock.client import Penstock
from penstock.policy.load import load_policy
from penstock.simulator.server import Simulator, running

POLICY = 'mode = "apply"\nholdback.share = 0.0\n[defaults.cache]\nhold_ms = 20000\n'
SYSTEM: Any = [
    {
        "type": "text",
        "text": "What each side owes the other, clause by clause. " * 3000,
        "cache_control": {"type": "ephemeral"},
    }
]
ASKED: dict[str, Any] = {"model": "claude-opus-5-5", "max_tokens": 50, "system": SYSTEM}
FAST: dict[str, Any] = {"api_key": "sk-test", "max_retries": 0}
CALLS = 5


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with running() as started:
        started.inject("slow-first-byte=0.3")
        yield started


@pytest.fixture
def penstock(simulator: Simulator) -> Iterator[Penstock]:
    with Penstock(load_policy(POLICY), anthropic_base_url=simulator.base_url) as made:
        yield made


def _said(number: int) -> Any:
    return [{"role": "user", "content": f"Clause {number}?"}]


def _writes(simulator: Simulator) -> list[int]:
    return sorted(billed.usage.cache_write_5m for billed in simulator.bill)


def test_t9_parallel_cold_calls_of_threads_write_once(penstock: Penstock, simulator: Simulator) -> None:
    with penstock.anthropic(**FAST) as client, ThreadPoolExecutor(CALLS) as pool:
        list(pool.map(lambda number: client.messages.create(messages=_said(number), **ASKED), range(CALLS)))
    writes = _writes(simulator)
    assert writes[:-1] == [0] * (CALLS - 1)
    assert writes[-1] > 1000


async def test_t9_parallel_cold_calls_of_tasks_write_once(penstock: Penstock, simulator: Simulator) -> None:
    async with penstock.async_anthropic(**FAST) as client:
        await asyncio.gather(*(client.messages.create(messages=_said(number), **ASKED) for number in range(CALLS)))
    assert _writes(simulator)[:-1] == [0] * (CALLS - 1)


def test_t9_when_the_first_call_fails_the_others_are_answered(penstock: Penstock, simulator: Simulator) -> None:
    simulator.inject("500@nth=1")
    with penstock.anthropic(**FAST) as client, ThreadPoolExecutor(CALLS) as pool:
        asked = [pool.submit(client.messages.create, messages=_said(number), **ASKED) for number in range(CALLS)]
    failed = [one for one in asked if one.exception() is not None]
    assert len(failed) == 1
    assert _writes(simulator)[:-1] == [0] * (CALLS - 2)

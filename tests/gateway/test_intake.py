"""Two gateways on one ledger that learn from each other while they run."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import httpx2
import pytest

from penstock.gateway.intake import Intake
from penstock.gateway.settings import Settings
from penstock.ledger.books import Books
from penstock.ledger.sqlite import open_ledger
from penstock.simulator.server import running as simulating
from tests.gateway.running import Running, eventually, policy_for, serving

MODEL = "claude-haiku-4-5"
SETTINGS = Settings(drain_s=5, learnt_s=0.02)


def ask(gateway: Running, count: int, task: str) -> None:
    before = len(gateway.books.recent)
    headers = {"x-api-key": "k", "anthropic-version": "2023-06-01", "x-penstock-task": task}
    for number in range(count):
        body: dict[str, Any] = {
            "model": MODEL,
            "max_tokens": 40,
            "messages": [{"role": "user", "content": f"{task} {number}"}],
        }
        assert httpx2.post(f"{gateway.url}/v1/messages", json=body, headers=headers).status_code == 200
    gateway.calls(before + count)


def calls_known(gateway: Running) -> int:
    ratio = gateway.gateway.house.context.evidence.calibration.by_model.get(MODEL)
    return 0 if ratio is None else ratio.calls


def tasks_known(gateway: Running) -> set[str]:
    return {key.task for key in gateway.gateway.house.context.evidence.lengths.by_key}


def test_two_gateways_on_one_ledger_come_to_know_the_same_and_count_each_call_once(tmp_path: Path) -> None:
    path = tmp_path / "calls.db"
    with (
        simulating() as simulator,
        serving(policy_for(simulator.base_url), books=Books(ledger=path), settings=SETTINGS) as one,
        serving(policy_for(simulator.base_url), books=Books(ledger=path), settings=SETTINGS) as two,
    ):
        asked = 0

        def alike() -> bool:
            nonlocal asked
            ask(one, 1, "letters")
            ask(two, 1, "parcels")
            asked += 2
            return all({"letters", "parcels"} <= tasks_known(gateway) for gateway in (one, two))

        eventually(alike)
        assert all(calls_known(gateway) <= asked for gateway in (one, two))
        assert not one.gateway.house.context.failures
        assert not two.gateway.house.context.failures
    with open_ledger(path) as ledger:
        evidence, broken = ledger.evidence.load()
        assert broken == []
        assert evidence.calibration.by_model[MODEL].calls == asked
        assert {key.task for key in evidence.lengths.by_key} == {"letters", "parcels"}


async def test_slices_are_done_on_the_loop_until_there_are_no_more() -> None:
    intake, done = Intake(), asyncio.Event()
    threads: list[int] = []

    def take() -> bool:
        threads.append(threading.get_ident())
        if len(threads) == 3:
            done.set()
        return len(threads) < 3

    with pytest.raises(RuntimeError):
        intake(take, threading.Event())
    intake.begin()
    await asyncio.to_thread(intake, take, threading.Event())
    await asyncio.wait_for(done.wait(), 5.0)
    assert threads == [threading.get_ident()] * 3

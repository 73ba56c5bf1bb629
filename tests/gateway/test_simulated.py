"""A caller who says nothing of it, behind a provider that is our simulator: the ledger says that it is simulated."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from penstock.audit.read import read_calls
from penstock.audit.reading import ReadReport
from penstock.audit.run import audit
from penstock.ledger.books import Books
from penstock.ledger.sqlite import open_ledger
from penstock.policy.schema import Policy
from penstock.replay.driver import replay
from penstock.simulator.server import running as simulating
from tests.audit.report.example import NOW
from tests.gateway.raw_server import Peer, raw_server
from tests.gateway.running import Running, policy_for, serving
from tests.gateway.test_planned import ANSWER, CHAT

HEADERS = {"authorization": "Bearer sk-test", "x-penstock-tags": "team=mail"}
"""Of a caller with a tag of its own."""


@pytest.fixture
def gateway() -> Iterator[Running]:
    with simulating() as simulator, serving(policy_for(simulator.base_url)) as started:
        yield started


def ask(gateway: Running, path: str, body: dict[str, Any]) -> httpx2.Response:
    return httpx2.post(f"{gateway.openai_url}/{path}", json=body, headers=HEADERS)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("chat/completions", CHAT),
        ("chat/completions", {**CHAT, "stream": True}),
        ("chat/completions", {**CHAT, "model": "gpt-nobody-knows"}),
        ("embeddings", {"model": "text-embedding-3-small", "input": "a river"}),
    ],
)
def test_calls_to_a_simulator_are_marked_whatever_their_kind(gateway: Running, path: str, body: dict[str, Any]) -> None:
    answer = ask(gateway, path, body)
    (call,) = gateway.calls(1)
    assert call.tags == {"team": "mail", "simulated": "simulated"}
    assert not any("simulat" in f"{name}{value}" for name, value in answer.headers.items() if "penstock" in name)


async def test_calls_to_a_provider_are_not() -> None:
    async def handler(peer: Peer) -> None:
        await peer.read_request()
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(ANSWER) + ANSWER)

    async with raw_server(handler) as provider:
        with serving(policy_for(f"http://127.0.0.1:{provider.port}")) as gateway:
            async with httpx2.AsyncClient() as client:
                await client.post(f"{gateway.openai_url}/chat/completions", json=CHAT, headers=HEADERS)
            (call,) = gateway.calls(1)
    assert call.tags == {"team": "mail"}


def test_ledger_and_recorded_traffic_keep_the_mark_and_an_audit_and_a_replay_say_it(tmp_path: Path) -> None:
    books = Books(ledger=tmp_path / "l.db", record=tmp_path / "calls.jsonl")
    with simulating() as simulator, serving(policy_for(simulator.base_url), books=books) as gateway:
        ask(gateway, "chat/completions", CHAT)
        gateway.calls(1)
    books.close()
    with open_ledger(tmp_path / "l.db") as ledger:
        assert ledger.simulated() == (1, 1)
    log = tmp_path / "calls.jsonl"
    assert audit([log], now=NOW).report.note.startswith("Simulated: the 1 call has simulated answers")
    assert replay(read_calls([log], ReadReport()), Policy()).simulated == 1

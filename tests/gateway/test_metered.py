"""Embeddings and token counts: forwarded as they came, and in the ledger."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Iterator
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from penstock.policy.schema import Upstream
from penstock.policy.serving import Budget, VirtualKey
from penstock.simulator.server import Simulator
from penstock.simulator.server import running as simulating
from tests.gateway.raw_server import Peer, raw_server
from tests.gateway.running import Running, eventually, policy_for, serving

CLAUDE = "claude-haiku-4-5"
EMBEDDER = "text-embedding-3-small"
MESSAGES: Any = [{"role": "user", "content": "Say something about rivers."}]
FAST: dict[str, Any] = {"api_key": "sk-test", "max_retries": 0}


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with simulating() as started:
        yield started


@pytest.fixture
def gateway(simulator: Simulator) -> Iterator[Running]:
    with serving(policy_for(simulator.base_url), clock=simulator.clock.now) as started:
        yield started


def test_embeddings_are_recorded_and_priced_as_the_provider_bills_them(gateway: Running, simulator: Simulator) -> None:
    with openai.OpenAI(base_url=gateway.openai_url, default_headers={"x-penstock-task": "rag"}, **FAST) as gpt:
        raw = gpt.embeddings.with_raw_response.create(model=EMBEDDER, input=["one river", "two rivers"])
    (call,) = gateway.calls(1)
    (billed,) = simulator.bill
    assert len(raw.parse().data) == 2
    assert raw.headers["x-penstock-call-id"] == call.id
    assert (call.operation, call.task, call.model_sent) == ("embeddings", "rag", EMBEDDER)
    assert call.usage is not None
    assert call.usage.input_uncached == billed.usage.input_total
    assert call.cost == raw.parse().usage.prompt_tokens * 20_000
    metrics = httpx2.get(f"{gateway.url}/metrics").text
    assert f'gen_ai_request_model="{EMBEDDER}"' in metrics
    assert 'penstock_added_latency_seconds_count{part="gateway"} 1' in metrics


def test_counting_tokens_is_recorded_and_free(gateway: Running) -> None:
    with anthropic.Anthropic(base_url=gateway.url, **FAST) as claude:
        counted = claude.messages.count_tokens(model=CLAUDE, messages=MESSAGES).input_tokens
    with openai.OpenAI(base_url=gateway.openai_url, **FAST) as gpt:
        also = gpt.responses.input_tokens.count(model="gpt-5-mini", input="rivers").input_tokens
    first, second = gateway.calls(2)
    assert counted > 0
    assert also > 0
    assert [(call.operation, call.cost, call.provider) for call in (first, second)] == [
        ("count_tokens", 0, "anthropic"),
        ("count_tokens", 0, "openai"),
    ]


async def test_the_body_arrives_as_it_was_sent_and_the_answer_as_it_was_given() -> None:
    seen: list[bytes] = []
    body = b'{"input": "\\u00e9",  "model":"m", "extra": 1e400, "model":"m"}'
    packed = gzip.compress(b'{"usage":{"prompt_tokens":3}}')

    async def handler(peer: Peer) -> None:
        head, got = await peer.read_request()
        seen.extend((head, got))
        await peer.answer(packed, b"Content-Encoding: gzip\r\nX-RateLimit-Odd: 1\r\n")

    async with raw_server(handler) as provider:
        with serving(policy_for(f"http://127.0.0.1:{provider.port}")) as gateway:
            async with (
                httpx2.AsyncClient() as client,
                client.stream("POST", f"{gateway.openai_url}/embeddings?x=%20", content=body) as answer,
            ):
                raw = b"".join([piece async for piece in answer.aiter_raw()])
            (call,) = gateway.calls(1)
    assert seen[0].startswith(b"POST /v1/embeddings?x=%20 HTTP/1.1\r\n")
    assert seen[1] == body
    assert raw == packed
    assert answer.headers["x-ratelimit-odd"] == "1"
    assert call.usage is not None
    assert call.usage.input_uncached == 3
    assert call.cost is None  # no price for the model


@pytest.mark.parametrize(("fault", "status", "kind"), [("500", 500, "http_500"), ("garbage", 502, "upstream_protocol")])
def test_a_failure_is_the_caller_s_and_is_recorded(
    fault: str, status: int, kind: str, gateway: Running, simulator: Simulator
) -> None:
    simulator.inject(fault)
    headers = {"authorization": "Bearer k", "x-stainless-retry-count": "0"}
    answer = httpx2.post(f"{gateway.openai_url}/embeddings", json={"model": EMBEDDER, "input": "x"}, headers=headers)
    (call,) = gateway.calls(1)
    assert answer.status_code == status
    assert call.error_kind == kind
    assert "error" in answer.json()


async def test_a_caller_that_leaves_cancels_the_provider_and_the_cost_is_unknown() -> None:
    arrived, closed = asyncio.Event(), asyncio.Event()

    async def handler(peer: Peer) -> None:
        await peer.read_request()
        arrived.set()
        await peer.reader.read()
        closed.set()

    async with raw_server(handler) as provider:
        with serving(policy_for(f"http://127.0.0.1:{provider.port}")) as gateway:
            async with httpx2.AsyncClient(timeout=60) as client:
                url = f"{gateway.openai_url}/embeddings"
                asking = asyncio.ensure_future(client.post(url, json={"model": EMBEDDER, "input": "x"}))
                await asyncio.wait_for(arrived.wait(), 20)
                asking.cancel()
                await asyncio.gather(asking, return_exceptions=True)
            await asyncio.wait_for(closed.wait(), 20)
            await asyncio.to_thread(eventually, lambda: len(gateway.books.recent) == 1)
            (call,) = gateway.books.recent
    assert (call.error_kind, call.cost) == ("closed_by_caller", None)


def test_keys_and_budgets_hold_for_embeddings_and_for_paths_that_nobody_can_price(simulator: Simulator) -> None:
    upstream = {"openai": Upstream(base_url=simulator.base_url, api_key="env:REAL")}
    keys = {"web": VirtualKey(key="env:PK", models=(EMBEDDER,), paths=("/v1/files",)), "free": VirtualKey(key="env:FK")}
    policy = policy_for("", upstream=upstream, keys=keys, budgets={"all": Budget(usd=0.000001)})
    environment = {"PK": "pk-web", "FK": "pk-free", "REAL": "sk-real"}

    def status(key: str, path: str, method: str = "POST", **body: Any) -> int:
        headers = {"authorization": f"Bearer {key}"}
        return httpx2.request(method, f"{gateway.openai_url}{path}", json=body or None, headers=headers).status_code

    with serving(policy, environment=environment) as gateway:
        assert status("pk-web", "/embeddings", model=EMBEDDER, input="x") == 200
        assert status("pk-web", "/embeddings", model="text-embedding-3-large", input="x") == 403
        assert status("pk-web", "/images/generations", prompt="x") == 403
        assert status("pk-web", "/models/../images", prompt="x") == 403
        assert status("pk-web", "/models", "GET") == 200
        assert status("pk-web", "/files", "GET") == 405  # let through; the simulator lists none
        assert status("pk-free", "/images/generations", prompt="x") == 404
        assert status("pk-free", "/embeddings", model=EMBEDDER, input="x" * 4000) == 429  # beyond the budget
        gateway.gateway.house.budgets.reserve(*_everything(gateway))[1]
        assert status("pk-free", "/images/generations", prompt="x") == 429
        assert status("pk-free", "/models", "GET") == 200


def _everything(gateway: Running) -> Any:
    from penstock.gateway.budgets import Spender  # noqa: PLC0415 - beside its only use

    return Spender("free"), 980_000, gateway.gateway.house.clock()

"""Embeddings and token counts of the SDKs on our transports."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import openai
import pytest

from penstock.client import Penstock
from penstock.client.metered import metered_of
from penstock.policy.schema import Policy
from penstock.simulator.server import Simulator, running
from penstock.wire.metered import Metered

FAST: dict[str, Any] = {"api_key": "sk-test", "max_retries": 0}
MESSAGES: Any = [{"role": "user", "content": "Say something about rivers."}]
EMBEDDER = "text-embedding-3-small"


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with running() as running_simulator:
        yield running_simulator


@pytest.fixture
def penstock(simulator: Simulator) -> Iterator[Penstock]:
    made = Penstock(Policy(), openai_base_url=simulator.openai_base_url, anthropic_base_url=simulator.base_url)
    yield made
    made.close()


def test_embeddings_are_recorded_under_their_task_and_priced(penstock: Penstock, simulator: Simulator) -> None:
    with penstock.openai(**FAST) as gpt, penstock.task("rag"):
        raw = gpt.embeddings.with_raw_response.create(model=EMBEDDER, input=["one river", "two rivers"])
    (call,) = penstock.calls
    assert (call.operation, call.task, call.model_sent) == ("embeddings", "rag", EMBEDDER)
    assert call.cost == raw.parse().usage.prompt_tokens * 20_000
    assert call.tags == {"simulated": "simulated"}
    assert raw.headers["x-penstock-call-id"] == call.id
    assert len(raw.parse().data) == 2
    assert not any(name.startswith("x-penstock") for name in simulator.requests[0].headers)


async def test_counting_is_recorded_and_free_in_async_clients_too(penstock: Penstock) -> None:
    async with penstock.async_anthropic(**FAST) as claude, penstock.async_openai(**FAST) as gpt:
        counted = await claude.messages.count_tokens(model="claude-haiku-4-5", messages=MESSAGES)
        also = await gpt.responses.input_tokens.count(model="gpt-5-mini", input="rivers")
        assert [model.id async for model in gpt.models.list()]
    assert counted.input_tokens > 0
    assert also.input_tokens > 0
    assert [(call.operation, call.cost) for call in penstock.calls] == [("count_tokens", 0)] * 2


def test_errors_and_lost_calls_are_the_sdk_s_own_and_recorded(penstock: Penstock, simulator: Simulator) -> None:
    with penstock.openai(**FAST) as gpt:
        simulator.inject("429@nth=1")
        with pytest.raises(openai.RateLimitError):
            gpt.embeddings.create(model=EMBEDDER, input="x")
        simulator.inject("close-before-response")
        with pytest.raises(openai.APIConnectionError):
            gpt.embeddings.create(model=EMBEDDER, input="x")
    refused, lost = penstock.calls
    assert (refused.status, refused.cost) == (429, 0)
    assert (lost.status, lost.error_kind, lost.cost) == (None, "transport", None)


async def test_a_provider_that_nobody_reaches_costs_nothing() -> None:
    penstock = Penstock(Policy(), openai_base_url="http://127.0.0.1:9/v1")
    async with penstock.async_openai(**FAST) as gpt:
        with pytest.raises(openai.APIConnectionError):
            await gpt.embeddings.create(model=EMBEDDER, input="x")
    (call,) = penstock.calls
    assert (call.error_kind, call.cost) == ("connect", 0)
    penstock.close()


@pytest.mark.parametrize(
    ("method", "url", "kind"),
    [
        ("POST", "http://a/v1/embeddings", Metered.EMBEDDINGS),
        ("POST", "http://a/openai/v1/embeddings?x=1", Metered.EMBEDDINGS),
        ("GET", "http://a/v1/embeddings", None),
        ("POST", "http://a/v1/files", None),
    ],
)
def test_endpoints_are_known_by_method_and_path(method: str, url: str, kind: Metered | None) -> None:
    assert metered_of(httpx2.Request(method, url)) is kind

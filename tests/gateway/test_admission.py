"""Keys, budgets, limits and load, as callers of a running gateway meet them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from penstock.gateway.budgets import KEY_TAG, TEAM_TAG
from penstock.policy.schema import Upstream
from penstock.policy.serving import Budget, Resilience, VirtualKey
from penstock.simulator.server import Simulator
from penstock.simulator.server import running as simulating
from tests.gateway.raw_server import Peer, raw_server
from tests.gateway.running import eventually, policy_for, serving

CLAUDE = "claude-haiku-4-5"
GPT = "gpt-5-mini"
MESSAGES: Any = [{"role": "user", "content": "Say something about rivers."}]
ENVIRONMENT = {"PK": "pk-web", "REAL": "sk-real"}
KEYS = {"web": VirtualKey(key="env:PK", team="site", models=(CLAUDE, GPT))}


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with simulating() as started:
        yield started


def guarded(simulator: Simulator, **changes: Any) -> Any:
    upstream = {name: Upstream(base_url=simulator.base_url, api_key="env:REAL") for name in ("openai", "anthropic")}
    return serving(policy_for("", upstream=upstream, keys=KEYS, **changes), environment=ENVIRONMENT)


def test_a_caller_needs_a_key_that_is_never_sent_on(simulator: Simulator) -> None:
    with guarded(simulator) as gateway:
        for key, fine in (("pk-web", True), ("pk-none", False)):
            with anthropic.Anthropic(base_url=gateway.url, api_key=key, max_retries=0) as claude:
                if fine:
                    claude.messages.create(model=CLAUDE, max_tokens=20, messages=MESSAGES)
                else:
                    with pytest.raises(anthropic.AuthenticationError):
                        claude.messages.create(model=CLAUDE, max_tokens=20, messages=MESSAGES)
                    with pytest.raises(anthropic.AuthenticationError):
                        claude.models.list()
        (call,) = gateway.calls(1)
        assert call.tags == {KEY_TAG: "web", TEAM_TAG: "site", "simulated": "simulated"}
        assert len(simulator.requests) == 1
        metrics = httpx2.get(f"{gateway.url}/metrics").text
        assert 'penstock_refused_total{reason="invalid_api_key"} 2' in metrics


def test_a_key_is_bound_to_its_models(simulator: Simulator) -> None:
    with guarded(simulator) as gateway, openai.OpenAI(base_url=gateway.openai_url, api_key="pk-web") as gpt:
        gpt.chat.completions.create(model=GPT, messages=MESSAGES)
        with pytest.raises(openai.PermissionDeniedError):
            gpt.chat.completions.create(model="gpt-5", messages=MESSAGES)
    assert len(simulator.requests) == 1


def test_a_virtual_key_without_a_provider_key_is_never_sent_upstream(simulator: Simulator) -> None:
    policy = policy_for(simulator.base_url, keys=KEYS)
    with serving(policy, environment=ENVIRONMENT) as gateway:
        answer = httpx2.post(f"{gateway.url}/v1/messages", content=b"{}", headers={"x-api-key": "pk-web"})
        assert answer.status_code == 500
        assert answer.json()["error"]["message"].startswith("Penstock: no provider key")
        headers = {"x-penstock-key": "pk-web", "x-api-key": "sk-own", "anthropic-version": "2023-06-01"}
        body = {"model": CLAUDE, "max_tokens": 9, "messages": MESSAGES}
        assert httpx2.post(f"{gateway.url}/v1/messages", json=body, headers=headers).status_code == 200
    assert len(simulator.requests) == 1


def test_parallel_calls_cannot_overshoot_a_budget(simulator: Simulator) -> None:
    simulator.inject("slow-first-byte=0.2")
    budget = Budget(usd=0.001, team="site")  # a call of 100 tokens of output reserves more than half of it
    with guarded(simulator, budgets={"site": budget}) as gateway:

        def one(number: int) -> str:
            with anthropic.Anthropic(base_url=gateway.url, api_key="pk-web", max_retries=0) as claude:
                try:
                    claude.messages.create(model=CLAUDE, max_tokens=100, messages=MESSAGES)
                except anthropic.PaymentRequiredError as error:
                    assert "budget site" in error.message  # noqa: PT017 - one of two outcomes
                    return "stopped"
                return "answered"

        with ThreadPoolExecutor(8) as pool:
            outcomes = list(pool.map(one, range(8)))
        assert outcomes.count("answered") == 1
        eventually(lambda: gateway.gateway.house.budgets.standing()[0][3] == 0)
        ((_, limit, spent, _),) = gateway.gateway.house.budgets.standing()
        assert 0 < spent <= limit
        assert spent == gateway.calls(1)[0].cost
        assert gateway.log.count("budget=site") == 1


def test_a_spent_budget_of_an_openai_caller_is_not_worth_a_retry(simulator: Simulator) -> None:
    with (
        guarded(simulator, budgets={"all": Budget(usd=1e-9)}) as gateway,
        openai.OpenAI(base_url=gateway.openai_url, api_key="pk-web") as gpt,
        pytest.raises(openai.RateLimitError) as caught,
    ):
        gpt.chat.completions.create(model=GPT, messages=MESSAGES)
    assert caught.value.code == "budget_exceeded"
    assert caught.value.type == "insufficient_quota"
    assert simulator.requests == []


def test_a_gateway_that_is_full_says_when_to_come_back(simulator: Simulator) -> None:
    simulator.inject("slow-first-byte=0.3")
    policy = policy_for(simulator.base_url, resilience=Resilience(running=1))
    with (
        serving(policy) as gateway,
        ThreadPoolExecutor(1) as pool,
        anthropic.Anthropic(base_url=gateway.url, api_key="k", max_retries=0) as claude,
    ):
        first = pool.submit(claude.messages.create, model=CLAUDE, max_tokens=20, messages=MESSAGES)
        eventually(lambda: gateway.gateway.house.running == 1)
        with pytest.raises(anthropic.RateLimitError) as caught:
            claude.messages.create(model=CLAUDE, max_tokens=20, messages=MESSAGES)
        assert caught.value.response.headers["retry-after"] == "1"
        assert first.result(20).content


def test_an_sdk_waits_until_a_provider_that_was_left_alone_is_probed(simulator: Simulator) -> None:
    rules = Resilience(breaker_failures=1, breaker_open_s=0.6)
    with serving(policy_for(simulator.base_url, resilience=rules)) as gateway:
        simulator.inject("500@nth=1")
        with anthropic.Anthropic(base_url=gateway.url, api_key="k", max_retries=0) as claude:
            with pytest.raises(anthropic.InternalServerError):
                claude.messages.create(model=CLAUDE, max_tokens=20, messages=MESSAGES)
            with pytest.raises(anthropic.InternalServerError) as caught:
                claude.messages.create(model=CLAUDE, max_tokens=20, messages=MESSAGES)
        assert caught.value.status_code == 503
        assert caught.value.response.headers["retry-after"] == "1"
        assert "left alone" in caught.value.message
        with anthropic.Anthropic(base_url=gateway.url, api_key="k", max_retries=1) as claude:
            assert claude.messages.create(model=CLAUDE, max_tokens=20, messages=MESSAGES).content
    assert len(simulator.requests) == 2


@pytest.mark.parametrize(("mode", "served"), [("apply", True), ("observe", False)])
def test_another_model_stands_in_where_the_policy_says_so(simulator: Simulator, mode: Any, served: bool) -> None:
    simulator.inject(f"529@model={CLAUDE}")
    rules = Resilience(fallbacks={CLAUDE: ("claude-sonnet-4-5",)})
    with serving(policy_for(simulator.base_url, mode=mode, resilience=rules)) as gateway:
        with anthropic.Anthropic(base_url=gateway.url, api_key="k", max_retries=0) as claude:
            if served:
                message = claude.messages.create(model=CLAUDE, max_tokens=20, messages=MESSAGES)
                assert message.model.startswith("claude-sonnet-4-5")
            else:
                with pytest.raises(anthropic.OverloadedError):
                    claude.messages.create(model=CLAUDE, max_tokens=20, messages=MESSAGES)
        (call,) = gateway.calls(1)
    assert call.model_sent == ("claude-sonnet-4-5" if served else CLAUDE)
    if served:
        assert call.cost == simulator.bill[0].cost


def test_subscription_traffic_is_observed_and_never_rewritten(simulator: Simulator) -> None:
    with serving(policy_for(simulator.base_url, mode="apply")) as gateway:
        with openai.OpenAI(base_url=gateway.openai_url, api_key="eyJhbGciOi.x.y") as gpt:
            list(gpt.chat.completions.create(model=GPT, messages=MESSAGES, stream=True))
        (call,) = gateway.calls(1)
    assert call.arm == "bypass"
    assert b"include_usage" not in simulator.requests[0].body


@pytest.mark.parametrize(("word", "token"), [("observe", b"Bearer sk-ant-oat01-x"), ("apply", b"Bearer sk-real")])
async def test_a_subscription_s_token_is_only_replaced_when_the_policy_says_so(word: Any, token: bytes) -> None:
    heads: list[bytes] = []

    async def handler(peer: Peer) -> None:
        while True:
            heads.append((await peer.read_request())[0])
            await peer.answer(b"{}")

    async with raw_server(handler) as provider:
        url = f"http://127.0.0.1:{provider.port}"
        upstream = {"anthropic": Upstream(base_url=url, api_key="env:REAL", subscription=word)}
        with serving(policy_for("", upstream=upstream, keys=KEYS), environment=ENVIRONMENT) as gateway:
            headers = {"authorization": "Bearer sk-ant-oat01-x", "x-penstock-key": "pk-web", "anthropic-beta": "oauth"}
            async with httpx2.AsyncClient() as client:
                for path in ("/v1/messages", "/v1/messages/count_tokens", "/v1/models"):
                    body = {"model": CLAUDE} if path != "/v1/models" else None
                    method = "POST" if body else "GET"
                    await client.request(method, f"{gateway.url}{path}", json=body, headers=headers)
    assert len(heads) == 3
    assert all(b"authorization: " + token + b"\r\n" in head for head in heads)

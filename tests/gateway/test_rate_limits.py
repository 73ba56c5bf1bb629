"""Pacing as callers of a running gateway meet it, before a provider that enforces its limits."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import anthropic
import httpx2
import pytest

from penstock.policy.load import load_policy
from penstock.policy.schema import Holdback, Upstream
from penstock.policy.serving import Resilience, VirtualKey
from penstock.simulator.clock import Clock, ManualClock, RealClock
from penstock.simulator.config import Config
from penstock.simulator.limits import Limits
from penstock.simulator.reply import Reply
from penstock.simulator.server import Simulator
from penstock.simulator.server import running as simulating
from tests.gateway.running import Running, eventually, policy_for, serving

CLAUDE = "claude-haiku-4-5"
READS_COUNT = "claude-3-5-haiku"
GPT = "gpt-5-mini"
PATHS = {CLAUDE: "/v1/messages", READS_COUNT: "/v1/messages", GPT: "/v1/chat/completions"}
PROVIDERS = {CLAUDE: "anthropic", READS_COUNT: "anthropic", GPT: "openai"}
FAST = 1200
"""Requests in a minute: ten in a second."""
NONE = Holdback(share=0.0)
SLOW = 1200
"""Five in a second."""


def reply(*_: Any) -> Reply:
    return Reply(text="Fine.", output_tokens=100)


@contextmanager
def between(
    limits: Limits,
    *,
    clock: Clock | None = None,
    keys: tuple[str, ...] = (),
    mode: str = "observe",
    tasks: Any = None,
    **rules: Any,
) -> Iterator[tuple[Running, Simulator]]:
    """A gateway before a provider with limits; with keys, one provider key for all of them."""
    with simulating(Config(limits=limits, responder=reply), clock=clock or RealClock()) as simulator:
        changes: dict[str, Any] = {
            "mode": mode,
            "tasks": tasks or {},
            "holdback": NONE,
            "resilience": Resilience(**rules),
        }
        environment = {f"KEY_{name}": f"pk-{name}" for name in keys}
        if keys:
            provider = Upstream(base_url=simulator.base_url, api_key="env:REAL")
            upstream = dict.fromkeys(("anthropic", "openai"), provider)
            named = {name: VirtualKey(key=f"env:KEY_{name}") for name in keys}
            changes |= {"upstream": upstream, "keys": named}
            environment["REAL"] = "sk-real"
        with serving(policy_for(simulator.base_url, **changes), environment=environment) as gateway:
            yield gateway, simulator


def body_of(model: str, text: str, system: str = "", cap: int = 200) -> dict[str, Any]:
    body: dict[str, Any] = {"model": model, "messages": [{"role": "user", "content": text}]}
    if model == GPT:
        if system:
            body["messages"].insert(0, {"role": "system", "content": system})
        return {**body, "max_completion_tokens": cap}
    if system:
        body["system"] = [{"type": "text", "text": system, "cache_control": {"type": "ephemeral"}}]
    return {**body, "max_tokens": cap}


async def ask(client: httpx2.AsyncClient, gateway: Running, body: dict[str, Any], key: str = "k") -> httpx2.Response:
    headers = {"authorization": f"Bearer {key}", "anthropic-version": "2023-06-01", "x-stainless-retry-count": "0"}
    if body["model"] == GPT:
        del headers["anthropic-version"]
    return await client.post(gateway.url + PATHS[body["model"]], json=body, headers=headers)


async def burst(gateway: Running, bodies: list[dict[str, Any]], key: str = "k") -> list[httpx2.Response]:
    async with httpx2.AsyncClient(timeout=30) as client:
        return list(await asyncio.gather(*(ask(client, gateway, body, key) for body in bodies)))


def drain(simulator: Simulator, model: str, **left: float) -> None:
    """Leave so much of the provider's limits."""
    limiter, at = simulator.provider.world.limiter, simulator.clock.now()
    buckets = limiter.buckets(PROVIDERS[model], model, at)
    for name, amount in left.items():
        buckets[name].take(buckets[name].remaining(at) - amount, at)


def refusals(simulator: Simulator) -> int:
    return simulator.provider.statuses.get(429, 0)


def tight(model: str, kind: str) -> Limits:
    """Ten calls in a second by one limit, no end of the others."""
    per_call = {"requests": 1, "input_tokens": 2000, "output_tokens": 100, "tokens": 2000}[kind]
    return Limits(**{kind: FAST * per_call})


LONG = "one two three four five six seven eight nine ten " * 180


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        (CLAUDE, "requests"),
        (CLAUDE, "input_tokens"),
        (CLAUDE, "output_tokens"),
        (GPT, "requests"),
        (GPT, "tokens"),
    ],
)
async def test_a_burst_waits_for_room_and_never_meets_the_limit_that_was_learnt(model: str, kind: str) -> None:
    limits = tight(model, kind)
    with between(limits) as (gateway, simulator):
        for number in range(3):  # what a prompt and an answer take is learnt too
            (first,) = await burst(gateway, [body_of(model, f"{number} {LONG}")])
            assert first.status_code == 200
        drain(simulator, model, **{kind: getattr(limits, kind) / FAST * 6})
        await burst(gateway, [body_of(model, f"drained {LONG}")])
        answers = await burst(gateway, [body_of(model, f"{number} of many {LONG}") for number in range(20)])
        assert [answer.status_code for answer in answers] == [200] * 20
        assert refusals(simulator) == 0
        assert gateway.gateway.house.pacer.waiting == 0
        assert 'penstock_added_latency_seconds_count{part="queue"}' in gateway.gateway.house.metrics.text()


@pytest.mark.parametrize("model", [CLAUDE, GPT])
async def test_a_burst_before_anything_is_learnt_is_sent_again_when_there_is_room(model: str) -> None:
    with between(Limits(requests=SLOW)) as (gateway, simulator):
        simulator.inject("slow-first-byte=0.2")  # nothing is learnt while the burst goes out
        drain(simulator, model, requests=2)
        answers = await burst(gateway, [body_of(model, f"{number}") for number in range(12)])
        assert [answer.status_code for answer in answers] == [200] * 12
        assert refusals(simulator) > 0
        calls = gateway.calls(12)
        assert {call.status for call in calls} == {200}
        assert len(calls) == 12


async def test_a_429_that_the_limits_do_not_explain_is_the_caller_s() -> None:
    with between(Limits()) as (gateway, simulator):
        simulator.inject("spend-limit@nth=1;429@nth=2")
        for _ in range(2):
            (answer,) = await burst(gateway, [body_of(CLAUDE, "x")])
            assert answer.status_code == 429
            assert "x-penstock-error" not in answer.headers
        assert len(simulator.requests) == 2


async def test_one_key_s_burst_does_not_starve_another() -> None:
    with between(Limits(requests=FAST), keys=("greedy", "modest")) as (gateway, simulator):
        await burst(gateway, [body_of(CLAUDE, "first")], "pk-greedy")
        drain(simulator, CLAUDE, requests=3)
        await burst(gateway, [body_of(CLAUDE, "second")], "pk-greedy")
        greedy = asyncio.ensure_future(burst(gateway, [body_of(CLAUDE, f"{n}") for n in range(30)], "pk-greedy"))
        await asyncio.to_thread(eventually, lambda: gateway.gateway.house.pacer.waiting >= 20)
        modest = await burst(gateway, [body_of(CLAUDE, f"m{n}") for n in range(3)], "pk-modest")
        left = gateway.gateway.house.pacer.waiting
        assert [answer.status_code for answer in modest] == [200] * 3
        assert left > 5  # of the other's, which came before
        assert {answer.status_code for answer in await greedy} == {200}
        assert refusals(simulator) == 0


async def test_a_full_queue_refuses_with_the_time_to_come_back_and_keeps_a_place_for_other_keys() -> None:
    limits = Limits(requests=120)  # two in a second
    with between(limits, keys=("greedy", "modest"), queue=4, queue_s=20) as (gateway, simulator):
        await burst(gateway, [body_of(CLAUDE, "first")], "pk-greedy")
        drain(simulator, CLAUDE, requests=1)
        await burst(gateway, [body_of(CLAUDE, "second")], "pk-greedy")
        greedy = asyncio.ensure_future(burst(gateway, [body_of(CLAUDE, f"{n}") for n in range(8)], "pk-greedy"))
        await asyncio.to_thread(eventually, lambda: gateway.gateway.house.pacer.waiting >= 4)
        (modest,) = await burst(gateway, [body_of(CLAUDE, "m")], "pk-modest")
        assert modest.status_code == 200
        refused = [answer for answer in await greedy if answer.status_code == 429]
        assert len(refused) == 5
        for answer in refused:
            assert answer.json()["error"]["type"] == "rate_limit_error"
            assert answer.headers["x-penstock-error"] == "rate_limit_exceeded"
            assert 1 <= int(answer.headers["retry-after"]) <= 10
        assert max(int(answer.headers["retry-after"]) for answer in refused) >= 2  # it is behind those that wait
        assert refusals(simulator) == 0


@pytest.mark.parametrize(("model", "free"), [(CLAUDE, True), (READS_COUNT, False), (GPT, False)])
async def test_cached_reads_count_as_the_provider_counts_them(model: str, free: bool) -> None:
    clock = ManualClock(datetime(2026, 2, 1, tzinfo=UTC).timestamp())  # Haiku 3.5 was still served
    system = "The house rules, at length. " * 1000
    if model == GPT:
        clock = ManualClock()
    with between(Limits(input_tokens=8000, tokens=8000), clock=clock, queue_s=0, pace=False) as (gateway, simulator):
        (answer,) = await burst(gateway, [body_of(model, "How?", system)])
        size = sum(call.usage.input_total for call in simulator.bill)
        assert answer.status_code == 200
    limits = Limits(input_tokens=size + 1500, tokens=size + 1500)
    with between(limits, clock=clock, queue_s=0) as (gateway, simulator):
        first, second = [(await burst(gateway, [body_of(model, word, system)]))[0] for word in ("How?", "Why?")]
        assert first.status_code == 200
        assert second.status_code == (200 if free else 429)
        if not free:
            assert second.headers["x-penstock-error"] == "rate_limit_exceeded"
            assert int(second.headers["retry-after"]) >= 1
        assert refusals(simulator) == 0


async def test_a_model_that_stands_in_takes_the_call_for_which_there_is_no_room() -> None:
    other = "claude-sonnet-4-5"
    rules: dict[str, Any] = {"mode": "apply", "queue_s": 0, "fallbacks": {CLAUDE: (other,)}}
    with between(Limits(requests=60), **rules) as (gateway, simulator):
        drain(simulator, CLAUDE, requests=1)
        answers = [(await burst(gateway, [body_of(CLAUDE, word)]))[0] for word in ("first", "second")]
        assert [answer.json()["model"] for answer in answers] == [CLAUDE, other]
        assert [call.model_sent for call in gateway.calls(2)] == [CLAUDE, other]
        assert refusals(simulator) == 0


async def test_embeddings_wait_for_room_too_and_are_recorded_once() -> None:
    model = "text-embedding-3-small"
    with between(Limits(requests=SLOW)) as (gateway, simulator):
        simulator.inject("slow-first-byte=0.2")
        limiter, at = simulator.provider.world.limiter, simulator.clock.now()
        limiter.buckets("openai", model, at)["requests"].take(SLOW - 1, at)
        async with httpx2.AsyncClient(timeout=30) as client:
            headers = {"authorization": "Bearer k", "x-stainless-retry-count": "0"}
            asked = [
                client.post(f"{gateway.openai_url}/embeddings", json={"model": model, "input": f"{n}"}, headers=headers)
                for n in range(12)
            ]
            answers = await asyncio.gather(*asked)
        assert [answer.status_code for answer in answers] == [200] * 12
        assert refusals(simulator) > 0
        assert [call.status for call in gateway.calls(12)] == [200] * 12


def test_a_spent_limit_is_told_to_the_sdk_when_the_queue_cannot_hold_the_call() -> None:
    with (
        between(Limits(requests=60), queue_s=0.5) as (gateway, simulator),
        anthropic.Anthropic(base_url=gateway.url, api_key="k", max_retries=0) as claude,
    ):
        drain(simulator, CLAUDE, requests=0)
        words: list[str] = []
        for _ in range(2):
            with pytest.raises(anthropic.RateLimitError) as caught:
                claude.messages.create(model=CLAUDE, max_tokens=9, messages=[{"role": "user", "content": "x"}])
            words.append(caught.value.message)
            assert int(caught.value.response.headers["retry-after"]) >= 1
        assert "organization's rate limit" in words[0]  # the provider's own answer
        eventually(lambda: len(gateway.books.recent) == 1)
        assert refusals(simulator) == 1  # the second was not sent
        assert "Penstock" in words[1]


async def test_shadows_make_way_for_callers_of_their_model() -> None:
    gate = load_policy(f'[tasks.label.gate]\ncandidate = "{GPT}"\nshadow_share = 1.0\n').tasks
    rules: dict[str, Any] = {"mode": "apply", "queue_s": 0.2, "tasks": gate}
    with between(Limits(requests=60), **rules) as (gateway, simulator):
        for left in (60, 31):
            drain(simulator, GPT, requests=left)
            await burst(gateway, [body_of(GPT, f"with {left} left")])
        reference = {**body_of(GPT, "label this"), "model": "gpt-5"}
        headers = {"authorization": "Bearer k", "x-penstock-task": "label"}
        async with httpx2.AsyncClient(timeout=30) as client:
            answer = await client.post(f"{gateway.openai_url}/chat/completions", json=reference, headers=headers)
            assert answer.status_code == 200
            (call,) = [one for one in gateway.calls(3) if one.task == "label"]
            metrics = (await client.get(f"{gateway.url}/metrics")).text
        answers = await burst(gateway, [body_of(GPT, f"{number}") for number in range(25)])
        assert [one.status_code for one in answers] == [200] * 25
        assert call.extra_sends == ()
        assert 'penstock_own_requests_dropped_total{purpose="shadow",reason="limits"} 1' in metrics
        assert refusals(simulator) == 0

"""The official SDKs through the gateway over loopback, against the simulator."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from penstock.engine.context import EngineContext
from penstock.engine.edit import Action, Edit, Risk
from penstock.engine.facts import Facts
from penstock.engine.pipeline import Lever
from penstock.money import Picodollars
from penstock.policy.schema import Holdback, Upstream
from penstock.simulator.server import Simulator
from penstock.simulator.server import running as simulating
from penstock.wire.usage import Basis
from penstock.wire.view import View
from tests.gateway.raw_server import Peer, raw_server
from tests.gateway.running import Running, eventually, policy_for, serving

CLAUDE = "claude-haiku-4-5"
GPT = "gpt-5-mini"
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


def test_plain_calls_of_all_dialects_are_answered_recorded_and_priced(gateway: Running, simulator: Simulator) -> None:
    with anthropic.Anthropic(base_url=gateway.url, **FAST) as claude:
        message = claude.messages.create(model=CLAUDE, max_tokens=40, messages=MESSAGES)
    with openai.OpenAI(base_url=gateway.openai_url, **FAST) as gpt:
        chat = gpt.chat.completions.create(model=GPT, messages=MESSAGES)
        response = gpt.responses.create(model=GPT, input="Say something.")
    calls = gateway.calls(3)
    assert [call.response_id for call in calls] == [message.id, chat.id, response.id]
    assert [call.cost for call in calls] == [billed.cost for billed in simulator.bill]


def test_streams_of_all_dialects_pass_and_are_metered(gateway: Running, simulator: Simulator) -> None:
    with anthropic.Anthropic(base_url=gateway.url, **FAST) as claude:
        stream = claude.messages.stream(model=CLAUDE, max_tokens=40, messages=MESSAGES)
        with stream as events:
            assert events.get_final_text()
    with openai.OpenAI(base_url=gateway.openai_url, **FAST) as gpt:
        chunks = list(gpt.chat.completions.create(model=GPT, messages=MESSAGES, stream=True))
        with gpt.responses.stream(model=GPT, input="Say something.") as parts:
            assert parts.get_final_response().output_text
    assert all(chunk.choices for chunk in chunks)
    calls = gateway.calls(3)
    assert all(call.stream and call.error_kind is None for call in calls)
    assert [call.cost for call in calls] == [billed.cost for billed in simulator.bill]


async def test_async_sdks_and_parallel_calls(gateway: Running) -> None:
    import asyncio  # noqa: PLC0415 - beside its only use

    async with anthropic.AsyncAnthropic(base_url=gateway.url, **FAST) as claude:

        async def one(number: int) -> str:
            text = f"number {number}"
            message = await claude.messages.create(
                model=CLAUDE, max_tokens=40, messages=[{"role": "user", "content": text}]
            )
            return message.id

        ids = await asyncio.gather(*(one(number) for number in range(20)))
    assert len(set(ids)) == 20
    assert {call.response_id for call in gateway.calls(20)} == set(ids)


def test_our_headers_end_here_and_answers_carry_ours(gateway: Running, simulator: Simulator) -> None:
    headers = {"x-penstock-task": "triage", "x-penstock-tags": "team=a"}
    with openai.OpenAI(base_url=gateway.openai_url, default_headers=headers, **FAST) as gpt:
        raw = gpt.chat.completions.with_raw_response.create(model=GPT, messages=MESSAGES)
        gpt.models.list()
        with gpt.chat.completions.with_streaming_response.create(model=GPT, messages=MESSAGES, stream=True) as streamed:
            assert streamed.headers["x-penstock-call-id"]
            streamed.read()
    call = gateway.calls(1)[0]
    assert (call.task, call.tags) == ("triage", {"team": "a", "simulated": "simulated"})
    assert raw.headers["x-penstock-call-id"] == call.id
    assert float(raw.headers["x-penstock-cost-usd"]) > 0
    assert raw.headers["x-penstock-model"] == GPT
    assert raw.headers["x-request-id"].startswith("req_")
    for request in simulator.requests:
        assert not any(name.lower().startswith("x-penstock") for name in request.headers)


async def seen_upstream(
    environment: dict[str, str], sent: list[tuple[dict[str, str], bytes]], **keys: str
) -> list[bytes]:
    """What a provider gets, byte for byte, of messages sent with the given headers and bodies."""
    seen: list[bytes] = []

    async def handler(peer: Peer) -> None:
        while True:
            head, body = await peer.read_request()
            seen.append(head + body)
            await peer.answer(b"{}")

    async with raw_server(handler) as provider:
        base_url = f"http://127.0.0.1:{provider.port}"
        upstream = {name: Upstream(base_url=base_url, api_key=keys.get(name)) for name in ("openai", "anthropic")}
        with serving(policy_for("", upstream=upstream), environment=environment) as gateway:
            async with httpx2.AsyncClient() as client:
                for headers, body in sent:
                    await client.post(f"{gateway.url}/v1/messages?beta=true", content=body, headers=headers)
    return seen


async def test_other_headers_and_the_body_go_upstream_byte_for_byte() -> None:
    body = b'{ "model":"claude-haiku-4-5","max_tokens":1e1, "messages":[{"role":"user","content":"\\u00e9"}] }'
    headers = {"x-api-key": "k1", "anthropic-version": "2023-06-01", "anthropic-beta": "b-2,a-1", "x-custom": "1"}
    (seen,) = await seen_upstream(
        {}, [({**headers, "X-Penstock-Task": "t", "connection": "x-hop", "x-hop": "1"}, body)]
    )
    assert seen.startswith(b"POST /v1/messages?beta=true HTTP/1.1\r\nhost: 127.0.0.1:")
    assert seen.endswith(b"content-length: %d\r\n\r\n%b" % (len(body), body))
    lines = b"".join(b"%b: %b\r\n" % (name.encode(), value.encode()) for name, value in headers.items())
    assert lines in seen
    assert b"penstock" not in seen.lower()
    assert b"x-hop" not in seen


async def test_the_provider_key_of_the_policy_replaces_the_caller_s() -> None:
    seen = await seen_upstream(
        {"REAL": "sk-real"},
        [({"x-api-key": "sk-test"}, b"{}"), ({"authorization": "Bearer sk-test"}, b"{}")],
        anthropic="env:REAL",
    )
    assert b"\r\nx-api-key: sk-real\r\n" in seen[0]
    assert b"\r\nauthorization: Bearer sk-real\r\n" in seen[1]
    assert not any(b"sk-test" in request for request in seen)


def test_provider_errors_reach_the_sdk_untouched(gateway: Running, simulator: Simulator) -> None:
    simulator.inject("429@nth=1")
    with anthropic.Anthropic(base_url=gateway.url, **FAST) as claude:
        with pytest.raises(anthropic.RateLimitError) as caught:
            claude.messages.create(model=CLAUDE, max_tokens=40, messages=MESSAGES)
        assert "retry-after" in caught.value.response.headers
        assert caught.value.response.headers["request-id"] == caught.value.request_id
        with pytest.raises(anthropic.NotFoundError):
            claude.messages.create(model="claude-none", max_tokens=40, messages=MESSAGES)
    assert [call.status for call in gateway.calls(2)] == [429, 404]


def test_other_paths_are_forwarded(gateway: Running) -> None:
    with openai.OpenAI(base_url=gateway.openai_url, **FAST) as gpt:
        assert list(gpt.models.list())
    with anthropic.Anthropic(base_url=gateway.url, **FAST) as claude:
        assert list(claude.models.list())
    assert not gateway.books.recent


def test_an_unreachable_provider_is_a_502_in_its_own_shape_and_one_log_line() -> None:
    with serving(policy_for("http://127.0.0.1:9")) as gateway:
        with (
            anthropic.Anthropic(base_url=gateway.url, **FAST) as claude,
            pytest.raises(anthropic.InternalServerError) as caught,
        ):
            claude.messages.create(model=CLAUDE, max_tokens=40, messages=MESSAGES)
        assert caught.value.status_code == 502
        body: Any = caught.value.body
        assert body["type"] == "error"
        assert body["error"]["type"] == "api_error"
        with openai.OpenAI(base_url=gateway.openai_url, **FAST) as gpt:
            with pytest.raises(openai.InternalServerError):
                gpt.chat.completions.create(model=GPT, messages=MESSAGES)
            with pytest.raises(openai.InternalServerError):
                gpt.models.list()
        calls = gateway.calls(2)
        assert [(call.status, call.error_kind, call.cost) for call in calls] == [(None, "connect", 0)] * 2
        assert gateway.log.count("\n") == 3
        assert "rivers" not in gateway.log
        assert "sk-test" not in gateway.log


def test_a_caller_that_leaves_cancels_the_provider_and_is_metered(simulator: Simulator) -> None:
    simulator.inject("slow-stream=0.05")
    with serving(policy_for(simulator.base_url)) as gateway:
        with (
            anthropic.Anthropic(base_url=gateway.url, **FAST) as claude,
            claude.messages.create(model=CLAUDE, max_tokens=400, messages=MESSAGES, stream=True) as stream,
        ):
            for event in stream:
                if event.type == "content_block_delta":
                    break
        (call,) = gateway.calls(1)
        assert call.error_kind == "closed_by_caller"
        assert call.usage is not None
        assert call.usage.basis is Basis.ESTIMATED
        upstream = gateway.gateway.house.upstreams["anthropic"]
        eventually(lambda: upstream.open_connections == 0)


def test_a_stream_that_the_provider_breaks_off_breaks_off_for_the_caller(
    gateway: Running, simulator: Simulator
) -> None:
    simulator.inject("cut-stream=3")
    with openai.OpenAI(base_url=gateway.openai_url, **FAST) as gpt, pytest.raises(openai.APIConnectionError):
        list(gpt.chat.completions.create(model=GPT, messages=MESSAGES, stream=True))
    (call,) = gateway.calls(1)
    assert call.stream
    assert call.error_kind is not None


def test_a_body_beyond_the_limit_is_a_413_in_the_provider_s_shape(gateway: Running, simulator: Simulator) -> None:
    body = b'{"model":"' + b"x" * 33_000_000 + b'"}'
    answer = httpx2.post(f"{gateway.url}/v1/messages", content=body, headers={"x-api-key": "k"})
    assert answer.status_code == 413
    assert answer.json()["error"]["type"] == "request_too_large"
    assert answer.headers["x-should-retry"] == "false"
    assert simulator.requests == []


@pytest.mark.parametrize("body", [b"", b"nothing", b'{"model":', b'{"model":"\xff"}', b"[1]", b'{"messages":7}'])
def test_a_body_that_is_no_request_is_the_provider_s_to_refuse(
    body: bytes, gateway: Running, simulator: Simulator
) -> None:
    answer = httpx2.post(f"{gateway.url}/v1/messages", content=body, headers={"x-api-key": "k"})
    assert answer.status_code == 400
    assert answer.json()["type"] == "error"
    assert simulator.requests[0].body == body


def cap(view: View, facts: Facts) -> list[Edit]:
    why = {"why": "test", "saving": Picodollars(1), "risk": Risk.EXACT}
    return [Edit(lever="cap", path=("max_tokens",), action=Action.SET, value=b"8", **why)]


@pytest.mark.parametrize(
    ("chosen", "header", "sent", "arm"),
    [
        ({"mode": "apply", "holdback": Holdback(share=0.0)}, {}, 8, "treated"),
        ({"mode": "apply", "holdback": Holdback(share=1.0)}, {}, 40, "holdback"),
        ({"mode": "apply", "holdback": Holdback(share=0.0)}, {"x-penstock-bypass": "1"}, 40, "bypass"),
        ({"mode": "observe"}, {}, 40, "observe"),
    ],
)
def test_the_plan_is_sent_only_where_the_policy_says(
    chosen: dict[str, Any], header: dict[str, str], sent: int, arm: str, simulator: Simulator
) -> None:
    policy = policy_for(simulator.base_url, **chosen)
    with serving(policy, context=EngineContext(policy, levers=[Lever("cap", cap)])) as gateway:
        with anthropic.Anthropic(base_url=gateway.url, default_headers=header, **FAST) as claude:
            raw = claude.messages.with_raw_response.create(model=CLAUDE, max_tokens=40, messages=MESSAGES)
        (call,) = gateway.calls(1)
    assert json.loads(simulator.requests[0].body)["max_tokens"] == sent
    assert call.arm == arm
    assert ("cap=1" in raw.headers["x-penstock-plan"]) is (arm != "bypass")


def test_health_and_readiness(gateway: Running) -> None:
    assert httpx2.get(f"{gateway.url}/healthz").json()["status"] == "ok"
    assert httpx2.get(f"{gateway.url}/readyz").json() == {"ready": True, "failing": {}}

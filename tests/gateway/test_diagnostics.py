"""Cache diagnostics through a gateway: asked for, kept, and taken out of what the caller sees."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from penstock.policy.schema import CachePolicy, Holdback, TaskPolicy
from penstock.simulator.server import Simulator
from tests.gateway.raw_server import Peer, raw_server
from tests.gateway.running import Running, policy_for, serving

RULES = "What each side owes the other, clause by clause, and by when. " * 400
ASK: dict[str, Any] = {
    "mode": "apply",
    "holdback": Holdback(share=0.0),
    "defaults": TaskPolicy(cache=CachePolicy(diagnostics=True)),
}


@pytest.fixture
def gateway(simulator: Simulator) -> Iterator[Running]:
    with serving(policy_for(simulator.base_url, **ASK), clock=simulator.clock.now) as running:
        yield running


def _messages(gateway: Running, system: str, **more: Any) -> httpx2.Response:
    body = {"model": "claude-opus-5-5", "max_tokens": 50, "system": system, **more}
    return _post(gateway, "/v1/messages", {**body, "messages": [{"role": "user", "content": "Who pays?"}]})


def _responses(gateway: Running, instructions: str, **more: Any) -> httpx2.Response:
    body = {"model": "gpt-6.1-sol", "instructions": instructions, "input": "Who pays?", **more}
    return _post(gateway, "/v1/responses", body)


def _post(gateway: Running, path: str, body: Any) -> httpx2.Response:
    headers = {"x-api-key": "k", "authorization": "Bearer k", "anthropic-version": "2023-06-01"}
    answer = httpx2.post(gateway.url + path, json=body, headers={**headers, "x-penstock-session": "s"})
    assert answer.status_code == 200, answer.text
    return answer


def _said(gateway: Running, count: int) -> list[str]:
    return ["" if one.diagnosis is None else one.diagnosis.word for one in gateway.calls(count)]


@pytest.mark.parametrize("stream", [False, True])
def test_messages_are_asked_about_and_shown_as_if_they_were_not(gateway: Running, *, stream: bool) -> None:
    shown = [_messages(gateway, system, stream=stream).text for system in (RULES, RULES, "New. " + RULES)]
    assert _said(gateway, 3) == ["", "reusable", "system_changed"]
    missed = gateway.calls(3)[-1].diagnosis
    assert missed is not None
    assert missed.missed is not None
    assert missed.missed > 4000
    assert all("cache_miss_reason" not in text for text in shown)
    assert all('"diagnostics":{' not in text for text in shown)


@pytest.mark.parametrize("stream", [False, True])
def test_responses_are_asked_about_and_shown_as_if_they_were_not(gateway: Running, *, stream: bool) -> None:
    shown = [_responses(gateway, system, stream=stream).text for system in (RULES, RULES, "New. " + RULES)]
    assert _said(gateway, 3) == ["", "reusable", "input_changed"]
    for text in shown:
        assert '"comparison_response_id":"' not in text
        assert '"prompt_cache_diagnostics":{' not in text
        assert '"prompt_cache_diagnostics":null' in text


def test_a_caller_who_asks_by_itself_gets_its_answer(gateway: Running) -> None:
    first = _messages(gateway, RULES, diagnostics={"previous_message_id": None}).json()
    asked = {"previous_message_id": first["id"]}
    answer = _messages(gateway, "New. " + RULES, diagnostics=asked).json()
    assert answer["diagnostics"]["cache_miss_reason"]["type"] == "system_changed"
    assert _said(gateway, 2) == ["", "system_changed"]


def test_without_the_setting_nothing_is_asked(simulator: Simulator) -> None:
    policy = policy_for(simulator.base_url, mode="apply", holdback=Holdback(share=0.0))
    with serving(policy, clock=simulator.clock.now) as gateway:
        answers = [_messages(gateway, system).json() for system in (RULES, "New. " + RULES)]
        assert all("diagnostics" not in answer for answer in answers)
        assert _said(gateway, 2) == ["", ""]


async def test_an_answer_that_comes_compressed_all_the_same_is_shown_plain_without_it() -> None:
    answer = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-opus-5-5",
        "content": [{"type": "text", "text": "ok"}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 9, "output_tokens": 2},
        "diagnostics": {"cache_miss_reason": {"type": "tools_changed", "cache_missed_input_tokens": 5}},
    }
    packed = gzip.compress(json.dumps(answer).encode())
    seen: list[bytes] = []

    async def handler(peer: Peer) -> None:
        head, _ = await peer.read_request()
        seen.append(head)
        length = b"content-length: %d\r\n\r\n" % len(packed)
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n" + length + packed)

    async with raw_server(handler) as provider:
        with serving(policy_for(f"http://127.0.0.1:{provider.port}", **ASK)) as gateway:
            async with httpx2.AsyncClient() as client:
                body = {"model": "claude-opus-5-5", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]}
                got = await client.post(f"{gateway.url}/v1/messages", json=body, headers={"x-api-key": "k"})
            (call,) = gateway.calls(1)
    assert b"accept-encoding: identity\r\n" in seen[0]
    assert "content-encoding" not in got.headers
    assert got.json() == {**answer, "diagnostics": None}
    assert call.diagnosis is not None
    assert call.diagnosis.reason == "tools_changed"

"""Compressed request bodies: planned when they can be read, and on the wire as they came when nothing changed."""

from __future__ import annotations

import gzip
import json
import zlib

import httpx2
import pytest

from penstock.engine.context import EngineContext
from penstock.engine.edit import Action, Edit, Risk
from penstock.engine.facts import Facts
from penstock.engine.pipeline import Lever
from penstock.gateway.packed import Packed
from penstock.money import Picodollars
from penstock.policy.schema import Holdback
from penstock.policy.serving import Budget
from penstock.simulator.server import running as simulating
from penstock.wire.view import View
from tests.gateway.raw_server import Peer, raw_server
from tests.gateway.running import policy_for, serving

BODY = json.dumps(
    {"model": "claude-haiku-4-5", "max_tokens": 40, "messages": [{"role": "user", "content": "hi"}]}
).encode()
ANSWER = b'{"type":"message","model":"claude-haiku-4-5","content":[],"usage":{"input_tokens":9,"output_tokens":2}}'
HEADERS = {"x-api-key": "k", "anthropic-version": "2023-06-01"}


def name_user(view: View, facts: Facts) -> list[Edit]:
    why = {"why": "test", "saving": Picodollars(1), "risk": Risk.EXACT}
    return [Edit(lever="cache", path=("metadata",), action=Action.SET, value=b'{"user_id":"u"}', **why)]


async def test_a_compressed_call_is_planned_metered_and_sent_on_as_it_came() -> None:
    seen: list[bytes] = []

    async def handler(peer: Peer) -> None:
        head, body = await peer.read_request()
        seen.extend((head, body))
        await peer.answer(ANSWER, b"content-type: application/json\r\n")

    packed = gzip.compress(BODY)
    async with raw_server(handler) as provider:
        with serving(policy_for(f"http://127.0.0.1:{provider.port}")) as gateway:
            async with httpx2.AsyncClient() as client:
                headers = {**HEADERS, "content-encoding": "gzip"}
                answer = await client.post(f"{gateway.url}/v1/messages", content=packed, headers=headers)
            (call,) = gateway.calls(1)
    assert answer.content == ANSWER
    assert b"content-encoding: gzip\r\n" in seen[0]
    assert seen[1] == packed
    assert (call.model_asked, call.arm) == ("claude-haiku-4-5", "observe")
    assert call.cost is not None


def test_a_planned_change_goes_out_plain() -> None:
    with simulating() as simulator:
        policy = policy_for(simulator.base_url, mode="apply", holdback=Holdback(share=0.0))
        with serving(policy, context=EngineContext(policy, levers=[Lever("cache", name_user)])) as gateway:
            headers = {**HEADERS, "content-encoding": "deflate"}
            answer = httpx2.post(f"{gateway.url}/v1/messages", content=zlib.compress(BODY), headers=headers)
        assert answer.status_code == 200, answer.text
        (request,) = simulator.requests
        assert json.loads(request.body)["metadata"] == {"user_id": "u"}
        assert "content-encoding" not in request.headers


async def test_what_we_cannot_read_streams_through_and_is_metered_from_its_answer() -> None:
    events = (
        b'event: message_start\ndata: {"type":"message_start","message":{"id":"m","type":"message","role":"assistant",'
        b'"content":[],"model":"claude-haiku-4-5","usage":{"input_tokens":9,"output_tokens":1}}}\n\n'
        b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},'
        b'"usage":{"output_tokens":2}}\n\nevent: message_stop\ndata: {"type":"message_stop"}\n\n'
    )
    seen: list[bytes] = []

    async def handler(peer: Peer) -> None:
        _, body = await peer.read_request()
        seen.append(body)
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n" + events)

    async with raw_server(handler) as provider:
        with serving(policy_for(f"http://127.0.0.1:{provider.port}")) as gateway:
            async with httpx2.AsyncClient() as client:
                headers = {**HEADERS, "content-encoding": "zstd"}
                answer = await client.post(f"{gateway.url}/v1/messages", content=b"\x28\xb5opaque", headers=headers)
            (call,) = gateway.calls(1)
    assert seen == [b"\x28\xb5opaque"]
    assert answer.content == events
    assert call.usage is not None
    assert (call.usage.input_uncached, call.usage.output) == (9, 2)
    assert call.cost is not None


def test_where_a_budget_must_be_kept_what_we_cannot_read_is_refused() -> None:
    with simulating() as simulator:
        with serving(policy_for(simulator.base_url, budgets={"all": Budget(usd=1)})) as gateway:
            headers = {**HEADERS, "content-encoding": "br"}
            answer = httpx2.post(f"{gateway.url}/v1/messages", content=b"xyz", headers=headers)
        assert answer.status_code == 415
        assert answer.json()["error"]["details"]["error_code"] == "unsupported_content_encoding"
        assert simulator.requests == []


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "x-gzip", "GZIP"])
def test_a_bomb_is_not_unpacked(encoding: str) -> None:
    pack = zlib.compress if encoding == "deflate" else gzip.compress
    bomb = pack(b"a" * 10_000_000)
    assert not Packed(bomb, encoding, 1_000_000).readable
    assert Packed(bomb, encoding, 10_000_000).readable

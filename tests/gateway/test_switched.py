"""WebSockets through a running gateway: the handshake and the frames of RFC 6455, written by hand on both sides."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from penstock.gateway.budgets import Spender
from penstock.gateway.settings import Settings
from penstock.policy.schema import Upstream
from penstock.policy.serving import Budget, VirtualKey
from tests.gateway.raw_server import Peer, raw_server
from tests.gateway.running import Running, eventually, policy_for, serving

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, CLOSE = 1, 8


def frame(kind: int, payload: bytes, *, masked: bool) -> bytes:
    size = len(payload)
    head = bytes([0x80 | kind])
    short = size if size < 126 else 126 if size < 65536 else 127
    head += bytes([short | (0x80 if masked else 0)])
    if short > 125:
        head += size.to_bytes(2 if short == 126 else 8, "big")
    if not masked:
        return head + payload
    mask = os.urandom(4)
    return head + mask + bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))


async def read_frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    first, second = await reader.readexactly(2)
    size = second & 0x7F
    if size > 125:
        size = int.from_bytes(await reader.readexactly(2 if size == 126 else 8), "big")
    mask = await reader.readexactly(4) if second & 0x80 else b""
    payload = await reader.readexactly(size)
    if mask:
        payload = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
    return first & 0x0F, payload


def accept_of(key: bytes) -> bytes:
    return b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())


async def agree(peer: Peer) -> bytes:
    """The provider's half of the handshake; the request's head."""
    head = await peer.read_head()
    lines = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:] if line)
    assert lines[b"upgrade"].lower() == b"websocket"
    assert b"upgrade" in lines[b"connection"].lower()
    await peer.send(
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
        b"sec-websocket-accept: " + accept_of(lines[b"sec-websocket-key"]) + b"\r\nx-request-id: req_1\r\n\r\n"
    )
    return head


async def echo(peer: Peer) -> None:
    await agree(peer)
    while True:
        kind, payload = await read_frame(peer.reader)
        await peer.send(frame(kind, payload, masked=False))
        if kind == CLOSE:
            return


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, key: bytes) -> None:
        self.reader = reader
        self.writer = writer
        self.key = key
        self.head = b""

    async def send(self, kind: int, payload: bytes) -> None:
        self.writer.write(frame(kind, payload, masked=True))
        await self.writer.drain()

    async def receive(self) -> tuple[int, bytes]:
        return await asyncio.wait_for(read_frame(self.reader), 20)


@contextlib.asynccontextmanager
async def asking(gateway: Running, extra: bytes = b"", after: bytes = b"") -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    key = b64encode(os.urandom(16))
    writer.write(
        b"GET /v1/realtime?model=gpt-realtime HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: keep-alive, Upgrade\r\n"
        b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + key + b"\r\n"
        b"Authorization: Bearer sk-own\r\n" + extra + b"\r\n" + after
    )
    client = Client(reader, writer, key)
    try:
        client.head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
        yield client
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


@contextlib.asynccontextmanager
async def gateway_before(handler: Any, **changes: Any) -> AsyncIterator[Running]:
    async with raw_server(handler) as provider:
        url = f"http://127.0.0.1:{provider.port}"
        environment = changes.pop("environment", {})
        settings = changes.pop("settings", None)
        with serving(policy_for(url, **changes), environment=environment, settings=settings) as gateway:
            yield gateway


async def test_frames_pass_both_ways_as_they_came_and_the_session_is_of_unknown_cost() -> None:
    heads: list[bytes] = []

    async def handler(peer: Peer) -> None:
        heads.append(await agree(peer))
        await peer.send(frame(TEXT, b"hello", masked=False))
        while True:
            kind, payload = await read_frame(peer.reader)
            await peer.send(frame(kind, payload[::-1], masked=False))
            if kind == CLOSE:
                return

    async with gateway_before(handler) as gateway:
        async with asking(gateway, b"OpenAI-Beta: realtime=v1\r\nx-penstock-task: talk\r\n") as client:
            assert client.head.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
            assert b"sec-websocket-accept: " + accept_of(client.key) in client.head
            assert b"x-request-id: req_1\r\n" in client.head
            assert b"x-penstock-cost-usd: unknown\r\n" in client.head
            assert b"connection: close" not in client.head
            assert await client.receive() == (TEXT, b"hello")
            large = os.urandom(3_000_000)
            for payload in (b"abc", large, b""):
                await client.send(TEXT, payload)
                assert await client.receive() == (TEXT, payload[::-1])
            await client.send(CLOSE, b"\x03\xe8")
            assert await client.receive() == (CLOSE, b"\xe8\x03")
            assert await asyncio.wait_for(client.reader.read(), 20) == b""
        (call,) = await asyncio.to_thread(gateway.calls, 1)
        assert (call.operation, call.status, call.cost, call.error_kind) == ("websocket", 101, None, None)
        assert (call.task, call.model_asked, call.arm) == ("talk", "gpt-realtime", "bypass")
        assert gateway.gateway.house.running == 0
        metrics = (await asyncio.to_thread(httpx2.get, f"{gateway.url}/metrics")).text
        assert 'penstock_forwarded_total{provider="openai",status="101"} 1' in metrics
    assert heads[0].startswith(b"GET /v1/realtime?model=gpt-realtime HTTP/1.1\r\n")
    assert b"openai-beta: realtime=v1\r\n" in heads[0]
    assert b"x-penstock" not in heads[0]


async def test_what_the_caller_says_before_the_answer_is_not_lost() -> None:
    async with (
        gateway_before(echo) as gateway,
        asking(gateway, after=frame(TEXT, b"early", masked=True)) as client,
    ):
        assert await client.receive() == (TEXT, b"early")


async def test_a_refusal_is_the_provider_s_own_and_cost_nothing() -> None:
    async def handler(peer: Peer) -> None:
        await peer.read_head()
        body = b'{"error":{"message":"no"}}'
        await peer.send(
            b"HTTP/1.1 401 Unauthorized\r\ncontent-length: %d\r\nx-request-id: r\r\n\r\n" % len(body) + body
        )
        await peer.reader.read()

    async with gateway_before(handler) as gateway:
        async with asking(gateway) as client:
            assert client.head.startswith(b"HTTP/1.1 401 Unauthorized\r\n")
            assert b"x-request-id: r\r\n" in client.head
            assert await client.reader.read() == b'{"error":{"message":"no"}}'  # and the connection closes
        (call,) = await asyncio.to_thread(gateway.calls, 1)
        assert (call.status, call.error_kind, call.cost) == (401, "http_401", 0)


@pytest.mark.parametrize("gone", ["caller", "provider"])
async def test_when_one_side_goes_the_other_is_closed(gone: str) -> None:
    over = asyncio.Event()

    async def handler(peer: Peer) -> None:
        await agree(peer)
        await peer.send(frame(TEXT, b"hello", masked=False))
        if gone == "caller":
            assert await peer.reader.read() == b""
            over.set()

    async with gateway_before(handler) as gateway:
        async with asking(gateway) as client:
            assert await client.receive() == (TEXT, b"hello")
            if gone == "provider":
                assert await asyncio.wait_for(client.reader.read(), 20) == b""
        if gone == "caller":
            await asyncio.wait_for(over.wait(), 20)
        (call,) = await asyncio.to_thread(gateway.calls, 1)
        assert (call.status, call.cost) == (101, None)
        upstream = gateway.gateway.house.upstreams["openai"]
        await asyncio.to_thread(eventually, lambda: upstream.open_connections == 0)


async def test_a_provider_that_is_not_there_is_a_502() -> None:
    with serving(policy_for("http://127.0.0.1:9")) as gateway:
        async with asking(gateway) as client:
            assert client.head.startswith(b"HTTP/1.1 502 ")
            assert b"x-penstock-error: upstream_unreachable\r\n" in client.head
        (call,) = await asyncio.to_thread(gateway.calls, 1)
        assert (call.status, call.error_kind, call.cost) == (None, "connect", 0)


async def test_a_slow_reader_slows_the_provider() -> None:
    sent = 0
    stuck = asyncio.Event()

    async def handler(peer: Peer) -> None:
        nonlocal sent
        await agree(peer)
        part = frame(TEXT, bytes(100_000), masked=False)
        for _ in range(400):
            peer.writer.write(part)
            try:
                await asyncio.wait_for(peer.writer.drain(), 0.5)
            except TimeoutError:
                stuck.set()
                await peer.writer.drain()
            sent += 1
        await peer.reader.read()

    async with gateway_before(handler) as gateway, asking(gateway) as client:
        await asyncio.wait_for(stuck.wait(), 20)
        assert sent < 400
        for _ in range(400):
            assert await client.receive() == (TEXT, bytes(100_000))


async def test_a_session_needs_a_key_and_its_path_and_money_left() -> None:
    tokens: list[bytes] = []

    async def handler(peer: Peer) -> None:
        tokens.append(await agree(peer))

    keys = {
        "free": VirtualKey(key="env:FREE"),
        "bound": VirtualKey(key="env:BOUND", models=("gpt-realtime",)),
        "named": VirtualKey(key="env:NAMED", models=("gpt-realtime",), paths=("/v1/realtime",)),
        "poor": VirtualKey(key="env:POOR"),
    }
    environment = {name.upper(): f"pk-{name}" for name in keys} | {"REAL": "sk-real"}
    budgets = {"poor": Budget(usd=1e-12, key="poor")}
    async with raw_server(handler) as provider:
        upstream = {"openai": Upstream(base_url=f"http://127.0.0.1:{provider.port}", api_key="env:REAL")}
        policy = policy_for("", upstream=upstream, keys=keys, budgets=budgets)
        with serving(policy, environment=environment) as gateway:
            house = gateway.gateway.house
            verdict, _ = house.budgets.reserve(Spender("poor", None, None), 1, house.clock())
            assert verdict.action == "warn"  # nothing is left now
            said = {}
            for name in ("none", *keys):
                async with asking(gateway, b"x-penstock-key: pk-%b\r\n" % name.encode()) as client:
                    said[name] = int(client.head.split(b" ")[1])
    assert said == {"none": 401, "free": 101, "bound": 403, "named": 101, "poor": 429}
    assert len(tokens) == 2
    assert all(b"authorization: Bearer sk-real\r\n" in head and b"sk-own" not in head for head in tokens)


async def test_another_upgrade_is_still_ignored() -> None:
    async def handler(peer: Peer) -> None:
        head, _ = await peer.read_request()
        assert b"upgrade" not in head.lower()
        await peer.answer(b"plain")

    async with gateway_before(handler) as gateway:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writer.write(b"GET /v1/models HTTP/1.1\r\nhost: x\r\nconnection: upgrade, close\r\nupgrade: h2c\r\n\r\n")
        assert (await asyncio.wait_for(reader.read(), 20)).endswith(b"plain")
        writer.close()


async def test_sessions_end_when_the_gateway_does() -> None:
    async def handler(peer: Peer) -> None:
        await agree(peer)
        await peer.reader.read()

    async with raw_server(handler) as provider:
        policy = policy_for(f"http://127.0.0.1:{provider.port}")
        with serving(policy, settings=Settings(drain_s=1)) as gateway:
            reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
            key = b64encode(os.urandom(16))
            writer.write(
                b"GET /v1/responses HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\n"
                b"sec-websocket-key: " + key + b"\r\n\r\n"
            )
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
            books = gateway.books
        assert await asyncio.wait_for(reader.read(), 20) == b""
        writer.close()
    (call,) = books.recent
    assert (call.operation, call.cost) == ("websocket", None)

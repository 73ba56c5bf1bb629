"""Bad input of every kind: a clear error in the provider's own shape, and another call at the same time undisturbed."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import anthropic
import httpx2
import pytest

from penstock.gateway.settings import Settings
from penstock.simulator.server import Simulator
from penstock.simulator.server import running as simulating
from tests.gateway.raw_server import Peer, raw_server
from tests.gateway.running import Running, eventually, policy_for, serving

CLAUDE = "claude-haiku-4-5"
MESSAGES: Any = [{"role": "user", "content": "Say something about rivers."}]
WHOLE: dict[str, Any] = {"model": CLAUDE, "max_tokens": 40, "messages": MESSAGES}
HEAD = b"POST /v1/messages HTTP/1.1\r\nhost: x\r\nx-api-key: k\r\nanthropic-version: 2023-06-01\r\n"
CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n"
WELL = json.dumps(WHOLE).encode()


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with simulating() as started:
        yield started


@pytest.fixture
def gateway(simulator: Simulator) -> Iterator[Running]:
    settings = Settings(max_head=16_384, head_s=0.3, body_s=0.3, drain_s=5)
    with serving(policy_for(simulator.base_url, mode="apply"), settings=settings) as started:
        yield started


def raw(gateway: Running, data: bytes) -> bytes:
    """Everything that comes back until the connection closes."""
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=20) as connection:
        answer = b""
        try:
            connection.sendall(data)
            while piece := connection.recv(65536):
                answer += piece
        except (ConnectionResetError, BrokenPipeError):
            pass  # it closed while we were still sending
    return answer


def said(answer: bytes) -> tuple[int, dict[str, Any]]:
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split(b" ")[1]), json.loads(body)["error"]


def beside_a_stream(gateway: Running, simulator: Simulator, work: Callable[[], None]) -> None:
    """Do something while another caller's stream runs; the stream comes to its end, whole."""
    simulator.inject("slow-stream=0.02@times=1")
    begun, seen = threading.Event(), []

    def stream() -> None:
        with (
            anthropic.Anthropic(base_url=gateway.url, api_key="k", max_retries=0) as claude,
            claude.messages.create(model=CLAUDE, max_tokens=40, messages=MESSAGES, stream=True) as events,
        ):
            for event in events:
                begun.set()
                seen.append(event.type)

    thread = threading.Thread(target=stream)
    thread.start()
    try:
        assert begun.wait(20)
        work()
    finally:
        thread.join(20)
    assert seen[-1] == "message_stop"
    assert gateway.calls(1)
    assert gateway.gateway.house.context.failures == {}


REFUSED_BY_US = {
    "two lengths": (HEAD + b"content-length: 5\r\ncontent-length: 6\r\n\r\nhello", 400),
    "a length and chunks": (HEAD + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "a folded line": (HEAD + b"x-a: 1\r\n folded\r\n\r\n", 400),
    "a chunk size that is none": (CHUNKED + b"zz\r\nhello\r\n0\r\n\r\n", 400),
    "a negative chunk size": (CHUNKED + b"-5\r\nhello\r\n0\r\n\r\n", 400),
    "a chunk size beyond 64 bits": (CHUNKED + b"f" * 17 + b"\r\nhello\r\n0\r\n\r\n", 400),
    "a chunk without its line break": (CHUNKED + b"5\r\nhello0\r\n\r\n", 400),
    "a bomb of header lines": (HEAD + b"".join(b"x-%d: y\r\n" % n for n in range(5000)) + b"\r\n", 431),
    "one header line of 1 MB": (HEAD + b"x-a: " + b"y" * 1_000_000 + b"\r\n\r\n", 431),
    "a head that trickles": (HEAD, 408),
    "a body that trickles": (HEAD + b"connection: close\r\ncontent-length: 50\r\n\r\n{", 408),
    "a body of 33 MB by its length": (HEAD + b"connection: close\r\ncontent-length: 33000000\r\n\r\n", 413),
}


@pytest.mark.parametrize("name", REFUSED_BY_US)
def test_what_is_no_request_is_refused_and_a_stream_beside_it_goes_on(
    name: str, gateway: Running, simulator: Simulator
) -> None:
    data, status = REFUSED_BY_US[name]

    def work() -> None:
        found, error = said(raw(gateway, data))
        assert found == status
        assert error["message"].startswith("Penstock: ")
        assert "type" in error

    beside_a_stream(gateway, simulator, work)
    assert len(simulator.requests) == 1  # the stream's


def test_33_mb_in_chunks_are_a_413(gateway: Running, simulator: Simulator) -> None:
    piece = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"

    def work() -> None:
        head = CHUNKED.replace(b"host: x", b"host: x\r\nconnection: close")
        status, error = said(raw(gateway, head + piece * 33 + b"0\r\n\r\n"))
        assert (status, error["type"]) == (413, "request_too_large")

    beside_a_stream(gateway, simulator, work)
    assert len(simulator.requests) == 1


def changed(**fields: Any) -> bytes:
    return json.dumps({**WHOLE, **fields}).encode()


DEEP = b'{"model":"' + CLAUDE.encode() + b'","max_tokens":40,"messages":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
REFUSED_BY_THE_PROVIDER = {
    "nothing": b"",
    "no JSON": b"hello",
    "truncated JSON": WELL[:-10],
    "an array": b"[1,2]",
    "null": b"null",
    "invalid UTF-8": WELL.replace(b"rivers", b"riv\xff\xfers"),
    "half a surrogate": WELL.replace(b"rivers", b"\\ud800"),
    "UTF-16": json.dumps(WHOLE).encode("utf-16"),
    "a NUL": WELL.replace(b"rivers", b"riv\0ers"),
    "JSON that nests too deep": DEEP,
    "a model that is a number": changed(model=7),
    "messages that are a number": changed(messages=7),
    "a message that is null": changed(messages=[None]),
    "a negative cap": changed(max_tokens=-5),
    "a cap beyond 64 bits": WELL.replace(b": 40", b": 99999999999999999999999999"),
    "a cap that is a fraction": changed(max_tokens=1.5),
    "a cap of infinity": WELL.replace(b": 40", b": 1e999"),
    "a cap that is NaN": WELL.replace(b": 40", b": NaN"),
    "an absurd temperature": changed(temperature=-1e308),
    "a stream that is a word": changed(stream="yes"),
    "tools that are an object": changed(tools={"a": 1}),
}


@pytest.mark.parametrize("name", REFUSED_BY_THE_PROVIDER)
def test_what_the_provider_has_to_judge_reaches_it_byte_for_byte_and_its_word_comes_back(
    name: str, gateway: Running, simulator: Simulator
) -> None:
    body = REFUSED_BY_THE_PROVIDER[name]
    headers = {"x-api-key": "k", "anthropic-version": "2023-06-01"}

    def work() -> None:
        direct = httpx2.post(f"{simulator.base_url}/v1/messages", content=body, headers=headers, timeout=60)
        through = httpx2.post(f"{gateway.url}/v1/messages", content=body, headers=headers, timeout=60)
        assert through.status_code == direct.status_code
        assert through.json().get("error") == direct.json().get("error")

    beside_a_stream(gateway, simulator, work)
    assert [request.body for request in simulator.requests[1:]] == [body, body]


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/chat/completions", "/v1/responses"])
def test_duplicate_keys_reach_the_provider_as_they_came(path: str) -> None:
    bodies = []

    async def handler(peer: Peer) -> None:
        bodies.append((await peer.read_request())[1])
        await peer.answer(b"{}")

    twice = b'"model":"gpt-5-mini","messages":[{"role":"user","content":"a"}],"input":"b"'
    body = b"{" + twice + b"," + twice + b"}"

    async def ask() -> None:
        async with raw_server(handler) as provider:
            with serving(policy_for(f"http://127.0.0.1:{provider.port}")) as gateway:
                async with httpx2.AsyncClient() as client:
                    await client.post(f"{gateway.url}{path}", content=body)

    asyncio.run(ask())
    assert bodies == [body]


def test_a_hundred_slow_callers_disturb_nobody(simulator: Simulator) -> None:
    with (
        serving(policy_for(simulator.base_url), settings=Settings(head_s=30, drain_s=1)) as gateway,
        ExitStack() as stack,
    ):
        for number in range(100):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", gateway.port), timeout=20))
            connection.sendall(HEAD[: 1 + number])
        beside_a_stream(gateway, simulator, lambda: None)


async def test_a_caller_that_reads_nothing_is_given_up_and_the_provider_with_it() -> None:
    closed = asyncio.Event()

    async def handler(peer: Peer) -> None:
        await peer.read_request()
        try:
            await peer.send(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")
            while True:
                await peer.send(b"event: ping\ndata: {}\n\n" * 10_000)
        except ConnectionError:
            closed.set()

    async with raw_server(handler) as provider:
        settings = Settings(unread_s=0.3, drain_s=5)
        with serving(policy_for(f"http://127.0.0.1:{provider.port}"), settings=settings) as gateway:
            reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port, limit=1)
            body = json.dumps({**WHOLE, "stream": True}).encode()
            writer.write(HEAD + b"content-length: %d\r\n\r\n" % len(body) + body)
            await asyncio.wait_for(closed.wait(), 30)
            await asyncio.to_thread(eventually, lambda: len(gateway.books.recent) == 1)
            (call,) = gateway.books.recent
            assert call.error_kind == "closed_by_caller"
            assert gateway.gateway.house.running == 0
            writer.transport.abort()
            del reader

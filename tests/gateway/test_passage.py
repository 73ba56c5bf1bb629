"""Requests of other paths: forwarded as they came, streaming both ways."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest

from tests.gateway.raw_server import Peer, raw_server
from tests.gateway.running import eventually, policy_for, serving


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_every_method_path_and_query_is_forwarded(method: str) -> None:
    heads: list[bytes] = []

    async def handler(peer: Peer) -> None:
        head, body = await peer.read_request()
        heads.append(head)
        await peer.answer(body, b"X-Odd: 1\r\nX-Odd: 2\r\n")

    async with raw_server(handler) as provider:
        with serving(policy_for(f"http://127.0.0.1:{provider.port}")) as gateway:
            async with httpx2.AsyncClient() as client:
                url = f"{gateway.url}/v1/files/a%2Fb%20c?limit=1&x=%C3%A9"
                answer = await client.request(method, url, content=b"body" if method != "GET" else None)
    assert heads[0].startswith(f"{method} /v1/files/a%2Fb%20c?limit=1&x=%C3%A9 HTTP/1.1\r\n".encode())
    assert answer.headers.get_list("x-odd") == ["1", "2"]
    assert answer.content == (b"body" if method != "GET" else b"")


async def test_an_upload_is_streamed_while_it_comes_with_the_length_that_it_has() -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()
    heads: list[bytes] = []

    async def handler(peer: Peer) -> None:
        heads.append(await peer.read_head())
        first = await peer.reader.readexactly(10)
        begun.set()
        rest = await peer.reader.readexactly(300_000)
        await peer.answer(first[:1] + rest[-1:])

    async def upload() -> AsyncIterator[bytes]:
        yield b"a" * 10
        await go_on.wait()
        yield b"b" * 300_000

    async with raw_server(handler) as provider:
        with serving(policy_for(f"http://127.0.0.1:{provider.port}")) as gateway:
            async with httpx2.AsyncClient() as client:
                headers = {"content-length": "300010", "content-type": "multipart/form-data; boundary=x"}
                task = asyncio.ensure_future(client.post(f"{gateway.url}/v1/files", content=upload(), headers=headers))
                await asyncio.wait_for(begun.wait(), 10)
                go_on.set()
                assert (await task).content == b"ab"
    assert b"content-length: 300010\r\n" in heads[0]
    assert b"transfer-encoding" not in heads[0]


async def test_a_download_is_streamed_while_it_comes() -> None:
    go_on = asyncio.Event()

    async def handler(peer: Peer) -> None:
        await peer.read_request()
        await peer.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-encoding: br\r\n\r\n3\r\none\r\n")
        await go_on.wait()
        await peer.send(b"3\r\ntwo\r\n0\r\n\r\n")

    async with raw_server(handler) as provider:
        with serving(policy_for(f"http://127.0.0.1:{provider.port}")) as gateway:
            async with (
                httpx2.AsyncClient() as client,
                client.stream("GET", f"{gateway.url}/v1/files/1/content") as answer,
            ):
                assert answer.headers["content-encoding"] == "br"
                pieces = answer.aiter_raw()
                assert await anext(pieces) == b"one"
                go_on.set()
                assert await anext(pieces) == b"two"


async def test_a_caller_that_leaves_cancels_the_provider() -> None:
    closed = asyncio.Event()

    async def handler(peer: Peer) -> None:
        await peer.read_request()
        await peer.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n")
        await peer.reader.read()
        closed.set()

    async with raw_server(handler) as provider:
        with serving(policy_for(f"http://127.0.0.1:{provider.port}")) as gateway:
            async with httpx2.AsyncClient() as client, client.stream("GET", f"{gateway.url}/v1/models") as answer:
                assert await anext(answer.aiter_raw()) == b"one"
            await asyncio.wait_for(closed.wait(), 10)
            await asyncio.to_thread(eventually, lambda: gateway.gateway.house.running == 0)

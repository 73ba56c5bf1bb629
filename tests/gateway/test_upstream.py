"""The contract of the upstream client. It runs on ours and on a library client behind the same seam."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from itertools import pairwise
from pathlib import Path

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock.errors import UpstreamClosed, UpstreamError, UpstreamProtocolError, UpstreamTimeout, UpstreamUnreachable
from penstock.gateway.origin import origin_of
from penstock.gateway.upstream import Limits, Upstream
from tests.gateway.raw_server import Peer, raw_server

POST = b"POST"


class LibraryResponse:
    def __init__(self, response: httpx2.Response) -> None:
        self.response = response
        self.status = response.status_code
        self.headers = [(name.lower(), value) for name, value in response.headers.raw]

    @property
    def chunks(self) -> AsyncIterator[bytes]:
        return self._chunks()

    async def _chunks(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self.response.aiter_raw():
                yield chunk
        except httpx2.ReadTimeout as error:
            raise UpstreamTimeout(str(error)) from error
        except httpx2.HTTPError as error:
            raise UpstreamProtocolError(str(error)) from error

    async def read(self) -> bytes:
        return b"".join([chunk async for chunk in self.chunks])

    async def aclose(self) -> None:
        await self.response.aclose()


class LibraryExchange:
    """The same seam on httpx2."""

    def __init__(self, base_url: str, limits: Limits, tls: ssl.SSLContext | None) -> None:
        self.base_url = base_url
        timeout = httpx2.Timeout(limits.answer_s, connect=limits.connect_s, read=min(limits.answer_s, limits.stall_s))
        self.client = httpx2.AsyncClient(timeout=timeout, verify=tls or True, trust_env=False)

    async def request(
        self,
        method: bytes,
        target: bytes,
        headers: Iterable[tuple[bytes, bytes]],
        body: bytes | AsyncIterable[bytes] = b"",
    ) -> LibraryResponse:
        url = self.base_url + target.decode()
        for last in (False, True):
            request = self.client.build_request(method.decode(), url, content=body, headers=list(headers))
            try:
                return LibraryResponse(await self.client.send(request, stream=True))
            except httpx2.TimeoutException as error:
                raise UpstreamTimeout(str(error)) from error
            except httpx2.ConnectError as error:
                raise UpstreamUnreachable(str(error)) from error
            except (httpx2.RemoteProtocolError, httpx2.ReadError) as error:
                if isinstance(error, httpx2.ReadError) or "without sending a response" in str(error):
                    if last:
                        raise UpstreamUnreachable(str(error)) from error
                    continue
                raise UpstreamProtocolError(str(error)) from error
            except httpx2.HTTPError as error:
                raise UpstreamProtocolError(str(error)) from error
        raise AssertionError

    async def aclose(self) -> None:
        await self.client.aclose()


@contextlib.asynccontextmanager
async def exchange_to(
    kind: str, port: int, limits: Limits | None = None, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> AsyncIterator[Upstream | LibraryExchange]:
    base = f"{'https' if tls else 'http'}://{host}:{port}"
    limits = limits or Limits(connect_s=5, answer_s=5, stall_s=5)
    client: Upstream | LibraryExchange
    client = Upstream(origin_of(base), limits=limits, tls=tls) if kind == "ours" else LibraryExchange(base, limits, tls)
    try:
        yield client
    finally:
        await client.aclose()


@pytest.fixture(params=["ours", "library"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_a_plain_answer_comes_back_whole(kind: str) -> None:
    async def handler(peer: Peer) -> None:
        head, body = await peer.read_request()
        assert head.startswith(b"POST /v1/messages?beta=true HTTP/1.1\r\n")
        assert b"\r\nx-one: 1\r\n" in head.lower()
        await peer.answer(body[::-1], b"Request-Id: req_1\r\n")

    async with raw_server(handler) as server, exchange_to(kind, server.port) as client:
        response = await client.request(POST, b"/v1/messages?beta=true", [(b"x-one", b"1")], b"abc")
        assert response.status == 200
        assert (b"request-id", b"req_1") in response.headers
        assert await response.read() == b"cba"


async def test_one_connection_serves_many_requests(kind: str) -> None:
    async def handler(peer: Peer) -> None:
        while True:
            _, body = await peer.read_request()
            await peer.answer(body)

    async with raw_server(handler) as server, exchange_to(kind, server.port) as client:
        for number in range(5):
            response = await client.request(POST, b"/", [], b"%d" % number)
            assert await response.read() == b"%d" % number
        assert len(server.peers) == 1


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(1, 110), max_size=8), chunked=st.booleans())
async def test_an_answer_may_be_split_anywhere(cuts: list[int], chunked: bool) -> None:
    body = b"data: {}\n\n" * 3
    if chunked:
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: b\r\n\r\n"
        wire = head + b"a\r\n" + body[:10] + b"\r\n14;ext=1\r\n" + body[10:] + b"\r\n0\r\nx-trailer: 1\r\n\r\n"
    else:
        wire = b"HTTP/1.1 200 OK\r\nContent-Length: 30\r\nX-A: b\r\n\r\n" + body
    edges = sorted({0, len(wire), *(min(cut, len(wire)) for cut in cuts)})

    async def handler(peer: Peer) -> None:
        await peer.read_request()
        for start, stop in pairwise(edges):
            await peer.send(wire[start:stop])
            await asyncio.sleep(0)
        await peer.read_request()
        await peer.answer(b"second")

    async with raw_server(handler) as server, exchange_to("ours", server.port) as client:
        response = await client.request(POST, b"/", [], b"x")
        assert b"".join([chunk async for chunk in response.chunks]) == body
        assert (b"x-a", b"b") in response.headers
        assert await (await client.request(POST, b"/", [], b"y")).read() == b"second"
        assert len(server.peers) == 1


async def test_chunks_are_given_as_they_come(kind: str) -> None:
    go_on = asyncio.Event()

    async def handler(peer: Peer) -> None:
        await peer.read_request()
        await peer.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n")
        await go_on.wait()
        await peer.send(b"3\r\ntwo\r\n0\r\n\r\n")

    async with raw_server(handler) as server, exchange_to(kind, server.port) as client:
        response = await client.request(POST, b"/", [], b"x")
        chunks = response.chunks
        assert await anext(chunks) == b"one"
        go_on.set()
        assert await anext(chunks) == b"two"
        with pytest.raises(StopAsyncIteration):
            await anext(chunks)


async def test_a_slow_trickle_of_single_bytes_is_one_body(kind: str) -> None:
    async def handler(peer: Peer) -> None:
        await peer.read_request()
        for byte in b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello":
            await peer.send(bytes([byte]))
            await asyncio.sleep(0)

    async with raw_server(handler) as server, exchange_to(kind, server.port) as client:
        assert await (await client.request(POST, b"/", [], b"x")).read() == b"hello"


async def test_a_stale_kept_connection_is_replaced_without_a_word(kind: str) -> None:
    async def handler(peer: Peer) -> None:
        await peer.read_request()
        await peer.answer(b"%d" % peer.number)
        if peer.number == 0:
            with contextlib.suppress(asyncio.IncompleteReadError):
                await peer.read_head()  # takes the second request and closes without an answer
            return
        await peer.read_request()

    async with raw_server(handler) as server, exchange_to(kind, server.port) as client:
        assert await (await client.request(POST, b"/", [], b"x")).read() == b"0"
        assert await (await client.request(POST, b"/", [], b"x")).read() == b"1"


async def test_a_fresh_connection_that_closes_without_an_answer_is_an_error_and_not_a_second_try() -> None:
    async def handler(peer: Peer) -> None:
        await peer.read_request()

    async with raw_server(handler) as server, exchange_to("ours", server.port) as client:
        with pytest.raises(UpstreamUnreachable, match="without an answer"):
            await client.request(POST, b"/", [], b"x")
        assert len(server.peers) == 1


async def test_a_request_that_a_kept_connection_may_have_delivered_is_not_sent_twice() -> None:
    seen: list[bytes] = []

    async def handler(peer: Peer) -> None:
        seen.append((await peer.read_request())[1])
        await peer.answer(b"1")
        seen.append((await peer.read_request())[1])  # and closes: the provider may have worked on it

    limits = Limits(connect_s=5, answer_s=5, stall_s=5, stale_s=-1.0)
    async with raw_server(handler) as server, exchange_to("ours", server.port, limits) as client:
        await (await client.request(POST, b"/", [], b"a")).read()
        with pytest.raises(UpstreamClosed):
            await client.request(POST, b"/", [], b"b")
    assert seen == [b"a", b"b"]


async def test_a_kept_connection_that_closes_later_than_a_round_trip_is_not_tried_again() -> None:
    seen: list[bytes] = []

    async def handler(peer: Peer) -> None:
        seen.append((await peer.read_request())[1])
        await peer.answer(b"1")
        seen.append((await peer.read_request())[1])
        await asyncio.sleep(0.4)  # the provider works on it, and then breaks

    async with raw_server(handler) as server, exchange_to("ours", server.port) as client:
        await (await client.request(POST, b"/", [], b"a")).read()
        with pytest.raises(UpstreamClosed):
            await client.request(POST, b"/", [], b"b")
    assert seen == [b"a", b"b"]


async def test_a_kept_connection_that_broke_inside_the_head_is_not_tried_again() -> None:
    async def handler(peer: Peer) -> None:
        await peer.read_request()
        await peer.answer()
        await peer.read_request()
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-")

    async with raw_server(handler) as server, exchange_to("ours", server.port) as client:
        await (await client.request(POST, b"/", [], b"x")).read()
        with pytest.raises(UpstreamProtocolError, match="inside the head"):
            await client.request(POST, b"/", [], b"x")
        assert len(server.peers) == 1


async def test_an_early_close_inside_a_body_is_an_error_after_what_came(kind: str) -> None:
    async def handler(peer: Peer) -> None:
        await peer.read_request()
        await peer.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n")

    async with raw_server(handler) as server, exchange_to(kind, server.port) as client:
        response = await client.request(POST, b"/", [], b"x")
        seen = []
        with pytest.raises(UpstreamProtocolError):  # noqa: PT012 - what came before the error is looked at
            async for chunk in response.chunks:
                seen.append(chunk)  # noqa: PERF401 - the loop raises
        assert seen == [b"one"]


async def test_a_body_without_a_length_ends_with_the_connection(kind: str) -> None:
    async def handler(peer: Peer) -> None:
        await peer.read_request()
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: 1\n\n")

    async with raw_server(handler) as server, exchange_to(kind, server.port) as client:
        assert await (await client.request(POST, b"/", [], b"x")).read() == b"data: 1\n\n"


async def test_interim_answers_are_skipped(kind: str) -> None:
    async def handler(peer: Peer) -> None:
        await peer.read_request()
        await peer.send(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n")
        await peer.answer(b"done")
        await peer.read_request()
        await peer.answer(b"again")

    async with raw_server(handler) as server, exchange_to(kind, server.port) as client:
        response = await client.request(POST, b"/", [], b"x")
        assert response.status == 200
        assert (b"link", b"x") not in response.headers
        assert await response.read() == b"done"
        assert await (await client.request(POST, b"/", [], b"x")).read() == b"again"


async def test_a_head_request_and_empty_answers_have_no_body(kind: str) -> None:
    async def handler(peer: Peer) -> None:
        head, _ = await peer.read_request()
        if head.startswith(b"HEAD"):
            await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n")
        else:
            await peer.send(b"HTTP/1.1 204 No Content\r\n\r\n")

    async with raw_server(handler) as server, exchange_to(kind, server.port) as client:
        response = await client.request(b"HEAD", b"/", [])
        assert (b"content-length", b"10") in response.headers
        assert await response.read() == b""
        response = await client.request(b"DELETE", b"/", [])
        assert response.status == 204
        assert await response.read() == b""


async def test_a_streamed_request_body_arrives_whole(kind: str) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for number in range(50):
            yield b"%03d" % number * 1000

    async def handler(peer: Peer) -> None:
        while True:
            _, body = await peer.read_request()
            await peer.answer(b"%d" % len(body))

    async with raw_server(handler) as server, exchange_to(kind, server.port) as client:
        for _ in range(2):
            assert await (await client.request(POST, b"/v1/files", [], pieces())).read() == b"150000"
        assert len(server.peers) == 1


async def test_an_upload_stops_when_the_provider_refuses_it() -> None:
    sent = 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(10_000):
            sent += 1
            yield b"x" * 65536
            await asyncio.sleep(0)

    async def handler(peer: Peer) -> None:
        await peer.read_head()
        await peer.send(b"HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\n\r\nbig")
        await peer.reader.read(1 << 20)
        await asyncio.sleep(0.01)

    async with raw_server(handler) as server, exchange_to("ours", server.port) as client:
        response = await client.request(POST, b"/v1/files", [], pieces())
        assert response.status == 413
        assert sent < 10_000


async def test_a_caller_that_breaks_off_its_upload_never_looks_complete() -> None:
    seen = asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        yield b"half"
        await seen.wait()
        raise ConnectionResetError

    async def handler(peer: Peer) -> None:
        await peer.read_head()
        await peer.reader.readexactly(len(b"4\r\nhalf\r\n"))
        seen.set()
        assert b"0\r\n\r\n" not in await peer.reader.read()

    async with raw_server(handler) as server, exchange_to("ours", server.port) as client:
        with pytest.raises(ConnectionResetError):
            await client.request(POST, b"/", [], pieces())


async def test_cancelling_the_wait_closes_the_connection(kind: str) -> None:
    arrived, gone = asyncio.Event(), asyncio.Event()

    async def handler(peer: Peer) -> None:
        await peer.read_request()
        arrived.set()
        with contextlib.suppress(ConnectionError):
            assert await peer.reader.read() == b""
        gone.set()

    async with raw_server(handler) as server, exchange_to(kind, server.port) as client:
        task = asyncio.ensure_future(client.request(POST, b"/", [], b"x"))
        await arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(gone.wait(), 5)


async def test_closing_a_response_early_closes_the_connection(kind: str) -> None:
    gone = asyncio.Event()

    async def handler(peer: Peer) -> None:
        await peer.read_request()
        await peer.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n")
        with contextlib.suppress(ConnectionError):
            await peer.reader.read()
        gone.set()

    async with raw_server(handler) as server, exchange_to(kind, server.port) as client:
        response = await client.request(POST, b"/", [], b"x")
        assert await anext(response.chunks) == b"one"
        await response.aclose()
        await asyncio.wait_for(gone.wait(), 5)


async def test_a_slow_reader_slows_the_provider_down() -> None:
    written = 0

    async def handler(peer: Peer) -> None:
        nonlocal written
        await peer.read_request()
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (64 << 20))
        for _ in range(1024):
            await peer.send(b"x" * 65536)
            written += 65536

    async with raw_server(handler) as server, exchange_to("ours", server.port) as client:
        response = await client.request(POST, b"/", [], b"x")
        before = -1
        while written != before:  # until the provider no longer gets on
            before = written
            await asyncio.sleep(0.05)
        assert 0 < written < (48 << 20)
        assert len(await response.read()) == 64 << 20


async def test_no_answer_in_time_is_a_timeout(kind: str) -> None:
    async def handler(peer: Peer) -> None:
        await peer.read_request()
        await peer.reader.read()

    limits = Limits(connect_s=5, answer_s=0.1, stall_s=0.1)
    async with raw_server(handler) as server, exchange_to(kind, server.port, limits) as client:
        with pytest.raises(UpstreamTimeout):
            await client.request(POST, b"/", [], b"x")


async def test_a_body_that_stops_is_a_timeout(kind: str) -> None:
    async def handler(peer: Peer) -> None:
        await peer.read_request()
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc")
        await peer.reader.read()

    limits = Limits(connect_s=5, answer_s=5, stall_s=0.1)
    async with raw_server(handler) as server, exchange_to(kind, server.port, limits) as client:
        response = await client.request(POST, b"/", [], b"x")
        with pytest.raises(UpstreamTimeout):
            await response.read()


async def test_a_closed_port_is_unreachable(kind: str) -> None:
    async def handler(peer: Peer) -> None:
        raise AssertionError

    async with raw_server(handler) as server:
        port = server.port
    async with exchange_to(kind, port) as client:
        with pytest.raises(UpstreamUnreachable):
            await client.request(POST, b"/", [], b"x")


async def test_a_name_that_does_not_resolve_is_unreachable(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    async with exchange_to(kind, 80, host="no-such-host.invalid") as client:
        with pytest.raises(UpstreamUnreachable):
            await client.request(POST, b"/", [], b"x")


@pytest.mark.parametrize(
    "wire",
    [
        b"hello\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"x-long: " + b"x" * 400_000 + b"\r\n\r\n",
    ],
    ids=["not-http", "two-lengths", "negative-length", "length-and-chunks", "endless-head"],
)
async def test_bytes_that_are_not_http_are_an_error_of_the_upstream(wire: bytes) -> None:
    async def handler(peer: Peer) -> None:
        await peer.read_request()
        await peer.send(wire)
        await peer.reader.read()

    async with raw_server(handler) as server, exchange_to("ours", server.port) as client:
        with pytest.raises(UpstreamProtocolError):
            await (await client.request(POST, b"/", [], b"x")).read()


async def test_a_malformed_chunk_is_an_error_of_the_upstream(kind: str) -> None:
    async def handler(peer: Peer) -> None:
        await peer.read_request()
        await peer.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\nzz\r\n")
        await peer.reader.read()

    async with raw_server(handler) as server, exchange_to(kind, server.port) as client:
        with pytest.raises(UpstreamProtocolError):
            await (await client.request(POST, b"/", [], b"x")).read()


async def test_bytes_behind_an_answer_are_never_taken_for_the_next_one() -> None:
    async def handler(peer: Peer) -> None:
        await peer.read_request()
        extra = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil" if peer.number == 0 else b""
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ngood" + extra)
        await peer.reader.read()

    async with raw_server(handler) as server, exchange_to("ours", server.port) as client:
        assert await (await client.request(POST, b"/", [], b"x")).read() == b"good"
        assert await (await client.request(POST, b"/", [], b"x")).read() == b"good"
        assert len(server.peers) == 2


@pytest.mark.parametrize(
    ("target", "header"),
    [
        (b"/v1 HTTP/1.1\r\nx: y", (b"a", b"b")),
        (b"/v1/a b", (b"a", b"b")),
        (b"/v1", (b"a", b"b\r\nx: y")),
        (b"/v1", (b"a\n", b"b")),
        (b"/v1", (b"a", b"b\0")),
    ],
)
async def test_a_request_cannot_carry_another_one(target: bytes, header: tuple[bytes, bytes]) -> None:
    client = Upstream(origin_of("http://127.0.0.1:1"))
    with pytest.raises(UpstreamProtocolError, match="line break"):
        await client.request(POST, target, [header], b"x")


CERTIFICATE = Path(__file__).parent / "tls"  # self-signed, for localhost, of no use elsewhere


def contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(CERTIFICATE / "cert.pem", CERTIFICATE / "key.pem")
    return server, ssl.create_default_context(cafile=str(CERTIFICATE / "cert.pem"))


async def test_an_encrypted_origin_answers(kind: str) -> None:
    server_tls, client_tls = contexts()

    async def handler(peer: Peer) -> None:
        while True:
            _, body = await peer.read_request()
            await peer.answer(body)

    async with raw_server(handler, server_tls) as server, exchange_to(kind, server.port, tls=client_tls) as client:
        for body in (b"x", b"y" * 300_000):
            assert await (await client.request(POST, b"/", [], body)).read() == body


async def test_an_unknown_certificate_is_refused() -> None:
    server_tls, _ = contexts()

    async def handler(peer: Peer) -> None:
        await peer.read_request()

    strict = ssl.create_default_context()
    async with raw_server(handler, server_tls) as server, exchange_to("ours", server.port, tls=strict) as client:
        with pytest.raises(UpstreamUnreachable, match="connect"):
            await client.request(POST, b"/", [], b"x")


async def test_idle_connections_are_let_go() -> None:
    closed = asyncio.Event()

    async def handler(peer: Peer) -> None:
        await peer.read_request()
        await peer.answer()
        with contextlib.suppress(ConnectionError):
            await peer.reader.read()
        closed.set()

    async with raw_server(handler) as server, exchange_to("ours", server.port, Limits(keep_s=0.05)) as client:
        await (await client.request(POST, b"/", [], b"x")).read()
        await asyncio.wait_for(closed.wait(), 5)


async def test_parallel_requests_do_not_mix() -> None:
    async def handler(peer: Peer) -> None:
        while True:
            _, body = await peer.read_request()
            await asyncio.sleep(0)
            await peer.answer(body * 1000)

    async with raw_server(handler) as server, exchange_to("ours", server.port) as client:

        async def one(number: int) -> bool:
            response = await client.request(POST, b"/", [], b"%04d" % number)
            return await response.read() == b"%04d" % number * 1000

        assert all(await asyncio.gather(*(one(number) for number in range(200))))
        assert len(server.peers) <= 200


async def test_every_error_is_of_the_upstream_family() -> None:
    for error in (UpstreamUnreachable, UpstreamTimeout, UpstreamProtocolError):
        assert issubclass(error, UpstreamError)

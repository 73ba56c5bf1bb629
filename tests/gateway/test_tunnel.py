from __future__ import annotations

import asyncio
import contextlib
import ssl
from pathlib import Path

import pytest

from penstock.errors import UpstreamUnreachable, UsageError
from penstock.gateway.origin import origin_of
from penstock.gateway.tunnel import Proxy, proxy_for, proxy_of
from penstock.gateway.upstream import Limits, Upstream
from tests.gateway.raw_server import Peer, raw_server

CERTIFICATE = Path(__file__).parent / "tls"
ORIGIN = origin_of("https://api.openai.com")


def test_a_proxy_url_may_carry_a_user() -> None:
    assert proxy_of("http://127.0.0.1:3128") == Proxy("127.0.0.1", 3128)
    assert proxy_of("proxy.test") == Proxy("proxy.test", 8080)
    assert proxy_of("http://a%40b:c@p:1").authorization == b"Basic YUBiOmM="


@pytest.mark.parametrize("url", ["https://p:1", "socks5://p:1", "http://"])
def test_another_kind_of_proxy_is_refused(url: str) -> None:
    with pytest.raises(UsageError):
        proxy_of(url)


@pytest.mark.parametrize(
    ("environment", "tunnelled"),
    [
        ({}, False),
        ({"HTTPS_PROXY": "http://p:1"}, True),
        ({"https_proxy": "http://p:1"}, True),
        ({"HTTP_PROXY": "http://p:1"}, False),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*"}, False),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "localhost, .openai.com"}, False),
        ({"HTTPS_PROXY": "http://p:1", "no_proxy": "api.openai.com"}, False),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "penai.com,,"}, True),
    ],
)
def test_the_usual_variables_choose_the_proxy(environment: dict[str, str], tunnelled: bool) -> None:
    assert (proxy_for(ORIGIN, environment) is not None) is tunnelled
    assert proxy_for(origin_of("http://127.0.0.1:1"), environment) is None


def tls() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(CERTIFICATE / "cert.pem", CERTIFICATE / "key.pem")
    return server, ssl.create_default_context(cafile=str(CERTIFICATE / "cert.pem"))


async def test_requests_go_encrypted_through_the_tunnel() -> None:
    server_tls, client_tls = tls()
    asked: list[bytes] = []

    async def provider(peer: Peer) -> None:
        while True:
            _, body = await peer.read_request()
            await peer.answer(body)

    async def proxy(peer: Peer) -> None:
        asked.append(await peer.read_head())
        port = int(asked[0].split(b" ")[1].rpartition(b":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await peer.send(b"HTTP/1.1 200 Connection established\r\n\r\n")

        async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
            with contextlib.suppress(ConnectionError):
                while data := await source.read(65536):
                    target.write(data)
                    await target.drain()
            target.close()

        try:
            await asyncio.gather(pump(reader, peer.writer), pump(peer.reader, writer))
        finally:
            writer.transport.abort()

    async with raw_server(provider, server_tls) as upstream, raw_server(proxy) as middle:
        client = Upstream(
            origin_of(f"https://localhost:{upstream.port}"),
            tls=client_tls,
            proxy=Proxy("127.0.0.1", middle.port, b"Basic eA=="),
        )
        for body in (b"one", b"two" * 100_000):
            assert await (await client.request(b"POST", b"/", [], body)).read() == body
        await client.aclose()
    assert len(asked) == 1
    assert asked[0].startswith(b"CONNECT localhost:")
    assert b"proxy-authorization: Basic eA==\r\n" in asked[0]


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", b"nonsense\r\n\r\n", b"x" * 20_000, b""]
)
async def test_a_proxy_that_refuses_makes_the_provider_unreachable(answer: bytes) -> None:
    async def proxy(peer: Peer) -> None:
        await peer.read_head()
        await peer.send(answer)
        if answer:
            await peer.reader.read()

    async with raw_server(proxy) as middle:
        client = Upstream(ORIGIN, limits=Limits(connect_s=5), proxy=Proxy("127.0.0.1", middle.port))
        with pytest.raises(UpstreamUnreachable):
            await client.request(b"POST", b"/", [], b"x")
        await client.aclose()

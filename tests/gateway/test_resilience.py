from __future__ import annotations

import asyncio

import pytest

from penstock.errors import UpstreamLeftAlone, UpstreamUnreachable
from penstock.gateway.origin import origin_of
from penstock.gateway.resilience import Address, Endpoint, Tries
from penstock.gateway.upstream import Upstream
from penstock.policy.serving import Resilience
from tests.gateway.raw_server import Peer, raw_server

SDK = [(b"x-stainless-retry-count", b"0")]
DEAD = "http://127.0.0.1:9"


def answering(*heads: bytes) -> tuple[list[int], object]:
    """A handler that answers with the heads in turn, the last one again and again; and how often it was asked."""
    asked: list[int] = []

    async def handler(peer: Peer) -> None:
        while True:
            await peer.read_request()
            head = heads[min(len(asked), len(heads) - 1)]
            asked.append(1)
            await peer.send(b"HTTP/1.1 " + head + b"\r\ncontent-length: 2\r\n\r\nok")

    return asked, handler


def endpoint(rules: Resilience, *urls: str) -> Endpoint:
    addresses = [Address(url, Upstream(origin_of(url)), rules) for url in urls]
    return Endpoint(addresses, rules, clock=lambda: 0.0, draw=lambda: 1.0)


async def close(made: Endpoint) -> None:
    for address in made.addresses:
        assert isinstance(address.exchange, Upstream)
        await address.exchange.aclose()


async def test_a_plain_caller_s_request_is_repeated_when_the_provider_says_when() -> None:
    asked, handler = answering(b"429 Too Many\r\nretry-after-ms: 5", b"200 OK")
    async with raw_server(handler) as server:  # type: ignore[arg-type]
        made = endpoint(Resilience(), f"http://127.0.0.1:{server.port}")
        tries = Tries()
        response = await made.request(b"POST", b"/", [], b"x", tries)
        assert (response.status, len(asked), tries.count) == (200, 2, 2)
        await close(made)


@pytest.mark.parametrize(
    ("head", "headers"),
    [
        (b"429 Too Many\r\nretry-after-ms: 5", SDK),
        (b"429 Too Many\r\nretry-after: 3600", []),
        (b"429 Too Many\r\nx-should-retry: false\r\nretry-after-ms: 5", []),
        (b"400 Bad", []),
        (b"200 OK", []),
    ],
)
async def test_it_is_not_repeated_for_an_sdk_or_against_the_provider_s_word(
    head: bytes, headers: list[tuple[bytes, bytes]]
) -> None:
    asked, handler = answering(head)
    async with raw_server(handler) as server:  # type: ignore[arg-type]
        made = endpoint(Resilience(retries=5), f"http://127.0.0.1:{server.port}")
        response = await made.request(b"POST", b"/", headers, b"x")
        assert response.status == int(head.split(b" ")[0])
        assert len(asked) == 1
        await close(made)


async def test_tries_are_limited_and_the_last_answer_is_shown() -> None:
    asked, handler = answering(b"503 Busy\r\nretry-after-ms: 1")
    async with raw_server(handler) as server:  # type: ignore[arg-type]
        made = endpoint(Resilience(retries=2), f"http://127.0.0.1:{server.port}")
        response = await made.request(b"POST", b"/", [], b"x")
        assert (response.status, await response.read(), len(asked)) == (503, b"ok", 3)
        await close(made)


@pytest.mark.parametrize("first", ["dead", "broken"])
async def test_a_mirror_takes_over_also_for_an_sdk(first: str) -> None:
    _, broken = answering(b"503 Busy")
    asked, healthy = answering(b"200 OK")
    async with raw_server(broken) as one, raw_server(healthy) as two:  # type: ignore[arg-type]
        url = DEAD if first == "dead" else f"http://127.0.0.1:{one.port}"
        made = endpoint(Resilience(), url, f"http://127.0.0.1:{two.port}")
        tries = Tries()
        assert (await made.request(b"POST", b"/", SDK, b"x", tries)).status == 200
        assert (tries.count, tries.moved, len(asked)) == (2, 1, 1)
        await close(made)


async def test_a_failing_address_is_left_alone_and_probed_again() -> None:
    asked, handler = answering(b"500 Broken", b"500 Broken", b"200 OK")
    rules = Resilience(breaker_failures=2, breaker_open_s=0.05)
    async with raw_server(handler) as server:  # type: ignore[arg-type]
        made = endpoint(rules, f"http://127.0.0.1:{server.port}")
        for _ in range(2):
            assert (await made.request(b"POST", b"/", SDK, b"x")).status == 500
        with pytest.raises(UpstreamLeftAlone, match="left alone"):
            await made.request(b"POST", b"/", SDK, b"x")
        assert len(asked) == 2
        loop = asyncio.get_running_loop()
        deadline = loop.time() + 5
        while made.addresses[0].breaker.state(loop.time()) == "open":
            assert loop.time() < deadline
            await asyncio.sleep(0.005)
        assert (await made.request(b"POST", b"/", SDK, b"x")).status == 200
        assert made.addresses[0].breaker.state(loop.time()) == "closed"
        await close(made)


async def test_429_does_not_speak_against_an_address() -> None:
    _, handler = answering(b"429 Too Many")
    async with raw_server(handler) as server:  # type: ignore[arg-type]
        made = endpoint(Resilience(breaker_failures=1), f"http://127.0.0.1:{server.port}")
        for _ in range(3):
            assert (await made.request(b"POST", b"/", SDK, b"x")).status == 429
        await close(made)


async def test_an_unreachable_provider_is_an_error_after_its_tries() -> None:
    made = endpoint(Resilience(retries=0), DEAD)
    with pytest.raises(UpstreamUnreachable, match="cannot connect"):
        await made.request(b"POST", b"/", [], b"x")

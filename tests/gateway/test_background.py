from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from penstock.gateway.background import Background, Own, Way
from penstock.gateway.limits import Limit
from penstock.gateway.metrics import Metrics
from penstock.gateway.origin import origin_of
from penstock.gateway.pacing import Lane, Pacer, Place, lane_key
from penstock.gateway.resilience import Address, Endpoint
from penstock.gateway.settings import Settings
from penstock.gateway.upstream import Upstream
from penstock.policy.serving import Resilience
from penstock.telemetry.names import DROPPED
from penstock.wire.usage import Usage
from tests.gateway.raw_server import Peer, raw_server

OWN = Own(body=b"{}", model="gpt-5-mini", purpose="shadow", usage=Usage(input_uncached=30, output=5))
AHEAD = Own(body=b"{}", model="gpt-5-mini", purpose="prewarm", usage=Usage(input_uncached=30))
WAY = Way("openai", b"/v1/chat/completions", [(b"authorization", b"Bearer k")], b"k")


class Ours:
    """The requests of our own of a gateway with so many callers."""

    def __init__(self, rules: Resilience, callers: int = 0) -> None:
        self.rules = rules
        self.callers = callers
        self.asked: list[bytes] = []
        self.pacer = Pacer()
        self.metrics = Metrics()
        self.background = Background(
            self.pacer,
            self.metrics,
            Settings(),
            rules=lambda: self.rules,
            callers=lambda: self.callers,
            clock=lambda: 1000.0,
        )

    @property
    def lane(self) -> Lane:
        return self.pacer.lane(lane_key("openai", b"k", "gpt-5-mini"))

    def learn(self, remaining: int) -> None:
        """A caller was told of a limit of 60 requests in a minute."""
        told = Limit("requests", 60, remaining, 0.0)
        self.lane.learn([told], Place((0.0, 0.0, 0.0), (0.0, 0.0, 0.0)), asyncio.get_running_loop().time())

    def dropped(self, purpose: str, reason: str) -> bool:
        return f'{DROPPED}{{purpose="{purpose}",reason="{reason}"}} 1' in self.metrics.text()

    @asynccontextmanager
    async def provider(self, head: bytes = b"200 OK") -> AsyncIterator[Endpoint]:
        async def handler(peer: Peer) -> None:
            while True:
                self.asked.append((await peer.read_request())[0])
                await peer.send(b"HTTP/1.1 " + head + b"\r\ncontent-length: 2\r\n\r\n{}")

        async with raw_server(handler) as server:
            url = f"http://127.0.0.1:{server.port}"
            upstream = Upstream(origin_of(url))
            yield Endpoint([Address(url, upstream, self.rules)], self.rules, clock=lambda: 1000.0, draw=lambda: 1.0)
            await upstream.aclose()


async def test_a_request_of_ours_is_sent_with_the_call_s_own_headers_and_its_answer_teaches_the_limits() -> None:
    ours = Ours(Resilience())
    began: list[float] = []
    told = b"200 OK\r\nx-ratelimit-limit-requests: 60\r\nx-ratelimit-remaining-requests: 50"
    async with ours.provider(told) as endpoint:
        sent = await ours.background.send(OWN, endpoint, WAY, longest_s=0.0, began=began.append)
    assert sent is not None
    assert (sent.status, sent.body, sent.error_kind, began) == (200, b"{}", None, [1000.0])
    assert b"authorization: Bearer k" in ours.asked[0]
    assert ours.lane.buckets["requests"].limit == 60
    assert ours.lane.running == (0.0, 0.0, 0.0)
    assert ours.background.running == 0


async def test_it_is_dropped_and_counted_where_callers_may_need_the_room() -> None:
    ours = Ours(Resilience())
    ours.learn(30)
    async with ours.provider() as endpoint:
        assert await ours.background.send(OWN, endpoint, WAY, longest_s=0.0) is None
        assert not ours.background.has_place(AHEAD, WAY)
    assert ours.asked == []
    assert ours.dropped("shadow", "limits")
    assert ours.dropped("prewarm", "limits")


async def test_it_is_dropped_and_counted_where_as_many_calls_run_as_may() -> None:
    ours = Ours(Resilience(running=3), callers=3)
    ours.learn(60)
    async with ours.provider() as endpoint:
        assert await ours.background.send(OWN, endpoint, WAY, longest_s=0.0) is None
        assert not ours.background.has_place(AHEAD, WAY)
        assert ours.lane.running == (0.0, 0.0, 0.0)
        ours.callers = 2
        assert ours.background.has_place(AHEAD, WAY)
        assert await ours.background.send(OWN, endpoint, WAY, longest_s=0.0) is not None
    assert ours.dropped("shadow", "running")
    assert ours.dropped("prewarm", "running")


async def test_one_that_the_provider_refuses_is_not_repeated_and_those_after_it_stand_back() -> None:
    ours = Ours(Resilience(retries=5))
    async with ours.provider(b"429 Too Many\r\nretry-after: 7") as endpoint:
        refused = await ours.background.send(OWN, endpoint, WAY, longest_s=0.0)
        assert refused is not None
        assert (refused.status, refused.error_kind) == (429, "http_429")
        assert await ours.background.send(OWN, endpoint, WAY, longest_s=6.5) is None
    assert len(ours.asked) == 1
    await ours.lane.enter("a caller", (1.0, 0.0, 0.0), longest_s=0.0, most=0)


async def test_without_pacing_only_the_running_calls_are_counted() -> None:
    ours = Ours(Resilience(pace=False))
    ours.learn(0)
    async with ours.provider() as endpoint:
        assert await ours.background.send(OWN, endpoint, WAY, longest_s=0.0) is not None


async def test_one_that_is_given_up_leaves_its_place() -> None:
    ours = Ours(Resilience())
    ours.learn(60)
    arrived = asyncio.Event()

    async def handler(peer: Peer) -> None:
        await peer.read_request()
        arrived.set()
        await asyncio.Event().wait()

    async with raw_server(handler) as server:
        url = f"http://127.0.0.1:{server.port}"
        upstream = Upstream(origin_of(url))
        endpoint = Endpoint([Address(url, upstream, ours.rules)], ours.rules, clock=lambda: 0.0, draw=lambda: 1.0)
        task = asyncio.ensure_future(ours.background.send(OWN, endpoint, WAY, longest_s=0.0))
        await arrived.wait()
        assert ours.background.running == 1
        assert ours.lane.running[0] == 1.0
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await upstream.aclose()
    assert ours.background.running == 0
    assert ours.lane.running[0] == 0.0

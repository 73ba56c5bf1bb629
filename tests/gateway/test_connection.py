"""What the contract of the upstream client cannot see: when a connection is handed back, and when it is not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from penstock.errors import UpstreamTimeout
from penstock.gateway.connection import ClosedBeforeAnswer, Connection
from tests.gateway.raw_server import Peer, raw_server


class Pool:
    def __init__(self) -> None:
        self.released = 0
        self.closed = asyncio.Event()
        self.now = 100.0

    @asynccontextmanager
    async def connect(self, port: int) -> AsyncIterator[Connection]:
        _, connection = await asyncio.get_running_loop().create_connection(self.build, "127.0.0.1", port)
        yield connection
        connection.abort()
        await asyncio.wait_for(self.closed.wait(), 5)

    def build(self) -> Connection:
        return Connection(released=self.release, closed=lambda _: self.closed.set(), clock=lambda: self.now)

    def release(self, connection: Connection) -> None:
        assert connection.usable
        self.released += 1


def begin(connection: Connection, *, last: bool = True) -> None:
    connection.begin([b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"], heads_only=False, last=last, answer_s=10, stall_s=5)


async def test_it_is_handed_back_once_after_each_whole_answer() -> None:
    async def handler(peer: Peer) -> None:
        while True:
            await peer.read_request()
            await peer.answer()

    pool = Pool()
    async with raw_server(handler) as server, pool.connect(server.port) as connection:
        for number in range(3):
            begin(connection)
            assert not connection.usable
            assert await (await connection.head()).read() == b"ok"
            assert pool.released == number + 1


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n", b"HTTP/1.0 200 OK\r\n\r\n"]
)
async def test_it_is_not_handed_back_when_the_provider_closes(head: bytes) -> None:
    async def handler(peer: Peer) -> None:
        await peer.read_request()
        await peer.send(head + b"ok")

    pool = Pool()
    async with raw_server(handler) as server, pool.connect(server.port) as connection:
        begin(connection)
        assert await (await connection.head()).read() == b"ok"
    assert pool.released == 0


async def test_it_is_not_handed_back_while_the_request_is_unfinished() -> None:
    async def handler(peer: Peer) -> None:
        await peer.read_head()
        await peer.answer()

    pool = Pool()
    async with raw_server(handler) as server, pool.connect(server.port) as connection:
        begin(connection, last=False)
        assert await (await connection.head()).read() == b"ok"
        assert not await connection.write([b"more"])
    assert pool.released == 0


async def test_the_deadline_follows_the_exchange() -> None:
    go_on = asyncio.Event()

    async def handler(peer: Peer) -> None:
        await peer.read_request()
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\no")
        await go_on.wait()
        await peer.send(b"k")

    pool = Pool()
    async with raw_server(handler) as server, pool.connect(server.port) as connection:
        assert connection.deadline is None
        begin(connection)
        assert connection.deadline == 110.0
        pool.now = 104.0
        response = await connection.head()
        assert connection.deadline == 109.0
        go_on.set()
        await response.read()
        assert connection.deadline is None
        assert connection.idle_since == 104.0


async def test_an_exchange_whose_time_is_over_ends_with_that_error() -> None:
    async def handler(peer: Peer) -> None:
        await peer.read_request()
        await peer.reader.read()

    pool = Pool()
    async with raw_server(handler) as server, pool.connect(server.port) as connection:
        begin(connection)
        connection.expire(UpstreamTimeout("late"))
        with pytest.raises(UpstreamTimeout, match="late"):
            await connection.head()


async def test_a_connection_that_was_lost_cannot_begin() -> None:
    async def handler(peer: Peer) -> None:
        pass

    pool = Pool()
    async with raw_server(handler) as server, pool.connect(server.port) as connection:
        await asyncio.wait_for(pool.closed.wait(), 5)
        assert not connection.usable
        with pytest.raises(ClosedBeforeAnswer):
            begin(connection)

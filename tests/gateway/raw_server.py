"""A loopback server whose answers are written byte by byte by the test."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable

Handler = Callable[["Peer"], Awaitable[None]]


class Peer:
    """One accepted connection: the requests that it sent, and a way to answer."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        self.reader = reader
        self.writer = writer
        self.number = number

    async def read_head(self) -> bytes:
        return await self.reader.readuntil(b"\r\n\r\n")

    async def read_request(self) -> tuple[bytes, bytes]:
        """Head and body of the next request, de-chunked."""
        head = await self.read_head()
        lower = head.lower()
        if b"transfer-encoding: chunked" in lower:
            body = b""
            while True:
                size = int(await self.reader.readuntil(b"\r\n"), 16)
                body += (await self.reader.readexactly(size + 2))[:-2]
                if size == 0:
                    return head, body
        if b"content-length:" in lower:
            length = int(lower.split(b"content-length:")[1].split(b"\r\n")[0])
            return head, await self.reader.readexactly(length)
        return head, b""

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self, body: bytes = b"ok", extra: bytes = b"") -> None:
        await self.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n%b\r\n%b" % (len(body), extra, body))


class RawServer:
    def __init__(self) -> None:
        self.peers: list[Peer] = []
        self.errors: list[BaseException] = []
        self.port = 0
        self.closed = asyncio.Event()


@contextlib.asynccontextmanager
async def raw_server(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[RawServer]:
    """Serve with ``handler(peer)`` once for each connection; what it raises is raised again at the end."""
    state = RawServer()
    tasks: set[asyncio.Task[None]] = set()

    async def run(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer, len(state.peers))
        state.peers.append(peer)
        try:
            await handler(peer)
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            state.closed.set()
        except asyncio.CancelledError:
            pass
        except BaseException as error:  # noqa: BLE001 - shown to the test below
            state.errors.append(error)
        finally:
            writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(run(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls)
    state.port = server.sockets[0].getsockname()[1]
    try:
        yield state
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for peer in state.peers:
            with contextlib.suppress(Exception):
                peer.writer.transport.abort()
        for _ in range(3):
            await asyncio.sleep(0)
    if state.errors:
        raise state.errors[0]

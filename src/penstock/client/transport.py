"""The transports that stand between an official SDK and the network, sync and async."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from threading import Event

import httpx2

from penstock.client.core import Core
from penstock.client.exchange import Exchange, Side, dialect_of, without_ours
from penstock.client.metered import MeteredExchange, metered_of
from penstock.client.shadows import AsyncShadows, ThreadedShadows
from penstock.client.warming import TaskWay, ThreadWay
from penstock.engine.labels import PREFIX
from penstock.engine.steps import Grade, Hold, Later, Sent, Shadow


class PenstockTransport(httpx2.BaseTransport):
    """Plans, records and prices the calls of a sync SDK client.

    Args:
        core: shared state.
        inner: the transport that sends.
    """

    def __init__(self, core: Core, inner: httpx2.BaseTransport) -> None:
        self._core = core
        self._inner = inner
        self._shadows = ThreadedShadows(core)
        self._way = ThreadWay(inner)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """One request of the SDK; its retries are calls of their own."""
        dialect = dialect_of(request)
        if dialect is None:
            return self._metered(request)
        request.read()
        exchange = Exchange(self._core, dialect, request, self._later, self._way)
        send = exchange.advance()
        while send is not None:
            if isinstance(send, Hold):
                over = Event()
                over.wait(exchange.waiting(send, over.set))
                send = exchange.advance()
                continue
            outgoing, hidden = exchange.outgoing(send)
            sent_at = exchange.now
            try:
                response = self._inner.handle_request(outgoing)
                exchange.began(response)
                first_at = exchange.now
                if exchange.streams(send, response):
                    side = exchange.side(send, response, hidden=hidden, sent_at=sent_at)
                    return _forwarded(exchange.stream_headers(send, response, decoded=side.decoded), response, side)
                try:
                    raw = b"".join(_sync_stream(response))
                finally:
                    response.close()
            except httpx2.TransportError as error:
                send = exchange.advance(exchange.failed(error, sent_at=sent_at))
                continue
            send = exchange.advance(exchange.arrived(send, response, raw, sent_at=sent_at, first_at=first_at))
        return exchange.shown()

    def _metered(self, request: httpx2.Request) -> httpx2.Response:
        """A request that is not planned: recorded where it is metered, else passed on."""
        kind = metered_of(request)
        if kind is None:
            return self._inner.handle_request(_passed_on(request))
        request.read()
        exchange = MeteredExchange(self._core, kind, request)
        try:
            response = self._inner.handle_request(exchange.outgoing())
            exchange.began()
            try:
                raw = b"".join(_sync_stream(response))
            finally:
                response.close()
        except httpx2.TransportError as error:
            exchange.failed(error)
            raise
        return exchange.arrived(response, raw)

    def close(self) -> None:
        """Wait for shadows and for warming requests on their way, then close the inner transport."""
        self._shadows.close()
        self._core.warmth.leave(self._way)
        self._inner.close()

    def _later(self, exchange: Exchange, first: Later) -> bool:
        def work() -> None:
            step: Later | None = first
            while step is not None:
                result = exchange.grade(step) if isinstance(step, Grade) else self._sent(exchange, step)
                step = self._shadows.after(exchange, result)

        return self._shadows.start(exchange, work)

    def _sent(self, exchange: Exchange, shadow: Shadow) -> Sent:
        """Send a request that no caller waits for."""
        send = exchange.beside(shadow)
        outgoing, _ = exchange.outgoing(send)
        sent_at = exchange.now
        try:
            response = self._inner.handle_request(outgoing)
            first_at = exchange.now
            try:
                raw = b"".join(_sync_stream(response))
            finally:
                response.close()
        except httpx2.TransportError as error:
            return exchange.failed(error, sent_at=sent_at)
        return exchange.arrived(send, response, raw, sent_at=sent_at, first_at=first_at)


class AsyncPenstockTransport(httpx2.AsyncBaseTransport):
    """Plans, records and prices the calls of an async SDK client.

    Args:
        core: shared state.
        inner: the transport that sends.
    """

    def __init__(self, core: Core, inner: httpx2.AsyncBaseTransport) -> None:
        self._core = core
        self._inner = inner
        self._shadows = AsyncShadows(core)
        self._way = TaskWay(inner)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """One request of the SDK; its retries are calls of their own."""
        dialect = dialect_of(request)
        if dialect is None:
            return await self._metered(request)
        await request.aread()
        self._way.entered()
        exchange = Exchange(self._core, dialect, request, self._later, self._way)
        send = exchange.advance()
        while send is not None:
            if isinstance(send, Hold):
                await _wait(exchange, send)
                send = exchange.advance()
                continue
            outgoing, hidden = exchange.outgoing(send)
            sent_at = exchange.now
            try:
                response = await self._inner.handle_async_request(outgoing)
                exchange.began(response)
                first_at = exchange.now
                if exchange.streams(send, response):
                    side = exchange.side(send, response, hidden=hidden, sent_at=sent_at)
                    return _forwarded(exchange.stream_headers(send, response, decoded=side.decoded), response, side)
                try:
                    raw = b"".join([chunk async for chunk in _async_stream(response)])
                finally:
                    await response.aclose()
            except httpx2.TransportError as error:
                send = exchange.advance(exchange.failed(error, sent_at=sent_at))
                continue
            send = exchange.advance(exchange.arrived(send, response, raw, sent_at=sent_at, first_at=first_at))
        return exchange.shown()

    async def _metered(self, request: httpx2.Request) -> httpx2.Response:
        """A request that is not planned: recorded where it is metered, else passed on."""
        kind = metered_of(request)
        if kind is None:
            return await self._inner.handle_async_request(_passed_on(request))
        await request.aread()
        exchange = MeteredExchange(self._core, kind, request)
        try:
            response = await self._inner.handle_async_request(exchange.outgoing())
            exchange.began()
            try:
                raw = b"".join([piece async for piece in _async_stream(response)])
            finally:
                await response.aclose()
        except httpx2.TransportError as error:
            exchange.failed(error)
            raise
        return exchange.arrived(response, raw)

    async def aclose(self) -> None:
        """Wait for shadows and for warming requests on their way, then close the inner transport."""
        await self._shadows.aclose()
        await self._way.aclose()
        self._core.warmth.leave(self._way)
        await self._inner.aclose()

    def _later(self, exchange: Exchange, first: Later) -> bool:
        async def work() -> None:
            step: Later | None = first
            while step is not None:
                if isinstance(step, Grade):
                    step = self._shadows.after(exchange, await exchange.grade_async(step))
                else:
                    step = self._shadows.after(exchange, await self._sent(exchange, step))

        return self._shadows.start(exchange, work)

    async def _sent(self, exchange: Exchange, shadow: Shadow) -> Sent:
        """Send a request that no caller waits for."""
        send = exchange.beside(shadow)
        outgoing, _ = exchange.outgoing(send)
        sent_at = exchange.now
        try:
            response = await self._inner.handle_async_request(outgoing)
            first_at = exchange.now
            try:
                raw = b"".join([chunk async for chunk in _async_stream(response)])
            finally:
                await response.aclose()
        except httpx2.TransportError as error:
            return exchange.failed(error, sent_at=sent_at)
        return exchange.arrived(send, response, raw, sent_at=sent_at, first_at=first_at)


async def _wait(exchange: Exchange, hold: Hold) -> None:
    """Wait for a sibling, which may be a call of another thread or loop."""
    over = asyncio.Event()
    loop = asyncio.get_running_loop()

    def wake() -> None:
        with suppress(RuntimeError):  # a loop that is closed has nobody who waits
            loop.call_soon_threadsafe(over.set)

    with suppress(TimeoutError):
        async with asyncio.timeout(exchange.waiting(hold, wake)):
            await over.wait()


class _ForwardedStream(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    """The provider's stream with its meter; read sync or async, as the inner transport is."""

    def __init__(self, response: httpx2.Response, side: Side) -> None:
        self._response = response
        self._side = side

    def __iter__(self) -> Iterator[bytes]:
        try:
            for chunk in _sync_stream(self._response):
                if seen := self._side.pass_on(chunk):
                    yield seen
            if rest := self._side.rest():
                yield rest
        except (httpx2.TransportError, ValueError):
            self._side.over("cut_stream")
            raise
        self._side.over()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in _async_stream(self._response):
                if seen := self._side.pass_on(chunk):
                    yield seen
            if rest := self._side.rest():
                yield rest
        except (httpx2.TransportError, ValueError):
            self._side.over("cut_stream")
            raise
        self._side.over()

    def close(self) -> None:
        """The SDK is done with the stream, at its end or before."""
        self._response.close()
        self._side.over("closed_by_caller")

    async def aclose(self) -> None:
        """The same for an async SDK."""
        await self._response.aclose()
        self._side.over("closed_by_caller")


def _forwarded(headers: list[tuple[bytes, bytes]], response: httpx2.Response, side: Side) -> httpx2.Response:
    return httpx2.Response(
        response.status_code, headers=headers, stream=_ForwardedStream(response, side), extensions=response.extensions
    )


def _passed_on(request: httpx2.Request) -> httpx2.Request:
    """A request that we do not plan, without our headers; the same object when it has none."""
    if not any(name.lower().startswith(PREFIX) for name in request.headers):
        return request
    return httpx2.Request(
        request.method,
        request.url,
        headers=without_ours(request.headers),
        stream=request.stream,
        extensions=request.extensions,
    )


def _sync_stream(response: httpx2.Response) -> httpx2.SyncByteStream:
    stream = response.stream
    if not isinstance(stream, httpx2.SyncByteStream):
        raise TypeError("an async transport stands below a sync client")
    return stream


def _async_stream(response: httpx2.Response) -> httpx2.AsyncByteStream:
    stream = response.stream
    if not isinstance(stream, httpx2.AsyncByteStream):
        raise TypeError("a sync transport stands below an async client")
    return stream

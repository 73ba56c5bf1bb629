"""The simulator without sockets for the official SDKs: transports of their HTTP library that call the `Provider`.

Usage: ``openai.OpenAI(http_client=httpx2.Client(transport=SimulatorTransport(provider, clock)))``. For benchmarks with
many thousand calls; what is not HTTP (a garbage answer, a broken connection) is raised as the library would raise it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

import httpx2

from penstock.simulator.clock import Clock, ManualClock
from penstock.simulator.provider import Provider
from penstock.simulator.response import Response


class SimulatorTransport(httpx2.BaseTransport):
    """A synchronous transport.

    Attributes:
        provider: the simulated world.
        clock: simulated time.
        advance: whether a call moves a `ManualClock` by the time that it took.
    """

    def __init__(self, provider: Provider, clock: Clock | None = None, *, advance: bool = False) -> None:
        self.provider = provider
        self.clock = clock or ManualClock()
        self.advance = advance

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer a request of the SDK."""
        response = _handled(self, request, request.read())
        wait = _wait(self, request, response)
        if wait > 0:
            time.sleep(wait)
        _begun(self, request, response)
        return _answered(response, _Pieces(self, response, request))


class AsyncSimulatorTransport(httpx2.AsyncBaseTransport):
    """An asynchronous transport; see `SimulatorTransport`."""

    def __init__(self, provider: Provider, clock: Clock | None = None, *, advance: bool = False) -> None:
        self.provider = provider
        self.clock = clock or ManualClock()
        self.advance = advance

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer a request of the SDK."""
        response = _handled(self, request, await request.aread())
        wait = _wait(self, request, response)
        if wait > 0:
            await asyncio.sleep(wait)
        _begun(self, request, response)
        return _answered(response, _Pieces(self, response, request))


class _Pieces(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    """A response body that books itself when it is read to its end or given up."""

    def __init__(
        self, owner: SimulatorTransport | AsyncSimulatorTransport, response: Response, request: httpx2.Request
    ) -> None:
        self._owner = owner
        self._response = response
        self._request = request
        self._sent = 0

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._response.chunks:
            self._sent += 1
            yield chunk
        self._end()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._response.chunks:
            self._sent += 1
            yield chunk
        self._end()

    def close(self) -> None:
        """Book what went out."""
        self._book()

    async def aclose(self) -> None:
        """Book what went out."""
        self._book()

    def _end(self) -> None:
        self._book()
        if self._response.ending == "cut":
            raise httpx2.RemoteProtocolError(
                "peer closed connection without sending complete message body", request=self._request
            )

    def _book(self) -> None:
        pending = self._response.pending
        if pending is not None and not pending.booked:
            self._owner.provider.finish(self._response, self._sent)
            _move(self._owner, self._response.generation_s)


def _handled(owner: SimulatorTransport | AsyncSimulatorTransport, request: httpx2.Request, body: bytes) -> Response:
    path = request.url.raw_path.decode("ascii")
    headers = {name.lower(): value for name, value in request.headers.items()}
    return owner.provider.handle(request.method, path, headers, body, owner.clock.now())


def _wait(owner: SimulatorTransport | AsyncSimulatorTransport, request: httpx2.Request, response: Response) -> float:
    """Wall seconds to wait for the first byte; a read timeout is raised at once instead of waited for."""
    wait = owner.clock.wall(response.first_byte_s) + response.wall_first_byte_s
    limit = (request.extensions.get("timeout") or {}).get("read")
    if limit is not None and wait > limit:
        raise httpx2.ReadTimeout("The read operation timed out", request=request)
    return wait


def _begun(owner: SimulatorTransport | AsyncSimulatorTransport, request: httpx2.Request, response: Response) -> None:
    if response.ending == "close":
        raise httpx2.RemoteProtocolError("Server disconnected without sending a response.", request=request)
    if response.ending == "garbage":
        raise httpx2.RemoteProtocolError("illegal status line", request=request)
    _move(owner, response.first_byte_s)
    owner.provider.begin(response, max(owner.clock.now(), response.at + response.first_byte_s))


def _answered(response: Response, pieces: _Pieces) -> httpx2.Response:
    return httpx2.Response(response.status, headers=response.headers, stream=pieces)


def _move(owner: SimulatorTransport | AsyncSimulatorTransport, seconds: float) -> None:
    if owner.advance and isinstance(owner.clock, ManualClock):
        owner.clock.advance(seconds)

"""Warming requests of SDK clients: sent in the background on the transport of the call that they serve.

One daemon thread for all clients of a ``Penstock`` looks what is due, and lives only while anything is watched. A
request of a sync client goes out in a thread of its own, that of an async client as a task of the loop that its call
ran in. A call's headers are kept in memory as long as a prefix of it is watched (trap T11), and written nowhere; they
go with the client that they belong to.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import NamedTuple, Protocol

import httpx2

from penstock.engine.context import EngineContext
from penstock.engine.record import Call
from penstock.engine.steps import Sent, Warm
from penstock.wire.content_encoding import READABLE, plain_body

MOST = 16
"""Warming requests that may run at once; a further one is given up."""
TICK_S = 1.0
"""Seconds between two looks at what is due, while anything is watched."""
PATIENCE_S = 5.0
"""Seconds that a close waits for requests on their way."""


class Head(NamedTuple):
    """A request of the SDK without its body and our headers."""

    method: str
    url: httpx2.URL
    lines: tuple[tuple[bytes, bytes], ...]
    extensions: dict[str, object]

    def request(self, body: bytes) -> httpx2.Request:
        """The same with a body."""
        kept = [line for line in self.lines if line[0].lower() not in _OWN]
        lines = [*kept, (b"accept-encoding", READABLE)]
        return httpx2.Request(self.method, self.url, headers=lines, content=body, extensions=self.extensions)


_OWN = frozenset({b"content-length", b"transfer-encoding", b"accept-encoding"})


class Way(Protocol):
    """How the calls of one transport go.

    Attributes:
        waits: whether a thread that closes may wait for what is on its way, or would keep it from going on.
    """

    waits: bool

    def send(self, head: Head, warm: Warm, told: Told) -> bool:
        """Begin to send a request in the background; False when that cannot be done."""


class Told(NamedTuple):
    """What a way tells of a request.

    Attributes:
        now: seconds since the epoch.
        began: an answer with a 2xx status began at that time.
        over: it is over, with its result; None when there is none.
    """

    now: Callable[[], float]
    began: Callable[[float], None]
    over: Callable[[Sent | None], None]


class Warmth:
    """The warming requests of one ``Penstock``.

    Args:
        context: the engine's, touched only while the lock is held.
        lock: of the context.
        clock: seconds since the epoch.
        tick_s: seconds between two looks.
    """

    def __init__(
        self, context: EngineContext, lock: threading.RLock, clock: Callable[[], float], tick_s: float = TICK_S
    ) -> None:
        self._context = context
        self._lock = lock
        self._clock = clock
        self.tick_s = tick_s
        self._ways: dict[str, tuple[Way, Head]] = {}
        self._running: dict[str, tuple[Way, Warm]] = {}
        self._quiet = threading.Condition(lock)
        self._ticking: threading.Thread | None = None

    @property
    def running(self) -> int:
        """Warming requests on their way."""
        return len(self._running)

    @property
    def watching(self) -> bool:
        """Whether the thread that looks what is due lives."""
        return self._ticking is not None

    def start(self, warm: Warm, way: Way, head: Head) -> bool:
        """Send a warming request in the background; False when it cannot be sent."""
        with self._lock:
            if len(self._running) >= MOST:
                return False
            self._context.warms(warm, self._clock())
            self._running[warm.id] = way, warm
            if way.send(head, warm, self._told(warm)):
                return True
            del self._running[warm.id]
            return False

    def _told(self, warm: Warm) -> Told:
        def began(at: float) -> None:
            with self._lock:
                self._context.began(warm.id, at)

        def over(sent: Sent | None) -> None:
            with self._lock:
                if self._running.pop(warm.id, None) is not None:
                    self._context.warmed(warm, sent)
                    self._quiet.notify_all()

        return Told(self._clock, began, over)

    def after(self, call_id: str, way: Way, head: Callable[[], Head]) -> None:
        """A call is over: keep its way while a prefix of it is watched."""
        with self._lock:
            if not self._context.warming.holds(call_id):
                return
            self._ways[call_id] = way, head()
            if self._ticking is None:
                self._ticking = threading.Thread(target=self._tick, name="penstock-warmth", daemon=True)
                self._ticking.start()

    def _tick(self) -> None:
        with self._lock:
            while self._ways:
                self._quiet.wait(self.tick_s)
                self.send_due()
            self._ticking = None

    def send_due(self) -> None:
        """Send the keep-alive requests that are due now, and forget the ways of what is no longer watched."""
        with self._lock:
            warming = self._context.warming
            for warm in warming.due(self._clock()):
                way = self._ways.get(warm.call_id)
                if way is None or not self.start(warm, *way):
                    self._context.warmed(warm, None)
            self._ways = {call_id: way for call_id, way in self._ways.items() if warming.holds(call_id)}

    def leave(self, way: Way | None = None) -> None:
        """Watch nothing more for a transport, or for any, and give what is on its way some time, then up."""

        def done() -> bool:
            return not any(one.waits and way in (None, one) for one, _ in self._running.values())

        with self._lock:
            self._ways = {} if way is None else {key: one for key, one in self._ways.items() if one[0] is not way}
            self._quiet.notify_all()
            self._quiet.wait_for(done, PATIENCE_S)
            for key, (one, warm) in list(self._running.items()):
                if way in (None, one):
                    del self._running[key]
                    self._context.warmed(warm, None)

    def close(self, ids: Callable[[], str], keep: Callable[[Call], object]) -> None:
        """Watch nothing more, and keep records of what no call was booked with.

        Args:
            ids: makes a record's id.
            keep: takes a record.
        """
        self.leave()
        with self._lock:
            for call in self._context.warming.unbooked(ids, self._clock()):
                keep(call)


class ThreadWay:
    """Requests of a sync client, each in a thread."""

    waits = True

    def __init__(self, inner: httpx2.BaseTransport) -> None:
        self._inner = inner

    def send(self, head: Head, warm: Warm, told: Told) -> bool:
        """Start the thread."""
        threading.Thread(target=self._carry_out, args=(head, warm, told), name="penstock-warm", daemon=True).start()
        return True

    def _carry_out(self, head: Head, warm: Warm, told: Told) -> None:
        result: Sent | None = None
        sent_at = told.now()
        try:
            response = self._inner.handle_request(head.request(warm.body))
            first_at = _begun(response, told)
            try:
                pieces: Iterator[bytes] = iter(response.stream)  # type: ignore[arg-type]
                raw = b"".join(pieces)
            finally:
                response.close()
            result = _sent(response, raw, sent_at, first_at, told.now())
        except httpx2.TransportError:
            result = Sent(status=None, started_at=sent_at, ended_at=told.now(), error_kind="transport")
        finally:
            told.over(result)


class TaskWay:
    """Requests of an async client, each a task of the loop in which its call ran."""

    waits = False

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self._inner = inner
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def entered(self) -> None:
        """A call runs in the present loop."""
        self._loop = asyncio.get_running_loop()

    def send(self, head: Head, warm: Warm, told: Told) -> bool:
        """Have the loop start a task; False when it is closed."""
        loop = self._loop
        if loop is None:
            return False
        try:
            loop.call_soon_threadsafe(self._begin, head, warm, told)
        except RuntimeError:  # the loop was closed without its client
            return False
        return True

    def _begin(self, head: Head, warm: Warm, told: Told) -> None:
        task = asyncio.get_running_loop().create_task(self._carry_out(head, warm, told))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carry_out(self, head: Head, warm: Warm, told: Told) -> None:
        result: Sent | None = None
        sent_at = told.now()
        try:
            response = await self._inner.handle_async_request(head.request(warm.body))
            first_at = _begun(response, told)
            try:
                pieces: AsyncIterator[bytes] = aiter(response.stream)  # type: ignore[arg-type]
                raw = b"".join([piece async for piece in pieces])
            finally:
                await response.aclose()
            result = _sent(response, raw, sent_at, first_at, told.now())
        except httpx2.TransportError:
            result = Sent(status=None, started_at=sent_at, ended_at=told.now(), error_kind="transport")
        finally:
            told.over(result)

    async def aclose(self) -> None:
        """Give tasks some time, then up."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=PATIENCE_S)
        for task in set(self._tasks):
            task.cancel()


def _begun(response: httpx2.Response, told: Told) -> float:
    at = told.now()
    if response.is_success:
        told.began(at)
    return at


def _sent(response: httpx2.Response, raw: bytes, sent_at: float, first_at: float, ended_at: float) -> Sent:
    return Sent(
        status=response.status_code,
        body=plain_body(raw, response.headers.get("content-encoding")),
        started_at=sent_at,
        first_byte_at=first_at,
        ended_at=ended_at,
        error_kind=None if response.is_success else f"http_{response.status_code}",
    )

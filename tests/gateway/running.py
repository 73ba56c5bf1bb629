"""A gateway in a thread, on uvicorn as in production, for tests that speak to it over loopback."""

from __future__ import annotations

import asyncio
import io
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvloop

from penstock.engine.context import EngineContext
from penstock.engine.record import Call
from penstock.gateway.app import Gateway
from penstock.gateway.build import build_gateway
from penstock.gateway.logs import Log
from penstock.gateway.serve import server_of
from penstock.gateway.settings import Settings
from penstock.gateway.upstream import Limits
from penstock.ledger.books import Books
from penstock.ledger.ids import call_ids
from penstock.listening import listen, url_of
from penstock.policy.schema import Policy, Upstream

PATIENCE_S = 20.0


class Running:
    """A gateway that serves."""

    def __init__(
        self, url: str, gateway: Gateway, books: Books, log: io.StringIO, loop: asyncio.AbstractEventLoop
    ) -> None:
        self.url = url
        self.openai_url = f"{url}/v1"
        self.port = int(url.rpartition(":")[2])
        self.gateway = gateway
        self.books = books
        self.loop = loop
        self._log = log

    @property
    def log(self) -> str:
        return self._log.getvalue()

    def calls(self, count: int) -> list[Call]:
        """The records, once there are so many: a record is kept after its answer was sent."""
        eventually(lambda: len(self.books.recent) >= count)
        return list(self.books.recent)


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.002)


def policy_for(base_url: str, **changes: Any) -> Policy:
    upstream = {name: Upstream(base_url=base_url) for name in ("openai", "anthropic")}
    return Policy(**{"upstream": upstream, **changes})


@contextmanager
def serving(
    policy: Policy,
    *,
    books: Books | None = None,
    clock: Callable[[], float] = time.time,
    context: EngineContext | None = None,
    settings: Settings | None = None,
    limits: Limits | None = None,
    environment: dict[str, str] | None = None,
) -> Iterator[Running]:
    books = books if books is not None else Books()
    lines = io.StringIO()
    settings = settings or Settings(drain_s=5)
    gateway = build_gateway(
        policy,
        books,
        clock=clock,
        ids=call_ids(clock),
        log=Log(clock, lines),
        environment=environment or {},
        settings=settings,
        context=context,
        limits=limits,
    )
    listener = listen("127.0.0.1", 0)
    server = server_of(gateway, settings)
    loops: list[asyncio.AbstractEventLoop] = []

    async def serve() -> None:
        loops.append(asyncio.get_running_loop())
        await server.serve(sockets=[listener])

    thread = threading.Thread(target=lambda: uvloop.run(serve()), daemon=True)
    thread.start()
    eventually(lambda: server.started)
    try:
        yield Running(url_of(listener), gateway, books, lines, loops[0])
    finally:
        server.stop()
        thread.join(PATIENCE_S)
        listener.close()
        assert not thread.is_alive()

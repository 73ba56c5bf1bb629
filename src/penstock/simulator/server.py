"""The simulator on a socket: uvicorn in a thread for tests and demos, or in the foreground for the command line."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from penstock.errors import InternalError
from penstock.listening import BACKLOG, is_loopback, listen, url_of
from penstock.simulator.app import TRANSPORT, App
from penstock.simulator.bill import Billed, Logged
from penstock.simulator.clock import Clock, ManualClock
from penstock.simulator.config import Config
from penstock.simulator.faults import Fault, FaultRule, parse_rules
from penstock.simulator.provider import Provider
from penstock.stopping import StoppableServer

_PATIENCE_S = 20.0
_POLL_S = 0.002


class Simulator:
    """A running simulator as a test or a benchmark sees it.

    Attributes:
        base_url: for Anthropic's SDK (``http://127.0.0.1:PORT``).
        openai_base_url: for OpenAI's SDK (the same with ``/v1``).
        clock: simulated time; a `ManualClock` unless another was given.
        provider: the simulated world itself.
    """

    def __init__(self, base_url: str, clock: Clock, provider: Provider) -> None:
        self.base_url = base_url
        self.openai_base_url = f"{base_url}/v1"
        self.clock = clock
        self.provider = provider

    @property
    def bill(self) -> list[Billed]:
        """Every billed call so far, oldest first."""
        return self.provider.billed()

    @property
    def requests(self) -> list[Logged]:
        """The requests that reached the simulator, refused ones too, oldest first."""
        return self.provider.logged()

    def stats(self) -> dict[str, Any]:
        """Requests by status and the bill's totals."""
        return self.provider.stats()

    def inject(self, fault: str | Fault | FaultRule) -> None:
        """Put a fault in force: a rule, a fault for every call, or a spec such as ``429@nth=1``."""
        if isinstance(fault, str):
            for rule in parse_rules(fault):
                self.provider.inject(rule)
        else:
            self.provider.inject(FaultRule(fault=fault) if isinstance(fault, Fault) else fault)

    def reset(self) -> None:
        """Empty caches, bill, requests and statistics."""
        self.provider.reset()


class BreakableProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol, which also shows the application its connection, so that faults can break it."""

    def on_headers_complete(self) -> None:
        """Put the connection into the scope before the application is called."""
        scope: Any = self.scope
        scope["extensions"] = {**(scope.get("extensions") or {}), TRANSPORT: self.transport}
        super().on_headers_complete()


@contextmanager
def running(
    config: Config | None = None, *, clock: Clock | None = None, host: str = "127.0.0.1", port: int = 0
) -> Iterator[Simulator]:
    """Serve a simulator in a thread while the block runs.

    Args:
        config: its settings; the defaults answer at once and refuse nothing.
        clock: simulated time; None makes a `ManualClock`.
        host: a loopback address.
        port: 0 picks a free one.

    Raises:
        CallerError: when the port is taken.
    """
    provider = Provider(config)
    clock = clock or ManualClock()
    listener = listen(host, port)
    server = StoppableServer(uvicorn_config(App(provider, clock, controllable=is_loopback(host))))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="penstock-simulator", daemon=True)
    thread.start()
    try:
        _await_start(server, thread)
        yield Simulator(url_of(listener), clock, provider)
    finally:
        server.stop()
        thread.join(_PATIENCE_S)
        listener.close()


def serve(provider: Provider, clock: Clock, listener: socket.socket, *, controllable: bool) -> None:
    """Serve in the foreground until interrupted."""
    server = uvicorn.Server(uvicorn_config(App(provider, clock, controllable=controllable)))
    try:
        server.run(sockets=[listener])
    except KeyboardInterrupt:
        pass
    finally:
        listener.close()


def uvicorn_config(app: App) -> uvicorn.Config:
    """How the simulator is served: quiet, without websockets, breakable."""
    return uvicorn.Config(
        app,
        http=BreakableProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=1,
    )


def _await_start(server: uvicorn.Server, thread: threading.Thread) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise InternalError("the simulator's server did not start")
        time.sleep(_POLL_S)

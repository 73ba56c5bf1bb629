"""The gateway on a loopback port in a thread, as ``penstock serve`` would run it, with the demo's clock."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from penstock.errors import InternalError
from penstock.gateway.build import build_gateway
from penstock.gateway.logs import Log
from penstock.gateway.serve import server_of
from penstock.gateway.settings import Settings
from penstock.ledger.books import Books
from penstock.ledger.ids import call_ids
from penstock.listening import listen, url_of
from penstock.policy.schema import Policy

_PATIENCE_S = 20.0
_POLL_S = 0.002


@contextmanager
def serving(policy: Policy, books: Books, clock: Callable[[], float]) -> Iterator[str]:
    """The base URL of a gateway that serves while the block runs; its books are closed when it ends."""
    settings = Settings(drain_s=5.0)
    gateway = build_gateway(
        policy,
        books,
        clock=clock,
        ids=call_ids(clock),
        log=Log(clock, out=io.StringIO()),
        environment={},
        settings=settings,
    )
    listener = listen("127.0.0.1", 0)
    server = server_of(gateway, settings)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="penstock-gateway", daemon=True)
    thread.start()
    try:
        deadline = time.monotonic() + _PATIENCE_S
        while not server.started:
            if not thread.is_alive() or time.monotonic() > deadline:
                raise InternalError("the gateway did not start")
            time.sleep(_POLL_S)
        yield url_of(listener)
    finally:
        server.stop()
        thread.join(_PATIENCE_S)
        listener.close()

"""The gateway on a socket: uvicorn on uvloop, with a graceful end on SIGTERM."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import socket
from collections.abc import Callable
from functools import partial

import uvicorn

from penstock.errors import UsageError
from penstock.gateway.app import Gateway
from penstock.gateway.protocol import protocol_of
from penstock.gateway.settings import Settings
from penstock.listening import BACKLOG, is_loopback
from penstock.stopping import StoppableServer

COLLECT_AFTER = (20_000, 20, 20)
"""Objects, and generations, after which the garbage collector looks."""


def check_bind(host: str, *, guarded: bool) -> None:
    """UsageError for an address that others can reach while no key is asked for."""
    if not is_loopback(host) and not guarded:
        raise UsageError(
            f"{host} can be reached from outside, and no key is set",
            hint="set keys in the policy, or bind 127.0.0.1",
        )


def server_of(gateway: Gateway, settings: Settings) -> StoppableServer:
    """The server of a gateway: no access log, no headers of its own; WebSockets are the gateway's."""
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL + 1)  # we log; a cut stream is not its error
    return StoppableServer(
        uvicorn.Config(
            gateway,
            http=protocol_of(gateway.serve, settings),
            proxy_headers=False,
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            backlog=BACKLOG,
            timeout_keep_alive=settings.keep_alive_s,
            timeout_graceful_shutdown=int(settings.drain_s),
        )
    )


def serve(
    gateway: Gateway, listener: socket.socket, settings: Settings, reload: Callable[[], None] | None = None
) -> None:
    """Serve until SIGTERM or SIGINT; running calls finish first. ``reload`` is called on SIGHUP, between requests."""
    server = server_of(gateway, settings)
    if reload is not None:
        gateway.opened = partial(_listen_for_hangup, reload)
    signal.signal(signal.SIGTERM, lambda *_: None)  # the server raises it once more when all is done: exit 0 then
    _spare_the_collector()
    try:
        _run(server, listener)
    except KeyboardInterrupt:
        return
    finally:
        listener.close()


def _spare_the_collector() -> None:
    """What start-up made lives as long as the process, and calls free what they make by reference counts.

    The collector is needed only for the rare cycle, so it looks less often and never at what was there before.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)


async def _listen_for_hangup(reload: Callable[[], None]) -> None:
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reload)


def _run(server: uvicorn.Server, listener: socket.socket) -> None:
    try:
        import uvloop  # noqa: PLC0415 - not on every platform
    except ImportError:
        asyncio.run(server.serve(sockets=[listener]))
    else:
        uvloop.run(server.serve(sockets=[listener]))

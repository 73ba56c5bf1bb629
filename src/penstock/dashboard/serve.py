"""The pages on a socket."""

from __future__ import annotations

import socket
from pathlib import Path

import uvicorn

from penstock.dashboard.app import application
from penstock.errors import UsageError
from penstock.ledger.sqlite import read_ledger
from penstock.listening import is_loopback
from penstock.policy.schema import Policy
from penstock.stopping import StoppableServer

_LOCAL = frozenset({"localhost", "127.0.0.1", "[::1]"})


def check_bind(host: str, *, public: bool) -> None:
    """UsageError for an address that others can reach, unless that is meant: the pages ask for no key."""
    if not is_loopback(host) and not public:
        raise UsageError(
            f"{host} is not a loopback address",
            hint="anyone who reaches the pages can read them; say --public if that is meant",
        )


def check_ledger(file: Path) -> None:
    """InputError for a file that cannot be read as a ledger."""
    read_ledger(file).close()


def hosts_of(host: str) -> frozenset[str] | None:
    """The names under which pages on an address are asked for; None, which is any, for one that others can reach."""
    return _LOCAL | {f"[{host}]" if ":" in host else host} if is_loopback(host) else None


def server_of(file: Path, policy: Policy, host: str) -> StoppableServer:
    """The server of the pages: no access log, no headers of its own, no websockets."""
    return StoppableServer(
        uvicorn.Config(
            application(file, policy, hosts_of(host)),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=1,
        )
    )


def serve(file: Path, policy: Policy, host: str, listener: socket.socket) -> None:
    """Serve until interrupted."""
    try:
        server_of(file, policy, host).run(sockets=[listener])
    except KeyboardInterrupt:
        return
    finally:
        listener.close()

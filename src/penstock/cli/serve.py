"""``penstock serve``: the gateway."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import typer

from penstock.errors import PenstockError
from penstock.gateway.build import build_gateway, reload_policy
from penstock.gateway.logs import Log
from penstock.gateway.serve import check_bind, serve
from penstock.gateway.settings import Settings
from penstock.learning.start import leave_the_cores
from penstock.ledger.books import Books
from penstock.ledger.ids import call_ids
from penstock.listening import listen, url_of
from penstock.settings import read_policy


def command(
    policy: Path | None = typer.Option(None, "--policy", help="The policy file (default: penstock.toml, if there)."),
    host: str = typer.Option("127.0.0.1", "--host", help="The address to bind."),
    port: int = typer.Option(8480, "--port", min=0, max=65535, help="The port to bind; 0 picks a free one."),
    ledger: Path | None = typer.Option(None, "--ledger", help="Keep the record of each call in this SQLite file."),
    record: Path | None = typer.Option(
        None, "--record", help="Keep full traffic, prompts included, in this JSON lines file."
    ),
    log_json: bool = typer.Option(False, "--log-json", help="Log JSON objects instead of key=value lines."),
) -> None:
    """Put the policy in the path of OpenAI and Anthropic traffic.

    Point OPENAI_BASE_URL (with /v1) or ANTHROPIC_BASE_URL at the address that is printed. SIGHUP reads the policy
    again; SIGTERM lets running calls finish.
    """
    leave_the_cores(os.environ)
    resolved = read_policy(policy)
    check_bind(host, guarded=bool(resolved.keys))
    settings = Settings()
    log = Log(time.time, as_json=log_json)
    listener = listen(host, port)
    try:
        books = Books(ledger=ledger, record=record)
        gateway = build_gateway(
            resolved,
            books,
            clock=time.time,
            ids=call_ids(time.time),
            log=log,
            environment=os.environ,
            settings=settings,
        )
        url = url_of(listener)
        sys.stderr.write(
            f"penstock listens on {url} in {resolved.mode} mode\n"
            f"  export OPENAI_BASE_URL={url}/v1\n  export ANTHROPIC_BASE_URL={url}\n"
        )
        sys.stderr.flush()

        def reload() -> None:
            try:
                reload_policy(gateway.house, read_policy(policy), os.environ)
            except PenstockError as error:
                log.error("reload", error=str(error), hint=error.hint)  # noqa: TRY400 - one line, no traceback
            else:
                log.info("reload", mode=gateway.house.context.policy.mode)

        serve(gateway, listener, settings, reload)
    finally:
        listener.close()

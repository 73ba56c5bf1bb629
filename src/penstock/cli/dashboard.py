"""``penstock dashboard``: read-only pages over a ledger."""

from __future__ import annotations

import sys
from pathlib import Path

import typer

from penstock.dashboard.serve import check_bind, check_ledger, serve
from penstock.listening import listen, url_of
from penstock.settings import read_policy


def command(
    ledger: Path = typer.Option(..., "--ledger", help="The ledger that `penstock serve --ledger` writes."),
    policy: Path | None = typer.Option(None, "--policy", help="The policy file, for the terms of the gates."),
    host: str = typer.Option("127.0.0.1", "--host", help="The address to serve on."),
    port: int = typer.Option(8788, "--port", min=0, max=65535, help="The port to serve on; 0 picks a free one."),
    public: bool = typer.Option(False, "--public", help="Allow an address that other machines can reach."),
) -> None:
    """Show a ledger as pages: the bill before and after, tasks and their gates, calls with their edits, runs.

    The ledger is only read, also while a gateway writes it. The pages load nothing from elsewhere and run no script.
    """
    check_bind(host, public=public)
    terms = read_policy(policy)
    check_ledger(ledger)
    listener = listen(host, port)
    sys.stderr.write(f"penstock shows {ledger} on {url_of(listener)}; Ctrl-C stops\n")
    sys.stderr.flush()
    serve(ledger, terms, host, listener)

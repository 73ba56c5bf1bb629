"""``penstock demo``: the whole loop on an embedded provider."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import typer
from rich.console import Console

from penstock.cli.progress import bar
from penstock.errors import UsageError


def command(
    folder: Path = typer.Option(Path("penstock-demo"), "--folder", help="Where the report and the ledger are left."),
    seed: int = typer.Option(7, "--seed", help="Decides the texts, the times and the answers."),
    as_json: bool = typer.Option(False, "--json", help="One JSON on stdout."),
) -> None:
    """Run the loop end to end on simulated answers: record, audit, replay, serve, prove.

    Three programs (CV matching, email triage, contract work) send two hours of traffic as a team would first write
    them. The audit proposes a policy, the replay projects its saving, the gateway serves the next day under it with a
    randomised holdback, and the ledger proves what was saved. No key and no network are needed.
    """
    try:
        from penstock.demo.loop import run_loop  # noqa: PLC0415 - the SDKs are an extra
        from penstock.demo.show import as_builtins, show  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise UsageError(f"the demo needs {error.name}", hint="pip install 'penstock[sdk]'") from None
    with bar() as progress:

        def stage(name: str, steps: int) -> Callable[[], object]:
            job = progress.add_task(name, total=steps)
            if not as_json and progress.disable:
                sys.stderr.write(f"{name}\n")
            return lambda: progress.advance(job)

        loop = run_loop(folder, seed, stage)
    if as_json:
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(as_builtins(loop)), indent=1) + b"\n")
    else:
        show(loop, Console())

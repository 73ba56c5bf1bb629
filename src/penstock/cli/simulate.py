"""``penstock simulate``: the providers' documented behaviour, on a port or for a file of worked cases."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import typer

from penstock.cachemodel.cases.report import Report, run_file
from penstock.cachemodel.cases.run import Mismatch, Outcome
from penstock.errors import InputError, UsageError
from penstock.simulator.command import serve_from_command_line


def command(
    cases: Path | None = typer.Option(None, "--cases", metavar="FILE", help="Run a file of worked cases and exit."),
    as_json: bool = typer.Option(False, "--json", help="Print the result of --cases as JSON."),
    port: int | None = typer.Option(None, "--port", min=0, max=65535, help="Serve on this port; 0 picks a free one."),
    host: str = typer.Option("127.0.0.1", "--host", help="The address to serve on."),
    public: bool = typer.Option(False, "--public", help="Allow an address that other machines can reach."),
    seed: int = typer.Option(0, "--seed", help="Decides answers, identifiers and faults with a probability."),
    responder: str = typer.Option(
        "synthetic", "--responder", metavar="KIND", help="synthetic, recorded:FILE or scripted:FILE."
    ),
    faults: str = typer.Option(
        "", "--faults", metavar="SPEC", help="Faults, as in '429@nth=2;cut-stream=3@p=0.1', or a file of them."
    ),
    limits: str = typer.Option("", "--limits", metavar="SPEC", help="Rate limits, as in rpm=60,itpm=10000,tpm=20000."),
    speed: float = typer.Option(1.0, "--speed", help="How much faster than the wall the simulated clock runs."),
    manual_clock: bool = typer.Option(
        False, "--manual-clock", help="Let the clock stand still until /__simulator/clock moves it."
    ),
    first_byte: float = typer.Option(0.0, "--first-byte", min=0, help="Simulated seconds to the first byte."),
    tokens_per_second: float = typer.Option(0.0, "--tokens-per-second", min=0, help="Generation speed; 0 is at once."),
) -> None:
    """Serve simulated providers (--port), or check the documented cache and price rules (--cases)."""
    if cases is not None and port is not None:
        raise UsageError("--cases and --port are two different things", hint="give one of them")
    if cases is not None:
        run_cases(cases, as_json=as_json)
    elif port is not None:
        serve_from_command_line(
            port=port,
            host=host,
            public=public,
            seed=seed,
            responder=responder,
            faults=faults,
            limits=limits,
            speed=speed,
            manual_clock=manual_clock,
            first_byte=first_byte,
            tokens_per_second=tokens_per_second,
        )
    else:
        raise UsageError("nothing to simulate", hint="serve with --port 8080, or check a file with --cases FILE")


def run_cases(path: Path, *, as_json: bool) -> None:
    """Run a file of worked cases, print what came of each, and exit with 1 when one failed."""
    report = run_file(read_cases(path))
    if as_json:
        print(json.dumps(report.as_json(), indent=2))
    else:
        print("\n".join(lines_of(report)))
    if report.failed:
        raise typer.Exit(1)


def read_cases(path: Path) -> Any:
    """The decoded file; InputError when it cannot be read or is no JSON."""
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or 'unreadable'}") from None
    except (ValueError, RecursionError):
        raise InputError(f"{path} is not JSON") from None


def lines_of(report: Report) -> list[str]:
    """One line per case, the differences of those that failed, and a summary."""
    lines = [line for outcome in report.outcomes for line in _outcome(outcome)]
    lines += [f"note  {difference}" for difference in report.price_differences]
    passed, failed = len(report.outcomes) - report.failed, report.failed
    lines.append(f"{passed} passed, {failed} failed; prices of {report.as_of.date()} from {report.price_table}")
    return lines


def _outcome(outcome: Outcome) -> list[str]:
    label = f"{outcome.id}  {outcome.title}".rstrip()
    if outcome.passed:
        return [f"ok    {label}"]
    return [f"FAIL  {label}", *(f"        {_mismatch(mismatch)}" for mismatch in outcome.mismatches)]


def _mismatch(mismatch: Mismatch) -> str:
    where = " ".join(part for part in (mismatch.where, mismatch.what) if part)
    return f"{where}: expected {mismatch.expected}, got {mismatch.got}"

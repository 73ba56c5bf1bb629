"""``penstock simulate``: the providers' documented behaviour, for a file of worked cases."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import typer

from penstock.cachemodel.cases.report import Report, run_file
from penstock.cachemodel.cases.run import Mismatch, Outcome
from penstock.errors import InputError, UsageError


def command(
    cases: Path | None = typer.Option(None, "--cases", metavar="FILE", help="Run a file of worked cases and exit."),
    as_json: bool = typer.Option(False, "--json", help="Print the result as JSON."),
) -> None:
    """Check the providers' documented cache and price rules against a file of worked cases."""
    if cases is None:
        raise UsageError("nothing to simulate", hint="name a file with --cases FILE")
    run_cases(cases, as_json=as_json)


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

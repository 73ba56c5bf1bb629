"""``penstock audit``: what recorded traffic wastes, in dollars, and a policy that would stop it."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import typer
from rich.console import Console

from penstock.audit.read import total_bytes
from penstock.audit.report import html, markdown, terminal
from penstock.audit.report.model import Report, to_json
from penstock.audit.run import Audited, Options, audit
from penstock.audit.verdict import Floor
from penstock.cli.progress import bytes_read
from penstock.errors import InputError, UsageError
from penstock.money import from_usd


def command(
    paths: list[Path] = typer.Argument(..., help="Logs: files, or folders of them (JSON lines, plain or gzipped)."),
    format_name: str = typer.Option("auto", "--format", help="The log format, when it cannot be told by content."),
    as_json: bool = typer.Option(False, "--json", help="The report as one JSON on stdout."),
    html_out: Path | None = typer.Option(None, "--html", help="Write the report as one self-contained page."),
    markdown_out: Path | None = typer.Option(None, "--markdown", help="Write the report as Markdown."),
    policy_out: Path | None = typer.Option(None, "--policy-out", help="Write the proposed policy, as penstock.toml."),
    force: bool = typer.Option(False, "--force", help="Overwrite a policy file that is there."),
    decided: bool = typer.Option(False, "--include-questions", help="Propose also what can change answers."),
    floor_usd: float = typer.Option(20.0, "--floor-usd-month", min=0, help="Not worth it under this saving a month."),
    floor_calls: int = typer.Option(300, "--floor-calls-day", min=0, help="And, unpriced, under so many calls a day."),
    covers_days: float | None = typer.Option(None, "--covers-days", min=1e-6, help="Days that the log stands for."),
    fail_over: float | None = typer.Option(None, "--fail-over", min=0, help="Exit 1 if more USD a month can be saved."),
    show_text: bool = typer.Option(False, "--show-text", help="Show excerpts of prompts around volatile spans."),
) -> None:
    """Audit recorded traffic: ranked findings in dollars, per-task verdicts, and a policy file.

    Reads native lines, OpenAI and Anthropic batches, stored completions and plain request/response pairs. What cannot
    be read or priced is counted by reason and shown. No prompt text leaves the log unless --show-text asks for it.
    """
    if policy_out is not None and policy_out.exists() and not force:
        raise UsageError(f"{policy_out} is there already", hint="--force overwrites it")
    options = Options(
        floor=Floor(floor_usd, floor_calls), covers_days=covers_days, show_text=show_text, decided=decided
    )
    with bytes_read("reading", total_bytes(paths)) as advance:
        result = audit(paths, now=datetime.now(UTC), options=options, format_name=format_name, progress=advance)
    _write(result, html_out, markdown_out, policy_out)
    if as_json:
        sys.stdout.buffer.write(to_json(result.report))
    else:
        terminal.show(result.report, Console())
    if fail_over is not None and _over(result.report, fail_over):
        raise typer.Exit(1)


def _write(result: Audited, html_out: Path | None, markdown_out: Path | None, policy_out: Path | None) -> None:
    if html_out is not None:
        _save(html_out, html.render(result.report))
    if markdown_out is not None:
        _save(markdown_out, markdown.render(result.report))
    if policy_out is not None:
        _save(policy_out, result.policy_text)


def _save(path: Path, text: str) -> None:
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from None
    sys.stderr.write(f"wrote {path}\n")


def _over(report: Report, limit: float) -> bool:
    """Whether more than the limit can be saved a month; a log that cannot be scaled to a month cannot tell."""
    possible = report.headline.possible_month
    if possible.usd is None:
        sys.stderr.write(f"--fail-over cannot be checked: {possible.why}\n")
        return False
    return possible.pico > from_usd(str(limit))

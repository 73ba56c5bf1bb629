from __future__ import annotations

from io import StringIO

import msgspec
from rich.console import Console

from penstock.audit.report.model import Report
from penstock.audit.report.terminal import show
from tests.audit.report.example import audited, mentions_no_prompt


def shown(report: Report, *, width: int = 80, colour: bool = False) -> str:
    out = StringIO()
    console = Console(
        file=out, width=width, no_color=not colour, force_terminal=colour, color_system="truecolor" if colour else None
    )
    show(report, console)
    return out.getvalue()


def test_it_is_readable_at_80_columns_without_colour() -> None:
    text = shown(audited().report)
    assert max(map(len, text.splitlines())) <= 80
    assert "\x1b" not in text
    assert "a month can be saved" in text
    assert " 1. $" in text
    assert "Basis: derived: the provider's cache rules" in text
    assert "Reading problems" in text
    assert "not worth it" in text
    assert mentions_no_prompt(text)


def test_colour_is_used_where_there_is_some() -> None:
    assert "\x1b[" in shown(audited().report, colour=True)


def test_a_clean_log_without_findings_says_so() -> None:
    report = audited().report
    log = msgspec.structs.replace(report.log, problems=())
    text = shown(msgspec.structs.replace(report, findings=(), log=log))
    assert "No finding." in text
    assert "All 228 records were read without a problem." in text


def test_long_lists_are_cut_with_a_word_about_the_rest() -> None:
    report = audited().report
    many = tuple(row for row in report.findings if row.measure == "saving") * 12
    text = shown(msgspec.structs.replace(report, findings=many, tasks=report.tasks * 9))
    assert "more in the page (--html FILE)" in text
    assert f"and {len(report.tasks) * 9 - 12} more" in text


def test_labels_are_text_and_not_markup() -> None:
    report = audited().report
    row = msgspec.structs.replace(report.tasks[0], task="[bold]x[/bold]", labelled=True)
    assert "[bold]x[/bold]" in shown(msgspec.structs.replace(report, tasks=(row,)), width=120)

from __future__ import annotations

import msgspec

from penstock.audit.report.markdown import render
from tests.audit.report.example import audited, mentions_no_prompt


def test_it_has_every_part() -> None:
    text = render(audited().report)
    for title in ("# Audit", "## Findings", "## Tasks", "## Spend", "## Reading problems", "## Method"):
        assert f"\n{title}\n" in f"\n{text}"
    assert text.count("\n1. **$") == 1
    assert "Basis: derived" in text
    assert mentions_no_prompt(text)


def test_names_cannot_break_out_of_their_cell() -> None:
    report = audited().report
    row = msgspec.structs.replace(report.tasks[0], task="a|b\n# <script>", labelled=True)
    text = render(msgspec.structs.replace(report, tasks=(row,)))
    assert "| a\\|b # \\<script\\> |" in text


def test_an_empty_report_says_none() -> None:
    report = audited().report
    log = msgspec.structs.replace(report.log, problems=())
    text = render(msgspec.structs.replace(report, findings=(), log=log))
    assert "\nNone.\n" in text
    assert "None in 228 records." in text

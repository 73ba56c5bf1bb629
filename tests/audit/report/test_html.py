from __future__ import annotations

import re
from html.parser import HTMLParser

import msgspec

from penstock.audit.report.html import render
from tests.audit.report.example import audited, mentions_no_prompt

VOID = {"meta", "br", "img", "link", "hr", "input", "path"}


class Checker(HTMLParser):
    """Notes what a page loads, and whether its elements are closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []
        self.unbalanced: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loads += [str(value) for name, value in attrs if name in ("src", "href", "action", "data")]
        if tag == "script":
            self.loads.append("script")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.unbalanced.append(tag)


def check(page: str) -> Checker:
    checker = Checker()
    checker.feed(page)
    checker.close()
    return checker


def test_the_page_needs_nothing_else_and_is_well_formed() -> None:
    page = render(audited().report)
    checker = check(page)
    assert checker.loads == []
    assert (checker.unbalanced, checker.open) == ([], [])
    assert not re.search(r"url\(|@import|https?://", page)
    assert "default-src 'none'" in page


def test_it_has_headline_findings_bars_method_and_problems() -> None:
    page = render(audited().report)
    for part in ("Possible saving", "Savings and losses", "Questions", "Method and uncertainty", "Reading problems"):
        assert part in page
    assert page.count('class="finding') == len(audited().report.findings)
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page
    assert mentions_no_prompt(page)


def test_labels_are_escaped() -> None:
    report = audited().report
    row = msgspec.structs.replace(report.tasks[0], task="<script>alert(1)</script>", labelled=True)
    first = msgspec.structs.replace(report.findings[0], task='"><img src=x>', labelled=True)
    page = render(msgspec.structs.replace(report, tasks=(row,), findings=(first,)))
    assert check(page).loads == []
    assert "&lt;script&gt;" in page


def test_an_empty_report_is_a_page_too() -> None:
    report = audited().report
    log = msgspec.structs.replace(report.log, problems=())
    page = render(msgspec.structs.replace(report, findings=(), log=log, spend=(), tasks=()))
    assert check(page).unbalanced == []
    assert "No finding" in page
    assert "all 228 records were read" in page

from __future__ import annotations

import msgspec
import pytest

from penstock.audit.report import words
from penstock.audit.report.model import Money
from tests.audit.report.example import audited


def test_the_headline_is_of_a_month_where_there_is_one_and_else_of_the_log() -> None:
    report = audited().report
    amount, of, period = words.headline(report)
    assert (amount, of, period) == (str(report.headline.possible_month), str(report.headline.spent_month), "a month")
    unknown = Money(None, "too short")
    top = msgspec.structs.replace(report.headline, possible_month=unknown, spent_month=unknown)
    assert words.headline(msgspec.structs.replace(report, headline=top))[2] == "in this log"


def test_the_summary_says_what_is_in_no_figure() -> None:
    text = words.summary(audited().report)
    assert "1 calls have no known price and are in neither figure." in text


def test_a_row_falls_back_on_the_log() -> None:
    row = audited().report.findings[0]
    assert words.dollars(row)[1] == "a month"
    assert words.dollars(msgspec.structs.replace(row, usd_month=Money(None, "x"))) == (str(row.usd), "in this log")


def test_fingerprints_are_said_to_be_no_names() -> None:
    row = audited().report.tasks[0]
    assert words.task_name(row) == row.task
    assert words.task_name(msgspec.structs.replace(row, task="ab12", labelled=False)) == "unnamed task ab12"
    assert "without a readable request" in words.task_name(msgspec.structs.replace(row, task=""))


@pytest.mark.parametrize(
    ("share", "text"), [(None, "unknown"), (0.0, "0%"), (0.034, "3.4%"), (0.5, "50%"), (1.0, "100%")]
)
def test_shares_for_people(share: float | None, text: str) -> None:
    assert words.percent(share) == text


@pytest.mark.parametrize(
    ("count", "text"), [(980, "980"), (45_600, "45.6k"), (12_300_000, "12.3M"), (2_000_000_000, "2.0G")]
)
def test_tokens_for_people(count: int, text: str) -> None:
    assert words.tokens(count) == text


def test_what_the_log_covers() -> None:
    report = audited().report
    assert words.covered(report) == "226 calls over 8.2 hours, 2026-10-01 09:00 to 17:15 UTC"
    log = msgspec.structs.replace(report.log, seconds=None)
    assert words.covered(msgspec.structs.replace(report, log=log)) == "226 calls, without times"
    assert words.largest(()) == Money("0")

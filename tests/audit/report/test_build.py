from __future__ import annotations

from penstock.audit.reading import ReadReport
from penstock.audit.report.build import build
from penstock.audit.verdict import Floor
from penstock.money import usd
from tests.audit.report.example import NOW, audited
from tests.audit.test_finding import finding
from tests.audit.traffic import audit_input, static_prompts


def test_the_sums_add_up() -> None:
    report = audited().report
    priced = [row.usd.pico for row in report.spend if row.usd.usd is not None]
    assert sum(priced) == report.headline.spent.pico
    assert abs(sum(row.share for row in report.spend) - 1) < 1e-9
    assert sum(row.calls for row in report.spend) == report.log.calls == 226
    assert report.headline.unpriced == 1
    assert report.headline.share is not None
    assert 0 < report.headline.share < 1


def test_an_unpriced_group_is_unknown_and_not_zero() -> None:
    (row,) = (row for row in audited().report.spend if row.model == "claude-nova-9")
    assert (row.usd.usd, row.unpriced) == (None, 1)
    assert row.usd.why is not None
    assert "claude-nova-9" in row.usd.why


def test_every_problem_is_in_the_report_with_its_count_and_place() -> None:
    problems = {(row.kind, row.reason): row for row in audited().report.log.problems}
    assert problems[("skipped", "not a JSON object")].count == 1
    assert problems[("duplicate", "the same answer, read before")].example == "log.jsonl:227"
    assert ("warning", "a model that is not in the price table") in problems


def test_verdicts_name_their_figures() -> None:
    verdicts = {row.task: row for row in audited().report.tasks}
    assert verdicts["triage"].verdict == "worth it"
    assert "calls a day" in verdicts["triage"].why
    unnamed = next(row for row in verdicts.values() if not row.labelled)
    assert unnamed.verdict == "not worth it"


def test_the_possible_saving_is_never_more_than_what_was_spent() -> None:
    data = audit_input(static_prompts(4))
    huge = [finding(10**18, task="triage")]
    report, _ = build(data, huge, ReadReport(), floor=Floor(), made_at=NOW)
    assert report.headline.possible == report.headline.spent


def test_every_finding_names_its_basis() -> None:
    report = audited().report
    assert all(row.basis for row in report.findings)
    assert "30 days" in report.log.month_basis
    assert report.price_table
    assert usd(report.headline.spent.pico) > 0

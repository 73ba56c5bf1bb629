"""From an audited log to its report."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from penstock import __version__
from penstock.audit.finding import Finding, open_questions, possible_saving
from penstock.audit.gather import AuditInput
from penstock.audit.reading import ReadReport
from penstock.audit.report.model import (
    FindingRow,
    Headline,
    Log,
    Problem,
    Report,
    SpendRow,
    TaskRow,
    money,
)
from penstock.audit.row import CallRow
from penstock.audit.verdict import Floor, Judged, judge
from penstock.engine.simulated import simulated_words
from penstock.models.prices import TABLE_VERSION
from penstock.money import Picodollars
from penstock.unknown import Unknown

METHOD = (
    "Prices are list prices of each call's own day, exact to the picodollar; what a contract discounts is not known.",
    "Usage is the providers' own, from the response bodies, in disjoint buckets.",
    "A call without usage or without a price is counted and is in no sum.",
    "Caching figures run the recorded prompts at their recorded times through the providers' documented cache rules.",
    "Tokens of a prompt's blocks share out the reported totals.",
    "Of findings in one task that would save the same tokens, only the largest is in the possible saving.",
    "Questions are not in it: whether a smaller model or a shorter prompt is as good, the quality gate finds out.",
    "A month is thirty days, scaled from the time that the log covers, whose hours and days are taken as typical.",
)


def build(
    data: AuditInput, findings: list[Finding], read: ReadReport, *, floor: Floor, made_at: datetime
) -> tuple[Report, dict[str, Judged]]:
    """The report, and each task's verdict. ``findings`` in the order in which they are to be shown."""
    judged = {task: judge(task, rows, findings, data.period, floor) for task, rows in data.tasks.items()}
    labelled = {task: rows[0].labelled for task, rows in data.tasks.items()}
    report = Report(
        penstock_version=__version__,
        price_table=TABLE_VERSION,
        made_at=made_at.astimezone(UTC).isoformat(timespec="seconds"),
        floor_usd_month=floor.usd_month,
        floor_calls_day=floor.calls_day,
        log=_log(data, read),
        headline=_headline(data, findings),
        tasks=tuple(_tasks(data, judged)),
        findings=tuple(_row(finding, judged, labelled) for finding in findings),
        spend=tuple(_spend(data)),
        method=METHOD,
        note=simulated_words(data.simulated, len(data.rows)),
    )
    return report, judged


def _log(data: AuditInput, read: ReadReport) -> Log:
    problems = [
        *(Problem("skipped", reason, tally.count, tally.example) for reason, tally in read.skipped.items()),
        *(Problem("warning", reason, tally.count, tally.example) for reason, tally in read.warnings.items()),
    ]
    if read.duplicates.count:
        reason = "the same answer, read before"
        problems.append(Problem("duplicate", reason, read.duplicates.count, read.duplicates.example))
    return Log(
        files=dict(read.files),
        records=read.records,
        calls=read.accepted,
        first=_iso(read.first_ts),
        last=_iso(read.last_ts),
        seconds=read.seconds,
        month_basis=data.period.basis,
        with_time=read.with_ts,
        with_request=read.with_request,
        with_response=read.with_response,
        with_usage=read.with_usage,
        problems=tuple(sorted(problems, key=lambda problem: (-problem.count, problem.reason))),
    )


def _headline(data: AuditInput, findings: list[Finding]) -> Headline:
    spent, unpriced = _sum(data.rows)
    possible = min(possible_saving(findings), spent)
    reported = [row.reported for row in data.rows if row.reported is not None]
    return Headline(
        spent=money(spent),
        spent_month=money(data.period.month(spent)),
        unpriced=unpriced,
        possible=money(Picodollars(possible)),
        possible_month=money(data.period.month(Picodollars(possible))),
        share=possible / spent if spent else None,
        questions_month=money(data.period.month(open_questions(findings))),
        reported=money(Picodollars(sum(reported))) if reported else None,
    )


def _tasks(data: AuditInput, judged: dict[str, Judged]) -> list[TaskRow]:
    rows = [
        TaskRow(
            task=task,
            labelled=data.tasks[task][0].labelled,
            verdict=one.verdict.value,
            why=one.why,
            calls=len(data.tasks[task]),
            calls_day=None if isinstance(one.calls_day, Unknown) else round(one.calls_day, 1),
            possible_month=money(one.possible_month),
        )
        for task, one in judged.items()
    ]
    return sorted(rows, key=lambda row: (-row.possible_month.pico, -row.calls, row.task))


def _row(finding: Finding, judged: dict[str, Judged], labelled: dict[str, bool]) -> FindingRow:
    one = judged.get(finding.task)
    return FindingRow(
        kind=finding.kind,
        task=finding.task,
        labelled=labelled.get(finding.task, False),
        model=finding.model,
        title=finding.title,
        detail=finding.detail,
        measure=finding.measure.value,
        pool=finding.pool.value,
        usd=money(finding.dollars),
        usd_month=money(finding.dollars_month),
        basis=finding.basis,
        calls=finding.calls,
        verdict=one.verdict.value if one is not None else "",
        evidence=dict(finding.evidence),
        fix=_plain(finding.fix),
        opt_in=_plain(finding.opt_in),
        gated=_plain(finding.gated),
        advice=finding.advice,
    )


def _plain(fix: Any) -> dict[str, dict[str, Any]]:
    return {section: dict(keys) for section, keys in fix.items()}


def _spend(data: AuditInput) -> list[SpendRow]:
    total = _sum(data.rows)[0]
    rows = []
    for group in data.groups.values():
        spent, unpriced = _sum(group.rows)
        usages = [row.usage for row in group.rows if row.usage is not None]
        prompt = sum(usage.input_total for usage in usages)
        rows.append(
            SpendRow(
                task=group.task,
                labelled=group.rows[0].labelled,
                model=group.model,
                calls=len(group.rows),
                failed=sum(row.failed for row in group.rows),
                unpriced=unpriced,
                usd=money(spent) if unpriced < len(group.rows) else money(_why(group.rows)),
                usd_month=money(data.period.month(spent if unpriced < len(group.rows) else _why(group.rows))),
                share=spent / total if total else 0.0,
                input_tokens=prompt,
                read_share=sum(usage.cache_read for usage in usages) / prompt if prompt else 0.0,
                output_tokens=sum(usage.output for usage in usages),
            )
        )
    return sorted(rows, key=lambda row: (-row.usd.pico, -row.calls, row.task, row.model))


def _why(rows: Iterable[CallRow]) -> Unknown:
    return next((row.cost for row in rows if isinstance(row.cost, Unknown)), Unknown("no calls"))


def _sum(rows: Iterable[CallRow]) -> tuple[Picodollars, int]:
    """The priced calls' cost, and how many calls have no price."""
    total = unpriced = 0
    for row in rows:
        if isinstance(row.cost, Unknown):
            unpriced += 1
        else:
            total += row.cost
    return Picodollars(total), unpriced


def _iso(ts: float | None) -> str | None:
    if ts is None:
        return None
    return datetime.fromtimestamp(ts, UTC).isoformat(timespec="seconds")

"""The audit report as data: the JSON that every view is made from. Its version is in ``schema``.

Amounts are exact decimal strings of US dollars; an amount that is not known is null with a reason beside it. No field
holds prompt text, but for the shapes and excerpts that ``--show-text`` asks for.
"""

from __future__ import annotations

from typing import Any

import msgspec

from penstock.money import Picodollars, format_usd, usd
from penstock.unknown import Unknown

SCHEMA = "penstock.audit/1"


class Money(msgspec.Struct, frozen=True):
    """An amount.

    Attributes:
        usd: exact, as a decimal string; None when unknown.
        why: why it is unknown; None when it is known.
    """

    usd: str | None
    why: str | None = None

    def __str__(self) -> str:
        return "unknown" if self.usd is None else format_usd(self.pico)

    @property
    def pico(self) -> Picodollars:
        """The amount in picodollars, 0 when unknown; for bars and sums that say what they leave out."""
        from penstock.money import ZERO, from_usd  # noqa: PLC0415 - views only

        return ZERO if self.usd is None else from_usd(self.usd)


def money(amount: Picodollars | Unknown) -> Money:
    """An amount for the report."""
    return Money(None, amount.why) if isinstance(amount, Unknown) else Money(f"{usd(amount):f}")


class Problem(msgspec.Struct, frozen=True):
    """Something about the log that was not as it should be.

    Attributes:
        kind: ``skipped`` (gave no call), ``duplicate``, or ``warning`` (read all the same).
        reason: in words.
        count: how often.
        example: file and line of one case.
    """

    kind: str
    reason: str
    count: int
    example: str


class Log(msgspec.Struct, frozen=True, kw_only=True):
    """What was read.

    Attributes:
        files: path and format of each file.
        records: lines that are not blank.
        calls: calls taken in.
        first: start of the earliest call, ISO 8601 UTC, or None.
        last: start of the latest call.
        seconds: between the two.
        month_basis: how figures for a month came about, or why there are none.
        with_time: calls that have a start time.
        with_request: calls that have a request body.
        with_response: calls that have a response body.
        with_usage: calls that have usage.
        problems: everything odd, the most frequent first.
    """

    files: dict[str, str]
    records: int
    calls: int
    first: str | None
    last: str | None
    seconds: float | None
    month_basis: str
    with_time: int
    with_request: int
    with_response: int
    with_usage: int
    problems: tuple[Problem, ...]


class Headline(msgspec.Struct, frozen=True, kw_only=True):
    """The figures on top.

    Attributes:
        spent: list price of all calls in the log that have one.
        spent_month: scaled to thirty days.
        unpriced: calls whose price is not known; they are in no sum.
        possible: what the findings could save over the log, findings that compete for the same tokens counted once.
        possible_month: scaled to thirty days.
        share: ``possible`` as a share of ``spent``; None when nothing was spent.
        questions_month: what the questions could save beside that, if the quality gate says yes to the largest of
            each task.
        reported: what the logs themselves say that the calls cost, over the calls that say it; None when none does.
    """

    spent: Money
    spent_month: Money
    unpriced: int
    possible: Money
    possible_month: Money
    share: float | None
    questions_month: Money
    reported: Money | None = None


class SpendRow(msgspec.Struct, frozen=True, kw_only=True):
    """Spend of one task on one model.

    Attributes:
        task: label or fingerprint; empty for calls with neither.
        labelled: whether the log named it.
        model: as the log names it.
        calls: all of them.
        failed: calls that failed.
        unpriced: calls without a known price.
        usd: over the log.
        usd_month: scaled to thirty days.
        share: of all priced spend.
        input_tokens: prompts, cached parts included.
        read_share: of them, read from a cache.
        output_tokens: answers, reasoning included.
    """

    task: str
    labelled: bool
    model: str
    calls: int
    failed: int
    unpriced: int
    usd: Money
    usd_month: Money
    share: float
    input_tokens: int
    read_share: float
    output_tokens: int


class TaskRow(msgspec.Struct, frozen=True, kw_only=True):
    """A task's verdict.

    Attributes:
        task: label or fingerprint.
        labelled: whether the log named it.
        verdict: ``worth it``, ``ask the gate``, ``not worth it`` or ``cannot say``.
        why: the figures behind it, one line.
        calls: in the log.
        calls_day: a day; None when not known.
        possible_month: possible saving.
    """

    task: str
    labelled: bool
    verdict: str
    why: str
    calls: int
    calls_day: float | None
    possible_month: Money


class FindingRow(msgspec.Struct, frozen=True, kw_only=True):
    """A finding as the report shows it; fields as in ``audit.finding.Finding``."""

    kind: str
    task: str
    labelled: bool
    model: str
    title: str
    detail: str
    measure: str
    pool: str
    usd: Money
    usd_month: Money
    basis: str
    calls: int
    verdict: str
    evidence: dict[str, Any]
    fix: dict[str, dict[str, Any]]
    opt_in: dict[str, dict[str, Any]]
    gated: dict[str, dict[str, Any]] = {}
    advice: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A whole report.

    Attributes:
        schema: name and version of this shape.
        penstock_version: what wrote it.
        price_table: which prices.
        made_at: ISO 8601 UTC.
        floor_usd_month: the floor of "not worth it".
        floor_calls_day: its second half.
        log: what was read.
        headline: the figures on top.
        tasks: verdicts, the largest possible saving first.
        findings: ranked.
        spend: by task and model, the largest first.
        method: how figures come about, one sentence each.
        note: what the traffic is, where it is not a team's own: one sentence, at the top of every view.
    """

    schema: str = SCHEMA
    penstock_version: str
    price_table: str
    made_at: str
    floor_usd_month: float
    floor_calls_day: int
    log: Log
    headline: Headline
    tasks: tuple[TaskRow, ...]
    findings: tuple[FindingRow, ...]
    spend: tuple[SpendRow, ...]
    method: tuple[str, ...]
    note: str = ""


def to_json(report: Report) -> bytes:
    """The report as indented JSON with a line feed at its end."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n"


def from_json(data: bytes) -> Report:
    """A report that `to_json` wrote; msgspec.ValidationError for anything else."""
    return msgspec.json.decode(data, type=Report)

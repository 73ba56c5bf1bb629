"""An audit from paths to report and policy: the one function that the command line, the demo and benchmarks call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from penstock.audit.detectors.registry import find_all
from penstock.audit.finding import Finding
from penstock.audit.gather import AuditInput, gather
from penstock.audit.period import period_of
from penstock.audit.propose import propose
from penstock.audit.read import Progress, read_calls
from penstock.audit.reading import ReadReport
from penstock.audit.report.build import build
from penstock.audit.report.model import Report
from penstock.audit.verdict import Floor
from penstock.errors import InputError
from penstock.evidence.task import fingerprint
from penstock.policy.schema import Policy
from penstock.wire.recorded import RecordedCall


class Audited(msgspec.Struct, frozen=True):
    """What an audit gives.

    Attributes:
        report: everything, as data; views are in ``audit.report``.
        policy: what is proposed.
        policy_text: the policy as a commented file.
        findings: as the detectors made them, ranked.
    """

    report: Report
    policy: Policy
    policy_text: str
    findings: tuple[Finding, ...]


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What an audit may be told.

    Attributes:
        floor: below which a task is not worth it.
        covers_days: how many days of traffic the log stands for; None to go by its first and last call.
        show_text: put excerpts of prompts around volatile spans into the report.
        decided: propose also what can change answers.
    """

    floor: Floor = Floor()
    covers_days: float | None = None
    show_text: bool = False
    decided: bool = False


DEFAULTS = Options()


def audit(
    paths: Sequence[Path],
    *,
    now: datetime,
    options: Options = DEFAULTS,
    format_name: str = "auto",
    progress: Progress | None = None,
    looking: Callable[[], object] | None = None,
) -> Audited:
    """Audit some logs.

    Args:
        paths: files or folders.
        now: for the report's date, and for the prices of calls without a time.
        options: floors and the like.
        format_name: an importer's name, or ``auto``.
        progress: told the bytes read.
        looking: called once, when all is read and the detectors begin.

    Raises:
        InputError: a file is missing or of an unknown format, or nothing in the files is a call.
    """
    read = ReadReport()
    calls = read_calls(paths, read, format_name=format_name, progress=progress)
    return audit_calls(calls, read, now=now, options=options, looking=looking)


def audit_calls(
    calls: Iterable[RecordedCall],
    read: ReadReport,
    *,
    now: datetime,
    options: Options = DEFAULTS,
    looking: Callable[[], object] | None = None,
) -> Audited:
    """Audit calls that come from anywhere; ``read`` must have counted them when the iterable ends. See `audit`."""
    data = AuditInput(fingerprint=fingerprint, priced_at=now, report=read, show_text=options.show_text)
    gather(calls, data)
    if not data.rows:
        reasons = "; ".join(f"{tally.count:,} x {reason}" for reason, tally in list(read.skipped.items())[:3])
        raise InputError(f"no call could be read{f' ({reasons})' if reasons else ''}")
    data.period = period_of(read, options.covers_days)
    if looking is not None:
        looking()
    findings = find_all(data)
    report, judged = build(data, findings, read, floor=options.floor, made_at=now)
    labelled = {task: rows[0].labelled for task, rows in data.tasks.items()}
    proposal = propose(findings, judged, labelled, floor=options.floor, members=data.members, decided=options.decided)
    return Audited(report, proposal.policy, proposal.text(data.period), tuple(findings))

"""The report as one HTML page that needs nothing else: no request, no script from elsewhere, light, dark and paper."""

from __future__ import annotations

from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, select_autoescape

from penstock.audit.propose import policy_name, toml_of
from penstock.audit.report import words
from penstock.audit.report.model import FindingRow, Report

PACKAGE = "penstock.audit.report"
"""Whose templates hold the style and the mark that all pages share."""

TEMPLATE = "report.html.j2"


def render(report: Report) -> str:
    """The whole page."""
    amount, of, period = words.headline(report)
    return (
        template_environment(PACKAGE)
        .get_template(TEMPLATE)
        .render(
            report=report,
            amount=amount,
            of=of,
            period=period,
            covered=words.covered(report),
            summary=words.summary(report),
            task_name=words.task_name,
            dollars=words.dollars,
            measures=words.MEASURES,
            top=max(1, words.largest(report.findings).pico),
            groups=_groups(report),
            fix=_fix,
            shown_evidence=_evidence,
        )
    )


def template_environment(*packages: str) -> Environment:
    """Templates of packages, the first that has a name; everything is escaped, and what is not given is an error."""
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package) for package in packages]),
        autoescape=select_autoescape(default_for_string=True, default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = words.percent
    environment.filters["tokens"] = words.tokens
    return environment


_GROUPS = (
    ("Savings and losses", ("saving", "loss"), "What the fix saves, by the rules that will bill it."),
    ("Questions", ("question",), "What could be saved if the quality gate agrees. Not part of the figure on top."),
    ("Worth knowing", ("spend",), "What it costs; nothing has to be wrong with it."),
    ("Advice", ("advice",), "Worth setting as a guard; on this traffic it saves nothing by itself."),
)


def _groups(report: Report) -> list[tuple[str, str, list[FindingRow]]]:
    found = [
        (title, note, [row for row in report.findings if row.measure in measures]) for title, measures, note in _GROUPS
    ]
    return [group for group in found if group[2]]


def _fix(row: FindingRow) -> str:
    """The finding's policy keys as TOML; those that wait for a decision are comments."""
    lines = ["# what is commented out can change answers: your decision"] if row.opt_in else []
    lines += ["# can change answers: callers get it once the gate has seen that it does not harm"] if row.gated else []
    keys = {**row.fix, **row.gated}
    return "\n".join([*lines, *toml_of(policy_name(row.task, labelled=row.labelled), keys, row.opt_in)])


def _evidence(row: FindingRow) -> list[tuple[str, str]]:
    """The evidence's names and values as text, empty ones left out."""
    return [
        (name.replace("_", " "), _value(name, value))
        for name, value in row.evidence.items()
        if value not in (None, "", [], {})
    ]


def _value(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return words.percent(value) if "share" in name else f"{value:,.4g}"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list):
        return "; ".join(_value(name, one) for one in value)
    if isinstance(value, dict) and "shape" in value:
        excerpt = f": {value['excerpt']!r}" if "excerpt" in value else ""
        first, last = value["bytes"]
        return f"{value['kind']} at bytes {first:,} to {last:,} ({value['shape']}){excerpt}"
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_value(name, inner)}" for key, inner in value.items())
    return str(value)

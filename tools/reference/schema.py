"""The page of what Penstock writes: the ledger, the native log, and the versions of its JSON."""

from __future__ import annotations

import sqlite3

from penstock.audit.report import model as report
from penstock.engine.record import Call, EditRecord, ExtraSend
from penstock.evidence import store as evidence
from penstock.ledger import export, migrations, traffic
from penstock.policy.json_schema import attribute_docs
from penstock.policy.schema import Policy
from penstock.wire.usage import Usage
from tools.reference.markdown import code, paragraphs, prose, table
from tools.reference.structs import definitions, struct_table


def schema_page() -> str:
    """The ledger's tables and records, the native log line, and the version of each JSON document."""
    return "\n".join(
        ["# Schemas", "", *_ledger_lines(), *_record_lines(), *_log_lines(), *_version_lines()],
    )


def _ledger_lines() -> list[str]:
    """The tables and views, each under what the step that made it says."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    lines = ["## Ledger", "", f"SQLite, schema {len(migrations.STEPS)} (`PRAGMA user_version`).", ""]
    try:
        migrations.migrate(connection)
        for (name, kind), said in _made_by().items():
            columns = connection.execute(f"PRAGMA table_info({name})").fetchall()
            rows = ((code(column), (held or "as stored").lower(), _meaning(column)) for _, column, held, *_ in columns)
            lines += [f"### {kind} {code(name)}", "", said, "", *table(("column", "type", "meaning"), rows)]
    finally:
        connection.close()
    return lines


def _made_by() -> dict[tuple[str, str], str]:
    """(name, ``table`` or ``view``) to the docstring of the step that makes it, in the order of the steps."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    made: dict[tuple[str, str], str] = {}
    try:
        for step in migrations.STEPS:
            step(connection)
            for row in connection.execute("SELECT name, type FROM sqlite_master WHERE type IN ('table', 'view')"):
                made.setdefault(row, prose(step.__doc__ or ""))
    finally:
        connection.close()
    return made


def _meaning(column: str) -> str:
    """What a column holds: its own words, else those of the record's or the usage's field of that name."""
    said = {**attribute_docs(Usage.__doc__ or ""), **attribute_docs(Call.__doc__ or ""), **migrations.COLUMNS}
    return prose(said[column])


def _record_lines() -> list[str]:
    known = definitions(Call)
    amounts = ", ".join(map(code, (*export.MONEY, "edits[].saving", "extra_sends[].cost")))
    lines = ["### The record", "", "JSON in the column `record`. `penstock ledger --export` prints it with the amounts"]
    lines += [f"({amounts}) as `..._usd`, decimal strings of US dollars.", ""]
    for struct in (Call, EditRecord, ExtraSend, Usage):
        definition = known[struct.__name__]
        lines += [f"#### {struct.__name__}", "", prose(definition["description"]), "", *struct_table(definition, known)]
    return lines


def _log_lines() -> list[str]:
    known = definitions(traffic.Line)
    definition = known[traffic.Line.__name__]
    lines = ["## Native log", "", *paragraphs(traffic.__doc__ or ""), prose(definition["description"]), ""]
    return [*lines, *struct_table(definition, known)]


def _version_lines() -> list[str]:
    (policy,) = definitions(Policy)["Policy"]["properties"]["schema"]["enum"]
    rows = [
        ("policy file", code(f"schema = {policy}")),
        ("audit report (`penstock audit --json`)", code(f'"schema": "{report.SCHEMA}"')),
        ("evidence", code(f'"version": {evidence.VERSION}')),
    ]
    return ["## Versions", "", *table(("document", "version"), rows)]

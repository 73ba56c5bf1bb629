from __future__ import annotations

import msgspec
import pytest

from penstock.audit.report.model import SCHEMA
from penstock.engine.record import Call
from penstock.evidence.store import VERSION
from penstock.ledger import traffic
from penstock.ledger.migrations import STEPS
from tools.reference.schema import schema_page


@pytest.fixture(scope="module")
def page() -> str:
    return schema_page()


def test_the_columns_of_the_ledger_have_types_and_meanings(page: str) -> None:
    assert f"SQLite, schema {len(STEPS)} " in page
    assert "### table `calls`" in page
    assert "| `cost_extra` | integer | of all extra sends in picodollars" in page
    assert "### view `call_details`" in page
    assert "| `cache_read` | as stored | prompt tokens read from a cache. |" in page


def test_every_field_of_the_record_and_of_the_log_line_is_told(page: str) -> None:
    for struct in (Call, traffic.Line):
        for field in msgspec.structs.fields(struct):
            assert f"| `{field.name}` |" in page


def test_no_field_is_without_a_meaning(page: str) -> None:
    assert [line for line in page.splitlines() if line.startswith("| `") and line.endswith("|  |")] == []


def test_versions_are_those_of_the_code(page: str) -> None:
    assert f'`"version": {VERSION}`' in page
    assert f'`"schema": "{SCHEMA}"`' in page
    assert "`schema = 1`" in page

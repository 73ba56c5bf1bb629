from __future__ import annotations

import msgspec
import pytest

from penstock.policy.environment import NOT_POLICY
from penstock.policy.json_schema import policy_json_schema
from penstock.policy.schema import Policy
from tools.reference.settings import sections, settings_page


@pytest.fixture(scope="module")
def page() -> str:
    return settings_page()


def test_a_key_has_its_type_its_default_and_its_meaning(page: str) -> None:
    assert "| `multiplier` | number ≥ 1 | `1.2` | the cap is ceil(multiplier x the expected size). |" in page
    assert "| `retries` | integer ≥ 0 | `1` |" in page


def test_every_table_of_the_file_is_a_section(page: str) -> None:
    for path in ("upstream.NAME", "levers", "holdback", "defaults.cache", "defaults.route", "tasks.NAME"):
        assert f"## `[{path}]`\n" in page


def test_tables_with_the_same_keys_are_told_once(page: str) -> None:
    assert page.count("| `ttl` |") == 1
    assert "The keys are those of `[defaults]`." in page


def test_optional_tables_say_so(page: str) -> None:
    assert "A limit on answer length for a task. Not there by default." in page


def test_no_key_is_without_a_meaning(page: str) -> None:
    assert [line for line in page.splitlines() if line.startswith("| `") and line.endswith("|  |")] == []


def test_every_struct_of_the_policy_is_in_a_section() -> None:
    known = policy_json_schema()["$defs"]
    assert {section.struct for section in sections(known)} == set(known)
    told = {key for section in sections(known) if section.path == "" for key in known[section.struct]["properties"]}
    assert told == {field.encode_name for field in msgspec.structs.fields(Policy)}


def test_variables_that_are_not_keys_are_named(page: str) -> None:
    assert all(f"`{name}`" in page for name in NOT_POLICY)

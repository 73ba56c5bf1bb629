from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from penstock.cachemodel.cases.report import NEWEST, run_file
from penstock.errors import InputError
from penstock.models.prices import TABLE_VERSION

OWN = json.loads((Path(__file__).parent.parent / "cases.json").read_bytes())
PRICE = {"id": "P1", "model": "gpt-4o", "usage": {"uncached_input": 1000}, "cost_usd": "0.0025"}


@pytest.mark.parametrize("number", range(len(OWN["cases"])), ids=[case["id"] for case in OWN["cases"]])
def test_our_own_cache_cases_come_out(number: int) -> None:
    (outcome,) = run_file({"as_of": OWN["as_of"], "cases": [OWN["cases"][number]]}).outcomes
    assert outcome.mismatches == ()


@pytest.mark.parametrize("number", range(len(OWN["pricing_cases"])), ids=[case["id"] for case in OWN["pricing_cases"]])
def test_our_own_pricing_cases_come_out(number: int) -> None:
    (outcome,) = run_file({"as_of": OWN["as_of"], "pricing_cases": [OWN["pricing_cases"][number]]}).outcomes
    assert outcome.mismatches == ()


@pytest.mark.parametrize("number", range(0, len(OWN["cases"]), 4))
def test_a_wrong_figure_in_any_case_is_caught(number: int) -> None:
    changed: dict[str, Any] = json.loads(json.dumps(OWN["cases"][number]))
    last = changed["requests"][-1]
    if "expected" in last:
        last["expected"]["input_side_cost_usd"] += "1"
    else:
        last["expected_error"]["http_status"] = 418
    assert run_file({"cases": [changed]}).failed == 1


def test_a_report_counts_and_names_the_table() -> None:
    report = run_file({"as_of": "2026-11-01", "pricing_cases": [PRICE, PRICE | {"cost_usd": "1"}, 3]})
    shown = report.as_json()
    assert (shown["passed"], shown["failed"], shown["as_of"]) == (1, 2, "2026-11-01")
    assert shown["price_table"] == TABLE_VERSION
    assert [case["id"] for case in shown["cases"]] == ["P1", "P1", "pricing case 3"]
    assert json.loads(json.dumps(shown)) == shown


def test_a_file_without_a_date_is_of_the_newest_state() -> None:
    assert run_file({"cases": []}).as_of == NEWEST


@pytest.mark.parametrize("data", [None, [], {}, {"cases": {}}, {"pricing_cases": 3}])
def test_what_is_no_file_of_cases_is_an_input_error(data: Any) -> None:
    with pytest.raises(InputError):
        run_file(data)

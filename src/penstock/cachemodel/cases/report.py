"""A whole file of cases, run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from penstock.cachemodel.admission import DEFAULTS, Decisions
from penstock.cachemodel.cases.pricing import date_of, run_pricing_case, table_differences
from penstock.cachemodel.cases.run import Outcome, run_case
from penstock.errors import InputError
from penstock.models.prices import TABLE_VERSION

NEWEST = datetime(2026, 11, 22, tzinfo=UTC)
"""The state of the rules and prices: the date of a file that names none."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a file of cases.

    Attributes:
        as_of: the date of the prices.
        price_table: the version of our price table.
        outcomes: cache cases, then pricing cases, in the order of the file.
        price_differences: where the file's own price table says otherwise than ours; no failures by themselves.
    """

    as_of: datetime
    price_table: str
    outcomes: tuple[Outcome, ...]
    price_differences: tuple[str, ...]

    @property
    def failed(self) -> int:
        """How many cases did not come out as expected."""
        return sum(not outcome.passed for outcome in self.outcomes)

    def as_json(self) -> dict[str, Any]:
        """The report as plain values."""
        return {
            "as_of": self.as_of.date().isoformat(),
            "price_table": self.price_table,
            "cases": [
                {"id": outcome.id, "title": outcome.title, "passed": outcome.passed}
                | {"mismatches": [msgspec.to_builtins(mismatch) for mismatch in outcome.mismatches]}
                for outcome in self.outcomes
            ],
            "price_differences": list(self.price_differences),
            "passed": len(self.outcomes) - self.failed,
            "failed": self.failed,
        }


def run_file(data: Any, *, decisions: Decisions = DEFAULTS) -> Report:
    """Run every case of a decoded file.

    Raises:
        InputError: when the data is no file of cases at all. What is wrong inside a case fails that case.
    """
    if not isinstance(data, Mapping) or not ({"cases", "pricing_cases"} & set(data)):
        raise InputError("no cases found", hint='a case file is a JSON object with "cases" or "pricing_cases"')
    cases, pricing = data.get("cases", []), data.get("pricing_cases", [])
    if not isinstance(cases, list) or not isinstance(pricing, list):
        raise InputError('"cases" and "pricing_cases" have to be lists')
    at = date_of(str(data["as_of"])) if data.get("as_of") else NEWEST
    return Report(
        as_of=at,
        price_table=TABLE_VERSION,
        outcomes=(
            *(run_case(case, number, at, decisions) for number, case in enumerate(cases, 1)),
            *(run_pricing_case(case, number, at) for number, case in enumerate(pricing, 1)),
        ),
        price_differences=tuple(table_differences(data.get("price_table_usd_per_mtok"), at)),
    )

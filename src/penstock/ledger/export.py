"""The ledger for other programs: one JSON object per call, money as decimal strings of US dollars."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from penstock.engine.record import Call
from penstock.money import Picodollars, usd

MONEY = ("cost", "cost_before")
"""Fields of a record that are amounts."""


def exported(call: Call) -> dict[str, Any]:
    """A call as JSON-ready values; amounts are named ``..._usd`` and are exact decimal strings, None when unknown."""
    fields: dict[str, Any] = msgspec.to_builtins(call)
    for name in MONEY:
        fields[f"{name}_usd"] = _text(fields.pop(name))
    for edit in fields["edits"]:
        edit["saving_usd"] = _text(edit.pop("saving"))
    for extra in fields["extra_sends"]:
        extra["cost_usd"] = _text(extra.pop("cost"))
    return fields


def json_lines(calls: Iterable[Call]) -> Iterator[str]:
    """One line for each call, without the line feed."""
    for call in calls:
        yield msgspec.json.encode(exported(call)).decode()


def _text(amount: int | None) -> str | None:
    return None if amount is None else format(usd(Picodollars(amount)), "f")

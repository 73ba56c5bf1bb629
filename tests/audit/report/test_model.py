from __future__ import annotations

import json

import msgspec
import pytest

from penstock.audit.report.model import SCHEMA, Money, from_json, money, to_json
from penstock.money import Picodollars
from penstock.unknown import Unknown
from tests.audit.report.example import audited, mentions_no_prompt


def test_the_json_comes_back_the_same_and_names_its_version() -> None:
    report = audited().report
    data = to_json(report)
    assert from_json(data) == report
    assert json.loads(data)["schema"] == SCHEMA == "penstock.audit/1"
    assert data.endswith(b"}\n")


def test_money_is_exact_and_unknown_is_null_with_a_reason() -> None:
    amount = money(Picodollars(1_234_567_890_123_456))
    assert amount == Money("1234.567890123456")
    assert (str(amount), amount.pico) == ("$1,234.57", 1_234_567_890_123_456)
    unknown = money(Unknown("no price"))
    assert (unknown.usd, unknown.why, str(unknown), unknown.pico) == (None, "no price", "unknown", 0)


def test_no_prompt_text_is_in_the_report() -> None:
    assert mentions_no_prompt(to_json(audited().report).decode())


def test_anything_else_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        from_json(b'{"schema":"penstock.audit/1"}')

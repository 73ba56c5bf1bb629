from __future__ import annotations

import json

from penstock.engine.edit import Risk
from penstock.engine.record import EditRecord, ExtraSend
from penstock.ledger.export import json_lines
from penstock.money import Picodollars
from tests.ledger.calls import call


def test_money_is_an_exact_decimal_and_unknown_is_null() -> None:
    edit = EditRecord(lever="cache", why="w", saving=None, risk=Risk.EXACT)
    send = ExtraSend(purpose="shadow", model="m", reason="r", status=200, usage=None, cost=Picodollars(10**12))
    kept = call(cost=Picodollars(1), cost_before=None, edits=(edit,), extra_sends=(send,))
    (line,) = json_lines([kept])
    fields = json.loads(line)
    assert fields["cost_usd"] == "0.000000000001"
    assert fields["cost_before_usd"] is None
    assert fields["edits"][0]["saving_usd"] is None
    assert fields["extra_sends"][0]["cost_usd"] == "1"
    assert "cost" not in fields
    assert fields["usage"]["output"] == 5

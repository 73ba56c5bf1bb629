from __future__ import annotations

import msgspec

from penstock.money import Picodollars
from penstock.simulator.bill import Bill, Billed
from penstock.unknown import Unknown
from penstock.wire.usage import Usage


def billed(number: int, cost: Picodollars | Unknown) -> Billed:
    return Billed(
        id=f"req_{number}",
        at=0.0,
        path="/v1/messages",
        model="m",
        usage=Usage(input_uncached=10, cache_read=5, cache_write_1h=3, output=2),
        cost=cost,
        tier="standard",
        task="triage",
        stream=False,
        finish="stop",
    )


def test_totals_cover_all_calls_even_those_that_are_no_longer_kept() -> None:
    bill = Bill(keep=2)
    for number in range(5):
        bill.add(billed(number, Picodollars(1_000_000)))
    assert [each.id for each in bill.calls] == ["req_3", "req_4"]
    assert bill.summary()["calls"] == 5
    assert bill.summary()["picodollars"] == 5_000_000
    assert bill.summary()["usd"] == "0.000005"
    assert bill.summary()["models"]["m"]["cache_write"] == 15


def test_an_unknown_price_is_counted_and_never_zero() -> None:
    bill = Bill()
    bill.add(billed(0, Unknown("no price")))
    assert bill.summary()["unpriced_calls"] == 1
    assert bill.summary()["models"]["m"]["unpriced"] == 1
    bill.clear()
    assert bill.summary()["calls"] == 0


def test_a_billed_call_turns_into_json() -> None:
    assert b'"task":"triage"' in msgspec.json.encode(billed(0, Picodollars(1)))

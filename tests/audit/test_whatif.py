from __future__ import annotations

import msgspec

from penstock.audit import whatif
from penstock.audit.whatif import Bill, bill, cases_of, input_cost, prices_at, recorded_input, usable
from penstock.cachemodel.admission import Split
from penstock.models.prices import Prices
from penstock.unknown import Unknown
from tests.audit.traffic import OPUS, START, Provider, audit_input, one_shot, static_prompts, words


def marked(calls: int, gap_s: float) -> list[object]:
    provider = Provider()
    system = [{"type": "text", "text": words(2000, "sys"), "cache_control": {"type": "ephemeral"}}]
    body = {"model": OPUS, "max_tokens": 9, "system": system}
    return [
        provider.call({**body, "messages": [{"role": "user", "content": words(300, f"q{k}")}]}, START + k * gap_s)
        for k in range(calls)
    ]


def test_t18_the_recorded_prompts_as_they_were_cost_what_was_billed() -> None:
    data = audit_input(marked(12, 200.0))  # type: ignore[arg-type]
    rows = usable(data.rows)
    result = bill(cases_of(data, rows))
    assert isinstance(result, Bill)
    assert result.split.read > 0
    assert result.dollars == recorded_input(rows)


def test_t9_calls_before_the_first_byte_write_again() -> None:
    provider = Provider()
    system = [{"type": "text", "text": words(2000, "sys"), "cache_control": {"type": "ephemeral"}}]
    body = {"model": OPUS, "max_tokens": 9, "system": system, "messages": [{"role": "user", "content": "q"}]}
    data = audit_input([provider.call(body, START + k * 0.1, ttft_ms=2000) for k in range(3)])
    result = bill(cases_of(data, usable(data.rows)))
    assert isinstance(result, Bill)
    assert result.split.read == 0


def test_rows_that_cannot_be_run_are_left_out() -> None:
    calls = static_prompts(4)
    lacking = [
        msgspec.structs.replace(calls[0], ts=None),
        msgspec.structs.replace(calls[1], usage=None, response=None),
        msgspec.structs.replace(calls[2], model="nova-9"),
        calls[3],
    ]
    rows = usable(audit_input(lacking).rows)
    assert [row.source for row in rows] == [calls[3].source]


def test_a_large_group_is_cut_off(monkeypatch: object) -> None:
    data = audit_input(static_prompts(6))
    monkeypatch.setattr(whatif, "MOST_CALLS", 4)  # type: ignore[attr-defined]
    assert len(usable(data.rows)) == 4


def test_a_request_that_the_provider_would_refuse_is_counted_and_billed_nothing() -> None:
    data = audit_input([Provider().call(one_shot("s", "q"), START)])
    (case,) = cases_of(data, data.rows)
    blocks = tuple(msgspec.structs.replace(case.prompt.blocks[0], marker="5m") for _ in range(5))
    refused = msgspec.structs.replace(case, prompt=msgspec.structs.replace(case.prompt, blocks=blocks))
    result = bill([refused])
    assert isinstance(result, Bill)
    assert (result.rejected, result.dollars) == (1, 0)


def test_a_missing_price_of_a_bucket_that_holds_something_is_unknown() -> None:
    data = audit_input(static_prompts(1))
    prices = prices_at(data.rows[0])
    assert isinstance(prices, Prices)
    none = msgspec.structs.replace(prices, cache_read=Unknown("not listed"))
    assert input_cost(Split(plain=2), none) == 2 * 5_000_000
    assert input_cost(Split(plain=2, read=1), none) == Unknown("not listed")

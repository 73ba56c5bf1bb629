from __future__ import annotations

from typing import Any

import msgspec

from penstock.audit.detectors.unread_writes import find
from penstock.audit.finding import Measure
from penstock.wire.dialect import Dialect
from penstock.wire.recorded import RecordedCall
from tests.audit.traffic import OPUS, START, Provider, audit_input, words


def marked(calls: int, gap_s: float, *, ttl: str = "5m", own: bool = False) -> list[RecordedCall]:
    provider = Provider()
    found = []
    for k in range(calls):
        text = words(2000, f"s{k}x" if own else "sys")
        system = [{"type": "text", "text": text, "cache_control": {"type": "ephemeral", "ttl": ttl}}]
        body: dict[str, Any] = {"model": OPUS, "max_tokens": 9, "system": system}
        body["messages"] = [{"role": "user", "content": words(50, f"q{k}x")}]
        found.append(provider.call(body, START + k * gap_s))
    return found


def test_writes_that_expire_unread_cost_their_premium() -> None:
    data = audit_input(marked(10, 900.0))
    (found,) = find(data)
    written = sum(row.usage.cache_write for row in data.rows if row.usage is not None)
    assert (found.kind, found.measure) == ("written_never_read", Measure.LOSS)
    assert found.dollars == written * 1_250_000  # a quarter of 5 USD per million
    assert found.evidence["writes_never_read"] == 10
    assert found.fix == {}
    assert "Take the markers off" in found.advice


def test_t14_an_hour_costs_the_whole_input_price_again() -> None:
    data = audit_input(marked(10, 7200.0, ttl="1h"))
    (found,) = find(data)
    written = sum(row.usage.cache_write for row in data.rows if row.usage is not None)
    assert found.dollars == written * 5_000_000


def test_t14_one_read_pays_for_a_write_of_five_minutes() -> None:
    assert find(audit_input(marked(2, 60.0))) == []


def test_unique_prefixes_are_never_read_however_dense_they_come() -> None:
    (found,) = find(audit_input(marked(10, 10.0, own=True)))
    assert found.evidence["tokens_read"] == 0


def test_without_bodies_the_usage_alone_tells() -> None:
    calls = [msgspec.structs.replace(call, request=None) for call in marked(5, 900.0)]
    (found,) = find(audit_input(calls))
    assert found.evidence["writes"] == 5


def test_openai_writes_by_default_and_its_fix_is_a_policys() -> None:
    provider = Provider()
    calls = [
        provider.call(
            {"model": "gpt-5.6-sol", "messages": [{"role": "user", "content": words(2000, f"q{k}x")}]},
            START + k * 60,
            dialect=Dialect.OPENAI_CHAT,
        )
        for k in range(8)
    ]
    (found,) = find(audit_input(calls))
    assert found.fix == {"cache": {"enabled": True, "ttl": "auto"}}
    assert "explicit mode" in found.detail


def test_calls_that_write_nothing_are_no_finding() -> None:
    provider = Provider()
    body = {"model": OPUS, "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
    assert find(audit_input([provider.call(body, START)])) == []

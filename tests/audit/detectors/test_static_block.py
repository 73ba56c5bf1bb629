from __future__ import annotations

import pytest

from penstock.audit.detectors.static_block import find
from penstock.audit.finding import Measure
from tests.audit.traffic import OPUS, START, Provider, audit_input, one_shot, static_prompts, words


def test_the_largest_repeated_block_and_what_it_cost() -> None:
    (found,) = find(audit_input(static_prompts(20)))
    assert found.measure is Measure.SPEND
    assert (found.evidence["level"], found.calls) == ("system", 20)
    assert found.evidence["tokens"] == pytest.approx(3000, abs=20)
    assert found.dollars == pytest.approx(20 * 3000 * 5_000_000, rel=0.01)


def test_cached_parts_of_the_block_cost_what_reads_and_writes_cost() -> None:
    provider = Provider()
    system = [{"type": "text", "text": words(3000, "sys"), "cache_control": {"type": "ephemeral"}}]
    body = {"model": OPUS, "max_tokens": 9, "system": system}
    calls = [
        provider.call({**body, "messages": [{"role": "user", "content": words(50, f"q{k}x")}]}, START + k * 60)
        for k in range(10)
    ]
    (found,) = find(audit_input(calls))
    assert found.dollars == pytest.approx(3000 * 5_000_000 * (1.25 + 9 * 0.1), rel=0.01)


def test_a_block_is_found_behind_something_that_changes() -> None:
    provider = Provider()
    calls = []
    for k in range(10):
        content = [{"type": "text", "text": f"id {k}"}, {"type": "text", "text": words(2000, "rules")}]
        calls.append(provider.call(one_shot(f"s{k}", "", messages=[{"role": "user", "content": content}]), START + k))
    (found,) = find(audit_input(calls))
    assert found.title.startswith("The largest static block is a user message of about 1,99")
    assert found.evidence["segment"] == 2


def test_small_or_unique_blocks_are_no_finding() -> None:
    assert find(audit_input(static_prompts(10, tokens=100))) == []
    provider = Provider()
    calls = [provider.call(one_shot(words(900, f"s{k}x"), "q"), START + k) for k in range(10)]
    assert find(audit_input(calls)) == []

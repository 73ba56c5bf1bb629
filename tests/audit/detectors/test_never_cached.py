from __future__ import annotations

import pytest

from penstock.audit.detectors.never_cached import find
from penstock.audit.finding import Measure, Pool
from penstock.audit.whatif import bill, cases_of
from penstock.money import Picodollars
from penstock.wire.dialect import Dialect
from tests.audit.traffic import OPUS, START, Provider, audit_input, one_shot, static_prompts, words


def test_t2_a_static_prefix_without_markers_is_found_with_the_dollars_of_marking_it() -> None:
    data = audit_input(static_prompts(40))
    (found,) = find(data)
    assert (found.kind, found.task, found.model) == ("never_cached", "triage", OPUS)
    assert (found.measure, found.pool) == (Measure.SAVING, Pool.PROMPT)
    assert found.evidence["static_tokens"] == pytest.approx(3000, abs=20)
    # One write at 1.25 and 39 reads at 0.1 instead of 40 times plain: 3,000 tokens at 5 USD per million.
    expected = 3000 * 5_000_000 * (40 - 1.25 - 3.9)
    assert found.dollars == pytest.approx(expected, rel=0.01)
    assert found.fix == {"cache": {"enabled": True, "ttl": "auto"}}
    assert found.basis == "derived: the provider's cache rules over 40 calls"


def test_the_month_is_the_log_scaled_by_its_time() -> None:
    data = audit_input(static_prompts(100))
    (found,) = find(data)
    assert isinstance(found.dollars, int)
    assert found.dollars_month == Picodollars(round(found.dollars * 30 * 86_400 / (99 * 60)))


def test_t4_a_prefix_below_the_minimum_is_no_finding() -> None:
    assert find(audit_input(static_prompts(40, tokens=300))) == []


def test_calls_that_are_too_far_apart_are_no_finding() -> None:
    assert find(audit_input(static_prompts(20, 7200.0))) == []


def test_prompts_that_share_nothing_are_no_finding() -> None:
    provider = Provider()
    calls = [provider.call(one_shot(words(2000, f"s{k}x"), words(50, f"q{k}x")), START + k * 60) for k in range(20)]
    assert find(audit_input(calls)) == []


def test_t20_well_placed_markers_are_no_finding() -> None:
    provider = Provider()
    system = [{"type": "text", "text": words(3000, "sys"), "cache_control": {"type": "ephemeral"}}]
    body = {"model": OPUS, "max_tokens": 9, "system": system}
    calls = [
        provider.call({**body, "messages": [{"role": "user", "content": words(50, f"q{k}x")}]}, START + k * 60)
        for k in range(30)
    ]
    assert find(audit_input(calls)) == []


def test_t5_markers_of_the_client_in_the_wrong_place_are_found_and_left_to_the_client() -> None:
    provider = Provider()
    calls = []
    for k in range(30):
        content = [{"type": "text", "text": words(50, f"q{k}x"), "cache_control": {"type": "ephemeral"}}]
        body = {"model": OPUS, "max_tokens": 9, "system": words(3000, "sys")}
        calls.append(provider.call({**body, "messages": [{"role": "user", "content": content}]}, START + k * 60))
    (found,) = find(audit_input(calls))
    assert found.kind == "cache_misplaced"
    assert found.fix == {}
    assert "stay as they are" in found.advice


def test_the_automatic_cache_of_older_openai_models_is_no_finding() -> None:
    provider = Provider()
    calls = [
        provider.call(
            {
                "model": "gpt-5.4",
                "messages": [
                    {"role": "system", "content": words(3000, "sys")},
                    {"role": "user", "content": words(50, f"q{k}x")},
                ],
            },
            START + k * 60,
            dialect=Dialect.OPENAI_CHAT,
        )
        for k in range(30)
    ]
    data = audit_input(calls)
    assert bill(cases_of(data, data.rows)) is not None
    assert find(data) == []

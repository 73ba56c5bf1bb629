from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.cachemodel.admission import DEFAULTS, Decisions
from penstock.cachemodel.cases.run import Mismatch, Outcome, compare_cost, run_case
from penstock.money import Picodollars
from penstock.unknown import Unknown

NOW = datetime(2026, 11, 22, tzinfo=UTC)
FIRST = {"input_tokens": 10, "cache_write_5m": 1000, "cache_write_1h": 0, "cache_read": 0}
SECOND = {"input_tokens": 10, "cache_write_5m": 0, "cache_write_1h": 0, "cache_read": 1000}


def request(at: float, expected: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    found = {
        "t_start_s": at,
        "response_begins_s": at + 1,
        "system": [{"id": "S", "tokens": 1000, "cache_control": "5m"}],
        "messages": [{"role": "user", "blocks": [{"id": f"u{at}", "tokens": 10}]}],
    }
    return found | ({"expected": expected} if expected is not None else {}) | more


def case(*requests: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": "X1", "title": "t", "model": "claude-opus-5-5", "requests": list(requests)} | more


def run(value: Any, decisions: Decisions = DEFAULTS) -> Outcome:
    return run_case(value, 1, NOW, decisions)


def test_a_case_passes_when_every_figure_comes_out() -> None:
    priced = FIRST | {"input_side_cost_usd": "0.00504", "cache_creation_input_tokens": 1000}
    assert run(case(request(0, priced), request(60, SECOND))) == Outcome("X1", "t", ())


def test_every_figure_that_differs_is_shown() -> None:
    wrong = FIRST | {"cache_read": 7, "input_side_cost_usd": "0.005"}
    assert run(case(request(0, wrong))).mismatches == (
        Mismatch("request 1", "cache_read", "7", "0"),
        Mismatch("request 1", "input_side_cost_usd", "0.005", "0.00504"),
    )


def test_requests_are_sent_in_order_of_time_whatever_their_order_in_the_file() -> None:
    assert run(case(request(60, SECOND), request(0, FIRST))).passed


def test_a_response_that_never_begins_leaves_nothing() -> None:
    assert run(case(request(0, FIRST, response_begins_s=None), request(60, FIRST))).passed


def test_a_response_time_that_is_left_out_is_at_once() -> None:
    first = request(0, FIRST)
    del first["response_begins_s"]
    assert run(case(first, request(0.5, SECOND))).passed


def test_the_cases_minimum_holds_for_its_own_model_only() -> None:
    plain = {"input_tokens": 1010, "cache_read": 0}
    assert run(case(request(0, plain), min_cacheable_tokens=1001)).passed
    other = request(0, FIRST, params={"model": "claude-opus-5"})
    assert run(case(other, min_cacheable_tokens=1001)).passed


def test_a_refusal_is_compared_by_status_type_and_part_of_its_message() -> None:
    refused = request(0, params={"max_tokens": 0, "stream": True})
    wish = {"http_status": 400, "error_type": "invalid_request_error", "message_contains": "max_tokens"}
    assert run(case(refused | {"expected_error": wish})).passed
    other = {"http_status": 429, "message_contains": "slow"}
    assert [mismatch.what for mismatch in run(case(refused | {"expected_error": other})).mismatches] == [
        "http_status",
        "message",
    ]
    assert run(case(refused | {"expected": FIRST})).mismatches[0].expected == "accepted"
    accepted = run(case(request(0) | {"expected_error": wish})).mismatches
    assert accepted == (Mismatch("request 1", "refusal", "HTTP 400", "accepted"),)


def test_settings_of_the_case_hold_for_all_its_requests_unless_they_say_otherwise() -> None:
    fast = FIRST | {"input_side_cost_usd": "0.01008"}
    shared = case(request(0, fast), request(60, SECOND, params={"speed": "standard"}), params={"speed": "fast"})
    assert run(shared).mismatches == (
        Mismatch("request 2", "cache_write_5m", "0", "1000"),
        Mismatch("request 2", "cache_read", "1000", "0"),
    )
    assert run(case(request(0, fast), request(60, SECOND), assumptions={"speed": "fast"})).passed


def test_a_request_may_name_its_own_model() -> None:
    assert run(case(request(0, FIRST | {"input_side_cost_usd": "0.00252"}, model="claude-sonnet-5-5"))).passed


def test_decisions_are_the_callers() -> None:
    late = case(request(0, FIRST), request(300, FIRST))
    assert not run(late).passed
    assert run(late, Decisions(valid_at_boundary=False)).passed


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (3, "not an object"),
        ({}, "no requests"),
        (case(), "no requests"),
        (case(request(0, FIRST), model="claude-opus-9"), "claude-opus-9"),
        (case(request(0, FIRST), model="claude-3-sonnet"), "minimum prefix"),
        (case(request(0)), "no expectation"),
        (case(request(0, FIRST) | {"expected_error": "no"}), "no expectation"),
        (case({"expected": FIRST}), "no t_start_s"),
        (case(request(0, FIRST, params={"warp": 9})), "no rule for warp"),
        (case(request(0, FIRST, gravity=1)), "no rule for gravity"),
        (case(request(0, FIRST), era="bronze"), "no rule for era"),
    ],
)
def test_what_cannot_be_run_fails_with_its_reason(broken: Any, why: str) -> None:
    outcome = run(broken)
    assert not outcome.passed
    assert why in outcome.mismatches[0].got


def test_an_expectation_without_a_rule_is_shown() -> None:
    assert run(case(request(0, {"mana": 3}))).mismatches == (Mismatch("request 1", "mana", "3", "no rule for it"),)
    refused = request(0, params={"max_tokens": 0, "stream": True})
    wish = {"http_status": 400, "colour": "red"}
    assert run(case(refused | {"expected_error": wish})).mismatches[0].what == "colour"


def test_a_price_that_is_not_known_is_shown() -> None:
    body = {"t_start_s": 0, "items": [{"role": "user", "parts": [{"id": "u", "tokens": 2000}]}]}
    asked = body | {"params": {"ttl": "12h"}, "expected": {"cache_write_12h": 2000, "input_side_cost_usd": "1"}}
    found = run(case(asked, model="gpt-6.1-sol")).mismatches
    assert [mismatch.what for mismatch in found] == ["input_side_cost_usd"]
    assert found[0].got.startswith("unknown: ")


def test_costs_are_compared_exactly_as_decimals() -> None:
    assert compare_cost("w", "c", "0.10", Picodollars(100_000_000_000)) == []
    assert compare_cost("w", "c", "0.1000000000001", Picodollars(100_000_000_000)) != []
    assert compare_cost("w", "c", "a lot", Picodollars(1)) != []
    assert compare_cost("w", "c", "0", Unknown("why"))[0].got == "unknown: why"


ODD = st.sampled_from([None, True, -1, 0, 10**30, 1.5, "x", [], [3], {}, {"a": []}, [{}], "5m", "1h", float("nan")])


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_no_value_anywhere_in_a_case_makes_it_crash(data: st.DataObject) -> None:
    model = data.draw(st.sampled_from(["claude-opus-5-5", "gpt-4o", "gpt-6.1-sol"]))
    value: Any = case(
        request(0, FIRST, params={"effort": "low", "tool_choice": "any", "prompt_cache_options": {"ttl": "30m"}}),
        request(9, SECOND, expected_error={"http_status": 400}, items=[{"role": "user", "parts": [{"id": 1}]}]),
        model=model,
    )
    value = copy.deepcopy(value)
    for _ in range(data.draw(st.integers(1, 3))):
        places = list(_places(value))
        holder, key = data.draw(st.sampled_from(places))
        holder[key] = copy.deepcopy(data.draw(ODD))
    outcome = run(value)
    assert isinstance(outcome, Outcome)
    assert all(isinstance(part, str) for mismatch in outcome.mismatches for part in (mismatch.expected, mismatch.got))


def _places(value: Any) -> Any:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield value, key
        yield from _places(inner)

from __future__ import annotations

from penstock.audit.strategies import depths_of, least_shared, static_depths, strategies, trials
from penstock.audit.whatif import cases_of, recorded_input, usable
from penstock.models.profile import Regime
from penstock.wire.dialect import Dialect
from tests.audit.traffic import START, Provider, audit_input, static_prompts, words


def test_the_static_prefix_is_what_a_good_share_of_the_prompts_begin_with() -> None:
    data = audit_input(static_prompts(10))
    assert static_depths(cases_of(data, usable(data.rows))) == [1] * 10
    assert (least_shared(4), least_shared(100)) == (2.0, 20.0)


def test_five_minutes_are_best_for_dense_calls_and_an_hour_for_sparse_ones() -> None:
    for gap, ttl in ((30.0, "5m"), (900.0, "1h")):
        data = audit_input(static_prompts(30, gap))
        best = trials(cases_of(data, usable(data.rows)))[0]
        assert best.strategy.ttl == ttl
        recorded = recorded_input(data.rows)
        assert isinstance(recorded, int)
        assert best.bill.dollars < 0.25 * recorded


def test_t20_no_strategy_beats_plain_input_for_calls_that_never_repeat_in_time() -> None:
    data = audit_input(static_prompts(10, 7200.0))
    recorded = recorded_input(data.rows)
    assert isinstance(recorded, int)
    assert trials(cases_of(data, usable(data.rows)))[0].bill.dollars > recorded


def test_t3_a_conversation_wants_its_tail_marked() -> None:
    provider = Provider()
    calls = []
    for number in range(4):
        messages = []
        for turn in range(8):
            messages.append({"role": "user", "content": words(400, f"u{number}t{turn}x")})
            body = {"model": "claude-opus-5", "max_tokens": 9, "system": words(600, "sys"), "messages": list(messages)}
            calls.append(provider.call(body, START + number * 4000 + turn * 60))
            messages.append({"role": "assistant", "content": words(60, f"a{number}t{turn}x")})
    data = audit_input(calls)
    assert "of the conversation" in trials(cases_of(data, usable(data.rows)))[0].strategy.name


def test_openai_from_5_6_on_is_best_with_one_breakpoint_on_the_shared_prefix() -> None:
    provider = Provider()
    calls = [
        provider.call(
            {
                "model": "gpt-5.6-sol",
                "messages": [
                    {"role": "developer", "content": [{"type": "text", "text": words(2000, "sys")}]},
                    {"role": "user", "content": words(900, f"q{k}x")},
                ],
            },
            START + k * 60,
            dialect=Dialect.OPENAI_CHAT,
        )
        for k in range(20)
    ]
    data = audit_input(calls)
    found = trials(cases_of(data, usable(data.rows)))
    assert found[0].strategy.name == "one breakpoint at the end of the shared prefix"
    assert len(found) == 4


def test_the_grid_offers_only_what_callers_control_and_no_cache_offers_nothing() -> None:
    assert [one.ttl for one in strategies(Regime.OPENAI_GRID)] == ["auto", "auto"]
    assert strategies(Regime.NONE) == []
    assert trials([]) == []


def test_a_document_that_is_asked_about_again_and_again_wants_a_marker_behind_it() -> None:
    provider = Provider()
    calls = []
    for number in range(8):
        for question in range(5):
            parts = [
                {"type": "text", "text": words(2000, f"d{number}x")},
                {"type": "text", "text": f"field {question}"},
            ]
            body = {
                "model": "claude-opus-5",
                "max_tokens": 9,
                "system": words(600, "sys"),
                "messages": [{"role": "user", "content": parts}],
            }
            calls.append(provider.call(body, START + number * 4000 + question * 20))
    data = audit_input(calls)
    cases = cases_of(data, usable(data.rows))
    assert {(depths.static, depths.repeated) for depths in depths_of(cases)} == {(1, 2)}
    assert "of what comes again" in trials(cases)[0].strategy.name

from __future__ import annotations

from penstock.engine.session import session_call


def test_what_passed_through_a_session_is_of_unknown_cost() -> None:
    call = session_call(
        call_id="c", started_at=10.0, ended_at=70.0, provider="openai", model="gpt-realtime", status=101, opened_at=10.5
    )
    assert call.cost is None
    assert call.cost_before is None
    assert call.usage is None
    assert (call.latency_ms, call.ttft_ms) == (60_000.0, 500.0)


def test_a_session_that_was_refused_cost_nothing() -> None:
    call = session_call(call_id="c", started_at=10.0, ended_at=10.1, provider="openai", model="", status=401)
    assert call.cost == 0
    assert call.ttft_ms is None

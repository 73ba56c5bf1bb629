from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.money import Picodollars
from penstock.telemetry.spans import parent_of, span_of
from penstock.wire.usage import Usage
from tests.ledger.calls import call

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def attributes_of(span: dict[str, Any]) -> dict[str, Any]:
    found = {}
    for attribute in span["attributes"]:
        (value,) = attribute["value"].values()
        found[attribute["key"]] = value
    return found


def test_a_call_becomes_a_client_span_with_the_conventions_names() -> None:
    usage = Usage(input_uncached=10, cache_read=7, cache_write_5m=2, output=5, output_reasoning=3)
    span = span_of(
        call(
            usage=usage,
            cost=Picodollars(10**12),
            cost_before=Picodollars(3 * 10**12),
            session="s1",
            stream=True,
            finish="stop",
            response_id="msg_1",
            latency_ms=300.0,
            ttft_ms=20.0,
            started_at=1000.5,
        )
    )
    assert (span["name"], span["kind"]) == ("chat claude-haiku-4-5", 3)
    assert (span["startTimeUnixNano"], span["endTimeUnixNano"]) == ("1000500000000", "1000800000000")
    assert (len(span["traceId"]), len(span["spanId"])) == (32, 16)
    assert "status" not in span
    assert attributes_of(span) | {"penstock.call.id": ""} == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": "claude-haiku-4-5",
        "gen_ai.response.model": "claude-haiku-4-5",
        "gen_ai.request.stream": True,
        "gen_ai.response.id": "msg_1",
        "gen_ai.response.finish_reasons": {"values": [{"stringValue": "stop"}]},
        "gen_ai.response.time_to_first_chunk": 0.02,
        "gen_ai.conversation.id": "s1",
        "gen_ai.usage.input_tokens": "19",
        "gen_ai.usage.output_tokens": "5",
        "gen_ai.usage.cache_read.input_tokens": "7",
        "gen_ai.usage.cache_write.input_tokens": "2",
        "gen_ai.usage.reasoning.output_tokens": "3",
        "http.response.status_code": "200",
        "penstock.task": "triage",
        "penstock.arm": "observe",
        "penstock.cost_usd": 1.0,
        "penstock.saved_usd": 2.0,
        "penstock.usage.basis": "provider",
        "penstock.call.id": "",
    }


def test_what_is_unknown_has_no_attribute() -> None:
    attributes = attributes_of(span_of(call(usage=None, cost=None)))
    assert not {name for name in attributes if "usage" in name or "usd" in name}


def test_a_failed_call_is_an_error_by_its_kind() -> None:
    span = span_of(call(status=None, error_kind="timeout"))
    assert span["status"] == {"code": 2, "message": "timeout"}
    assert attributes_of(span)["error.type"] == "timeout"


def test_the_caller_s_span_is_the_parent() -> None:
    span = span_of(call(), parent_of(PARENT))
    assert (span["traceId"], span["parentSpanId"]) == ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7")


def test_the_steps_of_a_pipeline_share_a_trace_and_other_calls_do_not() -> None:
    first, second, other = (span_of(call(number, trace=key)) for number, key in ((1, "run"), (2, "run"), (3, None)))
    assert first["traceId"] == second["traceId"] != other["traceId"]
    assert len({one["spanId"] for one in (first, second, other)}) == 3


def test_a_trace_says_whether_it_is_sampled() -> None:
    parent = parent_of(PARENT[:-1] + "0")
    assert parent is not None
    assert not parent.sampled


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "00-0-0-0",
        "ff" + PARENT[2:],
        "00-" + "0" * 32 + "-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-" + "0" * 16 + "-01",
        PARENT[:-2] + "zz",
    ],
)
def test_an_invalid_traceparent_is_no_parent(header: str | None) -> None:
    assert parent_of(header) is None


@given(st.text(max_size=80))
def test_no_header_makes_the_reading_raise(header: str) -> None:
    parent_of(header)

from __future__ import annotations

import msgspec
import pytest

from penstock.simulator.breaking import refusal
from penstock.simulator.faults import Fault
from penstock.simulator.provider import Provider
from penstock.simulator.response import Response
from tests.simulator.asking import chat, kind, messages, read, responses, send


def broken(provider: Provider, fault: str, *, stream: bool = True) -> Response:
    return send(provider, "/v1/messages", messages(stream=stream), headers={"x-simulator-fault": fault})


def test_without_a_fault_nothing_is_refused() -> None:
    assert refusal([], "openai") is None
    assert refusal([Fault("no-usage")], "openai") is None


@pytest.mark.parametrize(
    ("fault", "status", "error", "retry_after"),
    [
        ("429", 429, "rate_limit_error", "1"),
        ("429=2.5", 429, "rate_limit_error", "2.5"),
        ("429-no-retry-after", 429, "rate_limit_error", None),
        ("529", 529, "overloaded_error", None),
        ("500", 500, "api_error", None),
        ("402", 402, "billing_error", None),
        ("504", 504, "timeout_error", None),
    ],
)
def test_a_refusal_has_the_providers_status_type_and_headers(
    provider: Provider, fault: str, status: int, error: str, retry_after: str | None
) -> None:
    response = broken(provider, fault)
    assert response.status == status
    assert kind(response) == error
    assert dict(response.headers).get("retry-after") == retry_after
    assert read(response)["request_id"] == dict(response.headers)["request-id"]
    assert provider.billed() == []


def test_a_spend_limit_is_told_apart_by_its_code(provider: Provider) -> None:
    response = broken(provider, "spend-limit")
    assert read(response)["error"]["details"]["error_code"] == "enforced_spend_limit_reached"
    assert "retry-after" not in dict(response.headers)


def test_stream_faults_change_the_stream_where_they_are_told_to(provider: Provider) -> None:
    whole = broken(provider, "").chunks
    cut, ended = broken(provider, "cut-stream=3"), broken(provider, "end-stream=3")
    assert (len(cut.chunks), cut.ending) == (3, "cut")
    assert (len(ended.chunks), ended.ending) == (3, "whole")
    failed = broken(provider, "error-event=3")
    assert b"overloaded_error" in failed.chunks[3]
    assert len(failed.chunks) == 4
    odd = broken(provider, "unknown-event=3")
    assert len(odd.chunks) == len(whole) + 1
    malformed = broken(provider, "malformed-chunk=3")
    assert len(malformed.chunks) == len(whole)
    data = malformed.chunks[3].partition(b"data: ")[2]
    with pytest.raises(msgspec.DecodeError):
        msgspec.json.decode(data)


def test_a_plain_body_breaks_too(provider: Provider) -> None:
    whole = broken(provider, "", stream=False).body
    cut = broken(provider, "cut-stream=1", stream=False)
    assert cut.ending == "cut"
    assert len(cut.body) < len(whole)
    half = broken(provider, "malformed-chunk=0", stream=False)
    with pytest.raises(msgspec.DecodeError):
        msgspec.json.decode(half.body)


def test_no_usage_leaves_none_in_bodies_and_streams(provider: Provider) -> None:
    headers = {"x-simulator-fault": "no-usage"}
    for path, body in (
        ("/v1/messages", messages()),
        ("/v1/responses", responses()),
        ("/v1/chat/completions", chat(stream_options={"include_usage": True}, stream=True)),
    ):
        for stream in (False, True):
            asked = {key: each for key, each in body.items() if stream or key != "stream_options"}
            response = send(provider, path, {**asked, "stream": stream}, headers=headers)
            assert response.status == 200
            assert b'"usage"' not in response.body
    assert len(provider.billed()) == 6, "what is not reported is billed all the same"


def test_slow_faults_wait_on_the_wall(provider: Provider) -> None:
    response = broken(provider, "slow-first-byte=0.5, slow-stream=0.1")
    assert (response.wall_first_byte_s, response.wall_gap_s) == (0.5, 0.1)
    refused = broken(provider, "slow-first-byte=0.5, 500")
    assert (refused.status, refused.wall_first_byte_s) == (500, 0.5)


def test_an_unknown_fault_in_a_header_is_a_400(provider: Provider) -> None:
    assert broken(provider, "meteor").status == 400

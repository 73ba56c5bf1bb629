from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock.simulator.faults import Fault, FaultRule, parse_rules
from penstock.simulator.provider import Provider
from tests.simulator.asking import (
    ANTHROPIC,
    NOW,
    OPENAI,
    chat,
    kind,
    messages,
    read,
    responses,
    send,
)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/messages", 405),
        ("POST", "/v1/models", 405),
        ("POST", "/v1/messages/batches", 400),
        ("POST", "/v1/completions", 404),
        ("GET", "/", 404),
        ("GET", "/v1/models?limit=5", 200),
        ("GET", "/v1/models/gpt-5", 200),
        ("GET", "/v1/models/none", 404),
    ],
)
def test_paths_and_methods(provider: Provider, method: str, path: str, status: int) -> None:
    assert send(provider, path, b"", method=method).status == status


def test_every_response_has_a_request_id_and_a_label(provider: Provider) -> None:
    for path, body in (("/v1/messages", messages()), ("/v1/responses", responses()), ("/v1/nothing", {})):
        headers = dict(send(provider, path, body).headers)
        assert headers["x-simulator"] == "answers are simulated"
        assert (headers.get("request-id") or headers["x-request-id"]).startswith("req_")


def test_without_a_key_the_providers_answer_401_in_their_own_words(provider: Provider) -> None:
    bare = {"anthropic-version": "2023-06-01"}
    assert kind(provider.handle("POST", "/v1/messages", bare, b"{}", NOW)) == "authentication_error"
    refused = provider.handle("POST", "/v1/responses", {}, b"{}", NOW)
    assert (refused.status, read(refused)["error"]["code"]) == (401, "invalid_api_key")


def test_rules_of_faults_meet_the_calls_that_they_name(provider: Provider) -> None:
    provider.inject(FaultRule(fault=Fault("529"), path="/v1/messages", nth=2))
    assert [send(provider, "/v1/messages", messages()).status for _ in range(3)] == [200, 529, 200]
    provider.replace_faults(parse_rules("500@model=gpt"))
    assert send(provider, "/v1/responses", responses()).status == 500
    provider.reset()
    assert send(provider, "/v1/responses", responses()).status == 200


def test_the_log_keeps_what_was_sent_without_credentials(provider: Provider) -> None:
    send(
        provider, "/v1/messages?beta=true", messages("hi"), headers={"anthropic-beta": "x", "x-simulator-fault": "529"}
    )
    (logged,) = provider.logged()
    assert (logged.path, logged.status, logged.faults) == ("/v1/messages?beta=true", 529, ("529",))
    assert logged.headers["anthropic-beta"] == "x"
    assert logged.headers["x-api-key"] == "<redacted>"
    assert msgspec.json.decode(logged.body) == messages("hi")


def test_a_call_is_booked_once_and_in_proportion_when_cut(provider: Provider) -> None:
    raw = msgspec.json.encode(messages(stream=True))
    whole = send(provider, "/v1/messages", messages(stream=True))
    response = provider.handle("POST", "/v1/messages", ANTHROPIC, raw, NOW)
    provider.begin(response, NOW)
    provider.begin(response, NOW)
    provider.finish(response, whole.whole // 2)
    provider.finish(response, whole.whole)
    full, cut = provider.billed()
    assert full.complete
    assert not cut.complete
    assert cut.usage.input_total == full.usage.input_total
    assert full.usage.output * 0.4 < cut.usage.output < full.usage.output * 0.6


def test_a_refused_call_is_never_booked(provider: Provider) -> None:
    response = send(provider, "/v1/messages", messages(max_tokens=None))
    provider.begin(response, NOW)
    provider.finish(response, 1)
    assert provider.billed() == []
    assert provider.stats()["statuses"] == {"400": 1}


def test_counting_has_limits_of_its_own(provider: Provider) -> None:
    for _ in range(3):
        assert send(provider, "/v1/messages/count_tokens", messages()).status == 200
    assert read(send(provider, "/v1/responses/input_tokens", responses()))["object"] == "response.input_tokens"
    assert provider.billed() == []


def test_embeddings_are_answered_and_booked(provider: Provider) -> None:
    body = {"model": "text-embedding-3-small", "input": "hello world"}
    assert read(send(provider, "/v1/embeddings", body))["usage"]["total_tokens"] == 2
    assert provider.billed()[0].usage.input_uncached == 2


values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=6)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)),
    max_leaves=6,
)
PATHS: dict[str, dict[str, Any]] = {
    "/v1/messages": messages(system="s", tools=[], tool_choice=None, thinking=None, output_config=None, stream=None)
    | {"cache_control": None, "stop_sequences": None, "diagnostics": None, "speed": None, "inference_geo": None},
    "/v1/messages/count_tokens": messages(),
    "/v1/chat/completions": chat(tools=None, tool_choice=None, response_format=None, n=None, stop=None, stream=None)
    | {"stream_options": None, "prompt_cache_key": None, "service_tier": None, "reasoning_effort": None},
    "/v1/responses": responses(tools=None, tool_choice=None, text=None, reasoning=None, previous_response_id=None)
    | {"prompt_cache_options": None, "prompt_cache_key": None, "prompt_cache_retention": None, "stream": None},
    "/v1/responses/input_tokens": responses(),
    "/v1/embeddings": {"model": "text-embedding-3-small", "input": "x", "dimensions": None},
}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_body_crashes_the_provider(provider: Provider, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(sorted(PATHS)))
    body = dict(PATHS[path])
    for name in data.draw(st.lists(st.sampled_from(sorted(body)), max_size=3, unique=True)):
        body[name] = data.draw(values)
    response = send(provider, path, body)
    assert response.status in (200, 400, 404)
    assert response.body


parts = st.one_of(
    values,
    st.builds(
        lambda kind, rest: {**rest, "type": kind},
        st.sampled_from(["text", "image", "document", "tool_use", "tool_result", "thinking", "input_text", "refusal"]),
        st.dictionaries(
            st.sampled_from(["text", "source", "content", "id", "tool_use_id", "input", "cache_control", "image_url"]),
            values,
            max_size=3,
        ),
    ),
)
turns = st.lists(
    st.one_of(
        values,
        st.fixed_dictionaries(
            {
                "role": st.sampled_from(["user", "assistant", "system", "tool"]),
                "content": st.one_of(values, st.lists(parts, max_size=3)),
            },
            optional={"tool_calls": values, "tool_call_id": values, "type": values, "call_id": values},
        ),
    ),
    max_size=4,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(turns, st.sampled_from(["/v1/messages", "/v1/chat/completions", "/v1/responses"]))
def test_no_conversation_crashes_the_provider(provider: Provider, conversation: list[Any], path: str) -> None:
    name = "input" if path == "/v1/responses" else "messages"
    assert send(provider, path, {**PATHS[path], name: conversation}).status in (200, 400)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=60), st.sampled_from(sorted(PATHS)))
def test_no_bytes_crash_the_provider(provider: Provider, raw: bytes, path: str) -> None:
    headers = ANTHROPIC if "messages" in path else OPENAI
    assert provider.handle("POST", path, headers, raw, NOW).status in (200, 400, 404)


def test_a_429_shows_the_limits_of_its_model(provider: Provider) -> None:
    refused = send(provider, "/v1/messages", messages(), headers={"x-simulator-fault": "429"})
    assert dict(refused.headers)["anthropic-ratelimit-requests-limit"] == "10000"

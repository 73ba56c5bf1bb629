from __future__ import annotations

import json
from typing import Any

import pytest

from penstock.audit.importers.bodies import (
    NO_BODIES,
    OTHER_API,
    REQUEST_BROKEN,
    Bodies,
    answered_at,
    assemble,
    dialect_of_name,
    open_bodies,
    usage_differs,
)
from penstock.audit.reading import Skipped
from penstock.wire.dialect import Dialect
from tests.audit.importers.lines import chat_request, chat_response, claude_request, claude_response


def opened(request: Any, response: Any, dialect: Dialect | None = None) -> tuple[Bodies, Dialect | None]:
    found = open_bodies(
        None if request is None else json.dumps(request).encode(),
        None if response is None else json.dumps(response).encode(),
        dialect,
        "x:1",
    )
    assert not isinstance(found, Skipped)
    return found


@pytest.mark.parametrize(
    ("request_body", "response", "dialect"),
    [
        (chat_request(), chat_response(), Dialect.OPENAI_CHAT),
        (claude_request(), claude_response(), Dialect.ANTHROPIC_MESSAGES),
        ({"model": "gpt-5.6-luna", "input": "hi"}, {"id": "resp_1", "object": "response"}, Dialect.OPENAI_RESPONSES),
        # Without an answer only what one API alone allows decides.
        (claude_request(system="s"), None, Dialect.ANTHROPIC_MESSAGES),
        (claude_request(), None, Dialect.ANTHROPIC_MESSAGES),
        (chat_request(), None, Dialect.OPENAI_CHAT),
        ({"model": "some-model", "messages": [], "max_tokens": 5}, None, None),
        ({"model": "claude-opus-5", "messages": []}, None, None),
        # An OpenAI-shaped answer from any model is the chat API.
        ({"model": "claude-opus-5", "messages": []}, chat_response(), Dialect.OPENAI_CHAT),
        (None, claude_response(), Dialect.ANTHROPIC_MESSAGES),
    ],
)
def test_the_api_is_told_from_the_bodies(request_body: Any, response: Any, dialect: Dialect | None) -> None:
    assert opened(request_body, response)[1] is dialect


@pytest.mark.parametrize(
    ("api", "provider", "url", "dialect"),
    [
        ("openai.chat", None, None, Dialect.OPENAI_CHAT),
        (None, None, "/v1/responses", Dialect.OPENAI_RESPONSES),
        (None, None, "https://host/openai/v1/chat/completions?api-version=1", Dialect.OPENAI_CHAT),
        ("/v1/messages", None, None, Dialect.ANTHROPIC_MESSAGES),
        (None, "Anthropic", None, Dialect.ANTHROPIC_MESSAGES),
        (None, "openai", None, None),
        (None, None, "/v1/embeddings", None),
        (None, None, None, None),
    ],
)
def test_the_api_is_told_from_the_log_s_own_words(
    api: str | None, provider: str | None, url: str | None, dialect: Dialect | None
) -> None:
    assert dialect_of_name(api, provider, url) is dialect


def test_t17_usage_comes_from_the_body_in_disjoint_buckets() -> None:
    bodies, dialect = opened(chat_request(), chat_response())
    column = json.dumps({"prompt_tokens": 9, "completion_tokens": 9}).encode()
    call = assemble(bodies, dialect, source="x:1", logged=column)
    assert call.usage is not None
    assert (call.usage.input_uncached, call.usage.cache_read, call.usage.output) == (220, 1280, 20)
    assert usage_differs(dialect, call.usage, column)
    assert call.model == "gpt-5.4-mini-2026"
    assert call.response_id == "chatcmpl-1"


def test_the_log_s_usage_counts_when_the_body_has_none() -> None:
    bodies, dialect = opened(chat_request(), chat_response(usage=None))
    column = json.dumps({"prompt_tokens": 9, "completion_tokens": 4}).encode()
    call = assemble(bodies, dialect, source="x:1", logged=column)
    assert call.usage is not None
    assert (call.usage.input_total, call.usage.output) == (9, 4)
    assert not usage_differs(dialect, call.usage, column)


def test_missing_usage_stays_missing() -> None:
    bodies, dialect = opened(chat_request(), chat_response(usage=None))
    assert assemble(bodies, dialect, source="x:1").usage is None
    assert assemble(bodies, dialect, source="x:1", logged=b"{}").usage is None
    assert assemble(bodies, dialect, source="x:1", logged=b"[1]").usage is None


def test_bodies_inside_strings_are_opened() -> None:
    bodies, dialect = opened(json.dumps(claude_request()), json.dumps(claude_response()))
    assert dialect is Dialect.ANTHROPIC_MESSAGES
    assert bodies.request == json.dumps(claude_request()).encode()
    assert assemble(bodies, dialect, source="x").usage is not None


def test_a_stream_s_text_is_folded() -> None:
    start = {"type": "message_start", "message": claude_response(content=[], stop_reason=None)}
    delta = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 41}}
    stream = "".join(
        f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in (start, delta, {"type": "message_stop"})
    )
    bodies, dialect = opened(claude_request(stream=True), stream)
    call = assemble(bodies, dialect, source="x")
    assert call.stream
    assert call.usage is not None
    assert call.usage.output == 41


def test_what_is_no_call_says_why() -> None:
    assert open_bodies(None, None, None, "x:1") == Skipped(NO_BODIES, "x:1")
    assert open_bodies(b'["hi"]', None, None, "x:2") == Skipped(REQUEST_BROKEN, "x:2")
    embedding = {"object": "list", "data": [], "usage": {"prompt_tokens": 3}}
    assert open_bodies(b'{"input":"x"}', json.dumps(embedding).encode(), None, "x:3") == Skipped(OTHER_API, "x:3")


def test_a_broken_response_leaves_the_request() -> None:
    found = open_bodies(json.dumps(chat_request()).encode(), b'"gone wrong"', None, "x")
    assert not isinstance(found, Skipped)
    assert found[0].response is None
    assert found[1] is Dialect.OPENAI_CHAT


def test_the_provider_s_own_time_is_found() -> None:
    assert answered_at(opened(chat_request(), chat_response())[0]) == 1790845200.0
    assert answered_at(opened(claude_request(), claude_response())[0]) is None

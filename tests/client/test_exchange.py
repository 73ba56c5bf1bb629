from __future__ import annotations

import httpx2
import pytest

from penstock.client.core import Core
from penstock.client.exchange import Exchange, dialect_of, without_ours
from penstock.engine.context import EngineContext
from penstock.engine.steps import Send
from penstock.ledger.books import Books
from penstock.policy.schema import Policy
from penstock.wire.dialect import Dialect

BODY = b'{"model":"gpt-5-mini","stream":true,"messages":[{"role":"user","content":"hi"}]}'
URL = "https://api.openai.com/v1/chat/completions"


@pytest.mark.parametrize(
    ("method", "url", "dialect"),
    [
        ("POST", URL, Dialect.OPENAI_CHAT),
        ("POST", "https://proxy.test/openai/v1/responses", Dialect.OPENAI_RESPONSES),
        ("POST", "https://api.anthropic.com/v1/messages?beta=true", Dialect.ANTHROPIC_MESSAGES),
        ("POST", "https://api.anthropic.com/v1/messages/count_tokens", None),
        ("GET", "https://api.openai.com/v1/models", None),
        ("GET", URL, None),
    ],
)
def test_the_path_says_which_api_it_is(method: str, url: str, dialect: Dialect | None) -> None:
    assert dialect_of(httpx2.Request(method, url)) is dialect


def exchange(headers: dict[str, str]) -> tuple[Exchange, Send]:
    core = Core(EngineContext(Policy()), Books(), clock=lambda: 7.0, ids=lambda: "c")
    made = Exchange(core, Dialect.OPENAI_CHAT, httpx2.Request("POST", URL, headers=headers, content=BODY))
    send = made.advance()
    assert send is not None
    return made, send


def test_our_headers_stay_here_and_a_stream_is_asked_for_its_usage_in_plain() -> None:
    made, send = exchange({"X-Penstock-Task": "t", "x-keep": "1", "accept-encoding": "gzip, br"})
    request, hidden = made.outgoing(send)
    assert hidden
    assert b'"include_usage":true' in request.content
    assert request.headers["content-length"] == str(len(request.content))
    assert request.headers["accept-encoding"] == "identity"
    assert request.headers["x-keep"] == "1"
    assert not any(name.startswith("x-penstock") for name in request.headers)


def test_a_bypassed_call_is_sent_as_it_came() -> None:
    made, send = exchange({"x-penstock-bypass": "1"})
    request, hidden = made.outgoing(send)
    assert request.content == BODY
    assert not hidden


def test_only_our_own_headers_are_taken_out() -> None:
    headers = httpx2.Headers([("X-Penstock-Tags", "a"), ("x-pen", "b")])
    assert without_ours(headers) == [(b"x-pen", b"b")]

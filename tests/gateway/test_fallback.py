from __future__ import annotations

import json

import pytest

from penstock.engine.call import Incoming
from penstock.engine.context import EngineContext
from penstock.engine.flow import Flow
from penstock.engine.steps import Send
from penstock.gateway.fallback import body_for, worth_another
from penstock.policy.schema import Policy
from penstock.wire.dialect import Dialect

BODY = b'{"model":"claude-haiku-4-5", "max_tokens":9,"temperature":0.5,"messages":[{"role":"user","content":"hi"}]}'


def send_of(raw: bytes) -> Send:
    request = Incoming(call_id="c", dialect=Dialect.ANTHROPIC_MESSAGES, raw=raw, started_at=1.79e9)
    step = Flow(request, EngineContext(Policy()), lambda _: None).advance()
    assert isinstance(step, Send)
    return step


def test_the_request_is_translated_for_the_model_that_stands_in() -> None:
    body = body_for(send_of(BODY), "claude-sonnet-4-5")
    assert body is not None
    assert json.loads(body) == {**json.loads(BODY), "model": "claude-sonnet-4-5"}
    assert body.replace(b"claude-sonnet-4-5", b"claude-haiku-4-5") == BODY


@pytest.mark.parametrize("model", ["gpt-5-mini", "no-such-model"])
def test_a_model_that_cannot_take_it_is_passed_over(model: str) -> None:
    assert body_for(send_of(BODY), model) is None


def test_a_body_that_could_not_be_read_has_no_fallback() -> None:
    assert body_for(send_of(b"{"), "claude-sonnet-4-5") is None


@pytest.mark.parametrize(
    ("status", "worth"), [(None, True), (529, True), (429, True), (404, True), (400, False), (200, False)]
)
def test_only_what_another_model_may_not_meet_is_worth_it(status: int | None, worth: bool) -> None:
    assert worth_another(status) is worth

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from penstock.engine.attempt import Attempt, answered_by, billed_model, cost_at, read_attempt
from penstock.engine.steps import Send
from penstock.models.tiers import Tier
from penstock.wire.answer import Answer
from penstock.wire.dialect import Dialect
from penstock.wire.usage import Usage
from tests.playbook import NOW, answer, chat_answer, sent

ANTHROPIC = Send(body=b"{}", model="claude-opus-5-5", dialect=Dialect.ANTHROPIC_MESSAGES)
OPENAI = Send(body=b"{}", model="gpt-6.1-sol", dialect=Dialect.OPENAI_CHAT)


def _read(send: Send, result: Any, tier: Tier = Tier()) -> Attempt:  # noqa: B008 - frozen
    return read_attempt(send, None, result, tier)


def test_usage_answer_and_cost_are_read_from_the_body() -> None:
    attempt = _read(ANTHROPIC, answer("hi", plain=100, output=5, stop="max_tokens"))
    assert attempt.usage is not None
    assert attempt.answer is not None
    assert (attempt.answer.text, attempt.truncated, attempt.accepted) == ("hi", True, True)
    assert attempt.cost == 100 * 4_000_000 + 5 * 20_000_000


def test_a_refused_request_costs_nothing_and_one_without_a_status_is_unknown() -> None:
    assert _read(ANTHROPIC, sent({"type": "error"}, status=529)).cost == 0
    assert _read(ANTHROPIC, sent(None, status=None)).cost is None
    assert _read(ANTHROPIC, sent(None)).cost is None


@pytest.mark.parametrize("missing", ["input_tokens", "output_tokens"])
def test_a_report_that_leaves_out_a_paid_count_has_an_unknown_cost(missing: str) -> None:
    attempt = _read(ANTHROPIC, answer(usage_more={missing: None}))
    assert attempt.usage is not None
    assert attempt.cost is None


def test_the_tier_of_the_response_is_the_one_that_is_billed() -> None:
    """A flex request that ran at the default tier is billed as default; the other way round at half."""
    asked = Tier("flex")
    assert _read(OPENAI, chat_answer(service_tier="default"), asked).tier == Tier()
    flex = _read(OPENAI, chat_answer(service_tier="flex", prompt=1000, output=0))
    assert flex.tier == Tier("flex")
    assert flex.cost == 1000 * 1_000_000
    assert _read(OPENAI, chat_answer(), asked).tier == asked


def test_a_region_and_a_batch_are_billed_as_reported() -> None:
    geo = _read(ANTHROPIC, answer(usage_more={"inference_geo": "us"}))
    assert geo.tier == Tier(geo="us")
    batch = _read(ANTHROPIC, answer(usage_more={"service_tier": "batch"}))
    assert batch.tier == Tier("batch")
    assert _read(ANTHROPIC, answer(usage_more={"service_tier": "standard"})).tier == Tier()


def test_the_model_that_answered_is_billed_as_far_as_it_is_known() -> None:
    assert billed_model("a", Answer(text="", model="claude-haiku-4-5-20251001")) == "claude-haiku-4-5-20251001"
    assert billed_model("a", Answer(text="", model="internal")) == "a"
    assert billed_model("a", None) == "a"


def test_an_unknown_price_is_none_and_not_zero() -> None:
    assert cost_at("who-knows", Usage(input_uncached=1), NOW, Tier()) is None


def test_a_drivers_own_reading_is_taken_before_the_body() -> None:
    given = answer("body")
    from_driver = Answer(text="folded", finish="stop")
    known = Usage(input_uncached=1)
    attempt = _read(ANTHROPIC, msgspec.structs.replace(given, answer=from_driver, usage=known))
    assert attempt.answer is from_driver
    assert attempt.usage is known


def test_an_answer_is_of_the_model_that_was_asked_unless_it_names_another() -> None:
    def by(told: str) -> str | None:
        return answered_by(_read(ANTHROPIC, sent({"id": "msg_1", "model": told})))

    assert by("") == by("claude-opus-5-5") == by("claude-opus-5-5-20260922") == by("what is this") == "claude-opus-5-5"
    assert by("claude-haiku-4-5") == "claude-haiku-4-5"
    assert answered_by(_read(ANTHROPIC, sent({"type": "error"}, status=529))) is None

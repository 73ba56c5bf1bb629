from __future__ import annotations

import json
from typing import Any

import pytest

from penstock.engine.facts import Facts, compared, facts_for, length_key, tokens_price
from penstock.evidence.store import Evidence
from penstock.models.profile import Profile
from penstock.policy.schema import CachePolicy, Levers, TaskPolicy
from penstock.unknown import Unknown
from penstock.wire.dialect import Dialect
from penstock.wire.segments import Marker
from penstock.wire.view import View, read_request
from tests.playbook import NOW, chat, messages

MESSAGES, CHAT, RESPONSES = Dialect.ANTHROPIC_MESSAGES, Dialect.OPENAI_CHAT, Dialect.OPENAI_RESPONSES


def _view(body: dict[str, Any], dialect: Dialect = MESSAGES) -> View:
    return read_request(dialect, json.dumps(body).encode())


def _facts(view: View, evidence: Evidence | None = None, **more: Any) -> Facts:
    return facts_for(
        view,
        **{
            "task": "t",
            "policy": TaskPolicy(),
            "levers": Levers(),
            "evidence": evidence if evidence is not None else Evidence(),
            "now": NOW,
            **more,
        },
    )


def test_facts_hold_profile_prices_and_counts_of_the_view() -> None:
    facts = _facts(_view(messages("word " * 100)))
    assert isinstance(facts.profile, Profile)
    assert facts.input_tokens == sum(facts.tokens) > 100
    assert not isinstance(facts.prices, Unknown)
    assert facts.prices.input == 4_000_000


def test_an_unknown_model_has_counts_and_no_promises() -> None:
    facts = _facts(_view(messages("word " * 100, model="who-knows")))
    assert isinstance(facts.profile, Unknown)
    assert isinstance(facts.prices, Unknown)
    assert facts.input_tokens > 100


def test_counts_follow_what_the_provider_counted() -> None:
    evidence = Evidence()
    evidence.calibration.add("claude-opus-5-5", 20_000, 10_000.0)
    view = _view(messages("word " * 100))
    assert _facts(view, evidence).input_tokens == pytest.approx(2 * _facts(view).input_tokens, rel=0.05)
    assert _facts(view, evidence).band(view)[0] > 1.5


def test_the_expected_answer_is_the_mean_of_what_was_seen() -> None:
    view = _view(messages("x"))
    evidence = Evidence()
    assert isinstance(_facts(view, evidence).expected_output(view), Unknown)
    for tokens in (10, 20):
        evidence.lengths.add(length_key("t", view), tokens)
    assert _facts(view, evidence).expected_output(view) == 15


@pytest.mark.parametrize(
    ("body", "dialect", "effort"),
    [
        (messages("x"), MESSAGES, ""),
        (messages("x", thinking={"type": "adaptive"}, output_config={"effort": "low"}), MESSAGES, "low/adaptive"),
        (chat("x", reasoning_effort="high"), CHAT, "high"),
        ({"model": "m", "input": "x", "reasoning": {"effort": "low"}}, RESPONSES, "low"),
        (chat("x", reasoning_effort=3), CHAT, ""),
    ],
)
def test_lengths_are_kept_apart_by_effort(body: dict[str, Any], dialect: Dialect, effort: str) -> None:
    assert length_key("t", _view(body, dialect)).effort == effort


def test_facts_of_a_changed_request_are_those_of_what_it_is_now() -> None:
    facts = _facts(_view(messages("word " * 100)), session="s")
    changed = facts.seeing(_view(messages("word " * 50, model="claude-haiku-4-5")))
    assert isinstance(changed.profile, Profile)
    assert changed.profile.model == "claude-haiku-4-5"
    assert changed.input_tokens < facts.input_tokens
    assert changed.session == "s"


def test_whether_a_prompt_is_cached_at_all() -> None:
    off = TaskPolicy(cache=CachePolicy(enabled=False))
    plain = _view(messages("x"))
    marked = _view(messages("x", system=[{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}]))
    automatic = _view(messages("x", cache_control={"type": "ephemeral"}))
    assert _facts(plain).caches(plain)
    assert not _facts(plain, policy=off).caches(plain)
    assert not _facts(plain, levers=Levers(cache=False)).caches(plain)
    assert _facts(marked, policy=off).caches(marked)
    assert _facts(automatic, policy=off).caches(automatic)
    openai = _view(chat("x"), CHAT)
    assert _facts(openai, policy=off).caches(openai)


def test_t16_two_models_are_compared_by_tokenizer_until_both_were_measured() -> None:
    opus, haiku = _view(messages("word " * 1000)), _view(messages("word " * 1000, model="claude-haiku-4-5"))
    evidence = Evidence()
    first = compared(opus, haiku, evidence)
    assert first[0] / first[1] == pytest.approx(1.3, abs=0.05)
    for _ in range(30):
        evidence.calibration.add("claude-haiku-4-5", 5_000, 10_000.0)
    assert compared(opus, haiku, evidence) == first
    for _ in range(30):
        evidence.calibration.add("claude-opus-5-5", 5_000, 10_000.0)
    second = compared(opus, haiku, evidence)
    assert second[0] == pytest.approx(first[0] / 2, rel=0.05)


def test_a_price_of_tokens_is_unknown_when_the_rate_is() -> None:
    assert tokens_price(10, 3) == 30
    assert tokens_price(10, Unknown("no price")) == Unknown("no price")


def test_t19_a_prompt_beyond_the_long_context_mark_has_its_own_prices() -> None:
    short, long = _view(chat("word " * 1000), CHAT), _view(chat("word " * 300_000), CHAT)
    cheap, dear = _facts(short).prices, _facts(long).prices
    assert not isinstance(cheap, Unknown)
    assert not isinstance(dear, Unknown)
    assert dear.input == 2 * cheap.input


def test_t23_an_image_is_counted_by_itself_and_not_by_its_base64() -> None:
    source = {"type": "base64", "media_type": "image/png", "data": "A" * 400_000}
    body = messages("x")
    body["messages"][0]["content"] = [{"type": "image", "source": source}]
    assert _facts(_view(body)).input_tokens < 6_000


def test_markers_leave_the_facts_as_they_are_and_text_does_not() -> None:
    view = _view(messages("word " * 100))
    facts = _facts(view)
    marked = view.edited([view.mark(view.segments[0], Marker("5m"))])
    assert facts.seeing(marked) is facts
    longer = _view(messages("word " * 100, "answer", "more"))
    assert facts.seeing(longer).input_tokens == _facts(longer).input_tokens > facts.input_tokens

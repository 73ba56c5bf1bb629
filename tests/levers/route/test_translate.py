from __future__ import annotations

import json
from typing import Any

import pytest

from penstock.levers.route.translate import Refused, translated
from penstock.models.catalog import profile_of
from penstock.models.profile import Profile
from penstock.wire.body import apply
from penstock.wire.dialect import Dialect
from tests.levers.build import view_of
from tests.playbook import chat, messages

CHAT, MESSAGES, RESPONSES = Dialect.OPENAI_CHAT, Dialect.ANTHROPIC_MESSAGES, Dialect.OPENAI_RESPONSES


def _target(model: str) -> Profile:
    profile = profile_of(model)
    assert isinstance(profile, Profile)
    return profile


def _to(model: str, body: dict[str, Any], dialect: Dialect = MESSAGES, tokens: int = 100) -> dict[str, Any] | Refused:
    view = view_of(body, dialect)
    operations = translated(view, _target(model), prompt_tokens=tokens)
    return operations if isinstance(operations, Refused) else json.loads(apply(view.raw, operations))


def _why(model: str, body: dict[str, Any], dialect: Dialect = MESSAGES, tokens: int = 100) -> str:
    refused = _to(model, body, dialect, tokens)
    assert isinstance(refused, Refused), refused
    return refused.why


def test_a_request_that_fits_needs_no_change() -> None:
    body = messages("x", temperature=0.2)
    assert _to("claude-haiku-4-5", body) == body


def test_t28_sampling_parameters_that_the_target_rejects_are_left_out() -> None:
    body = _to("claude-sonnet-5", messages("x", temperature=0.2, top_p=0.9, metadata={"user_id": "u"}))
    assert body == messages("x", metadata={"user_id": "u"})
    body = _to("gpt-5-mini", chat("x", temperature=0, seed=3), CHAT)
    assert body == chat("x", seed=3)


def test_t28_the_output_cap_takes_the_name_that_the_target_knows() -> None:
    body = _to("gpt-5-mini", chat("x", model="gpt-4o", max_tokens=300), CHAT)
    assert body == chat("x", model="gpt-4o", max_completion_tokens=300)


def test_an_output_cap_above_the_targets_limit_is_lowered_to_it() -> None:
    limit = _target("gpt-4o-mini").max_output
    body = _to("gpt-4o-mini", chat("x", max_completion_tokens=10**6), CHAT, tokens=-(10**6))
    assert isinstance(body, dict)
    assert body["max_completion_tokens"] == limit


@pytest.mark.parametrize("name", ["logprobs", "logit_bias"])
def test_t28_what_the_caller_would_miss_is_never_dropped(name: str) -> None:
    assert _why("gpt-5-mini", chat("x", **{name: {}}), CHAT) == f"it rejects `{name}`"


def test_a_region_is_never_dropped() -> None:
    assert _why("claude-haiku-4-5", messages("x", inference_geo="us")) == "it rejects `inference_geo`"


def test_t28_thinking_takes_the_form_that_the_target_knows() -> None:
    adaptive = _to("claude-sonnet-5", messages("x", thinking={"type": "enabled", "budget_tokens": 2000}))
    assert adaptive == messages("x", thinking={"type": "adaptive"})
    manual = _to("claude-haiku-4-5", messages("x", thinking={"type": "adaptive"}))
    assert manual == messages("x", thinking={"type": "enabled", "budget_tokens": 2048})
    small = {**messages("x", thinking={"type": "adaptive"}), "max_tokens": 1000}
    assert "leaves no room" in _why("claude-haiku-4-5", small)


def test_thinking_that_is_off_does_not_go_to_a_model_that_always_thinks() -> None:
    assert "always thinks" in _why("claude-opus-5-5", messages("x", thinking={"type": "disabled"}))
    assert "always thinks" in _why("claude-opus-5-5", messages("x", model="claude-opus-4-6"))


def test_another_models_thinking_does_not_go_along() -> None:
    body = messages("x")
    body["messages"] += [
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "hm", "signature": "s"}]},
        {"role": "user", "content": "y"},
    ]
    assert "another model's thinking" in _why("claude-haiku-4-5", body)


@pytest.mark.parametrize(
    ("asked", "model", "expected"),
    [("max", "claude-sonnet-4-6", "max"), ("xhigh", "claude-sonnet-4-6", "high"), ("high", "claude-sonnet-5", "high")],
)
def test_effort_becomes_the_nearest_that_the_target_has(asked: str, model: str, expected: str) -> None:
    body = _to(model, messages("x", output_config={"effort": asked}))
    assert isinstance(body, dict)
    assert body["output_config"]["effort"] == expected


def test_effort_is_left_out_for_a_model_without_any() -> None:
    assert _to("gpt-4o-mini", chat("x", model="gpt-5", reasoning_effort="high"), CHAT) == chat("x", model="gpt-5")
    assert _to("claude-haiku-4-5", messages("x", output_config={"effort": "low"})) == messages("x", output_config={})


def test_t12_older_models_get_no_fields_of_the_newer_cache() -> None:
    marked = {"type": "text", "text": "x", "prompt_cache_breakpoint": {"mode": "explicit"}}
    body = {
        "model": "gpt-6.1-sol",
        "messages": [{"role": "user", "content": [marked]}],
        "prompt_cache_options": {"mode": "explicit"},
        "prompt_cache_key": "k",
    }
    assert _to("gpt-4.1-mini", body, CHAT) == {
        "model": "gpt-6.1-sol",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "x"}]}],
        "prompt_cache_key": "k",
    }


def test_a_forced_tool_goes_only_to_a_model_that_takes_one() -> None:
    forced = messages("x", tool_choice={"type": "any"}, thinking={"type": "adaptive"})
    assert _why("claude-opus-5-5", forced) == "it rejects a forced tool choice"
    free = _to("claude-opus-5-5", messages("x", tool_choice={"type": "auto"}, thinking={"type": "adaptive"}))
    assert not isinstance(free, Refused)
    required = chat("x", tool_choice="required")
    assert _to("gpt-4.1-mini", required, CHAT) == required


def test_a_prefilled_answer_goes_only_to_a_model_that_takes_one() -> None:
    assert _why("claude-sonnet-5", messages("x", "{")) == "it rejects a prefilled answer"
    assert not isinstance(_to("claude-haiku-4-5", messages("x", "{")), Refused)


def test_a_prompt_that_may_not_fit_the_window_stays() -> None:
    assert "may not fit its context window of 200,000" in _why("claude-haiku-4-5", messages("x"), tokens=199_000)


def test_turns_that_are_kept_at_the_provider_stay() -> None:
    body = {"model": "gpt-6.1-sol", "input": "x", "previous_response_id": "resp_1"}
    assert "kept at the provider" in _why("gpt-4.1-mini", body, RESPONSES)


def test_a_model_of_another_provider_is_refused() -> None:
    assert "is of openai" in _why("gpt-4.1-mini", messages("x"))

from __future__ import annotations

import pytest

from penstock.models.catalog import known_models, profile_of
from penstock.models.profile import Profile, Regime
from penstock.unknown import Unknown


def known(model: str) -> Profile:
    profile = profile_of(model)
    assert isinstance(profile, Profile), profile
    return profile


# Typed by hand from provider-semantics 1.3.
MINIMUMS = {
    512: [
        "claude-haiku-5-5",
        "claude-opus-5-5",
        "claude-sonnet-5-5",
        "claude-opus-5",
        "claude-fable-5",
        "claude-fable-5-1",
        "claude-mythos-5",
        "claude-mythos-5-1",
        "claude-fable-5-2",
        "claude-mythos-5-2",
    ],
    1024: [
        "claude-opus-4-8",
        "claude-sonnet-5",
        "claude-sonnet-4-6",
        "claude-sonnet-4-5",
        "claude-sonnet-4",
        "claude-opus-4-1",
        "claude-opus-4",
        "claude-3-5-sonnet",
        "claude-3-7-sonnet",
        "claude-3-opus",
    ],
    2048: ["claude-opus-4-7", "claude-mythos-preview", "claude-3-5-haiku", "claude-3-haiku"],
    4096: ["claude-opus-4-6", "claude-opus-4-5", "claude-haiku-4-5"],
}


@pytest.mark.parametrize(("minimum", "model"), [(size, model) for size, models in MINIMUMS.items() for model in models])
def test_t4_the_minimum_prefix_is_the_models_own(minimum: int, model: str) -> None:
    assert known(model).minimum_prefix == minimum


def test_t4_an_unlisted_model_has_no_profile() -> None:
    found = profile_of("claude-opus-9")
    assert isinstance(found, Unknown)
    assert "claude-opus-9" in found.why


def test_bedrock_has_its_own_minimum_for_opus_4_7() -> None:
    assert known("us.anthropic.claude-opus-4-7-20260416-v1:0").minimum_prefix == 4096


@pytest.mark.parametrize("model", ["gpt-5.6-luna", "gpt-6-sol", "gpt-6.1-terra", "gpt-6.2-astra"])
def test_models_from_gpt_5_6_on_have_breakpoints(model: str) -> None:
    profile = known(model)
    assert profile.regime is Regime.OPENAI_BREAKPOINTS
    assert profile.ttls == ("30m", "12h")
    assert profile.minimum_prefix == 1024


def test_older_openai_models_follow_the_grid_with_their_own_retention() -> None:
    assert known("gpt-4o").regime is Regime.OPENAI_GRID
    assert known("gpt-4o").ttls == ("in_memory",)
    assert known("gpt-5").ttls == ("24h", "in_memory")
    assert known("gpt-5.5").ttls == ("24h",)
    assert known("gpt-5.5").cache_interval == 2048
    assert known("gpt-4-turbo").regime is Regime.NONE


def test_t16_the_tokenizer_changes_with_claude_4_7() -> None:
    newer = ["claude-opus-4-7", "claude-opus-4-8", "claude-sonnet-5", "claude-haiku-5-5", "claude-fable-5"]
    older = ["claude-opus-4-6", "claude-sonnet-4-6", "claude-haiku-4-5", "claude-3-5-haiku"]
    assert {known(model).tokenizer for model in newer}.isdisjoint(known(model).tokenizer for model in older)
    assert {known(model).tokenizer_factor for model in newer} == {1.3}
    assert {known(model).tokenizer_factor for model in older} == {1.0}


def test_t28_newer_claude_models_refuse_sampling_parameters() -> None:
    for model in ("claude-sonnet-5", "claude-opus-4-7", "claude-opus-5-5", "claude-haiku-5-5"):
        assert {"temperature", "top_p", "top_k"} <= known(model).forbidden_params
    assert "temperature" not in known("claude-sonnet-4-6").forbidden_params


def test_t28_reasoning_models_refuse_the_old_cap_and_sampling() -> None:
    for model in ("o3", "gpt-5", "gpt-5.5", "gpt-6.1-sol"):
        assert {"max_tokens", "temperature"} <= known(model).forbidden_params
    assert "max_tokens" not in known("gpt-4o").forbidden_params
    assert "reasoning_effort" in known("gpt-4.1").forbidden_params


def test_t12_older_models_refuse_the_breakpoint_options() -> None:
    assert "prompt_cache_options" in known("gpt-5.5").forbidden_params
    assert "prompt_cache_options" in known("gpt-4o").forbidden_params
    assert "prompt_cache_options" not in known("gpt-5.6-sol").forbidden_params


def test_prefill_ends_with_4_6() -> None:
    assert known("claude-sonnet-4-5").accepts_prefill
    assert known("claude-haiku-4-5").accepts_prefill
    assert not known("claude-sonnet-4-6").accepts_prefill
    assert not known("claude-haiku-5-5").accepts_prefill


def test_thinking_types_by_generation() -> None:
    assert "enabled" not in known("claude-opus-4-7").thinking_types
    assert "adaptive" not in known("claude-haiku-4-5").thinking_types
    assert {"adaptive", "enabled"} <= known("claude-opus-4-6").thinking_types
    for model in ("claude-opus-5-5", "claude-fable-5-1"):
        assert known(model).always_thinks
        assert "disabled" not in known(model).thinking_types
        assert known(model).default_thinking == "adaptive"
    assert "disabled" in known("claude-sonnet-5-5").thinking_types


def test_a_forced_tool_choice_is_refused_by_three_families() -> None:
    for model in ("claude-opus-5-5", "claude-sonnet-5-5", "claude-fable-5-1"):
        assert not known(model).forced_tool_choice_allowed
    assert known("claude-opus-5").forced_tool_choice_allowed


def test_effort_defaults() -> None:
    assert known("claude-opus-5-5").default_effort == "medium"
    assert known("claude-haiku-5-5").default_effort == "medium"
    assert known("claude-sonnet-5-5").default_effort == "high"
    assert known("claude-haiku-4-5").efforts == ()


def test_thinking_blocks_stay_in_context_from_opus_4_5_and_sonnet_4_6_on() -> None:
    for model in ("claude-opus-4-5", "claude-sonnet-4-6", "claude-fable-5", "claude-haiku-5-5"):
        assert known(model).keeps_thinking
    for model in ("claude-opus-4-1", "claude-sonnet-4-5", "claude-haiku-4-5"):
        assert not known(model).keeps_thinking


def test_system_messages_inside_the_conversation() -> None:
    for model in ("claude-opus-4-8", "claude-opus-5", "claude-opus-5-5", "claude-fable-5", "claude-sonnet-5-5"):
        assert known(model).accepts_system_messages
    assert not known("claude-sonnet-5").accepts_system_messages


@pytest.mark.parametrize("model", known_models())
def test_every_model_has_a_profile_whose_defaults_it_accepts(model: str) -> None:
    profile = known(model)
    assert profile.model == model
    assert profile.default_effort is None or profile.default_effort in profile.efforts
    assert profile.default_thinking is None or profile.default_thinking in profile.thinking_types
    assert (profile.regime is Regime.NONE) or all(seconds > 0 for seconds in profile.ttl_seconds.values())

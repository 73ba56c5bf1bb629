from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.cachemodel.settings import anthropic_settings, frozen, openai_settings
from penstock.models.catalog import profile_of
from penstock.models.profile import Profile


def known(model: str) -> Profile:
    profile = profile_of(model)
    assert isinstance(profile, Profile)
    return profile


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"tool_choice": {"type": "auto"}},
        {"tool_choice": "auto", "speed": "standard"},
        {"tool_choice": {"type": "auto", "disable_parallel_tool_use": False}},
        {"thinking": {"type": "disabled"}},
        {"output_config": {"effort": "high"}},
        {"web_search": False, "citations": None},
    ],
)
def test_t8_a_setting_at_its_default_is_absent(fields: dict[str, Any]) -> None:
    assert anthropic_settings(fields, known("claude-sonnet-5-5")) == {}


def test_t8_defaults_are_the_models_own() -> None:
    medium = {"output_config": {"effort": "medium"}}
    assert anthropic_settings(medium, known("claude-opus-5-5")) == {}
    assert anthropic_settings(medium, known("claude-sonnet-5-5")) == {"effort": "medium"}
    assert anthropic_settings({"thinking": {"type": "adaptive"}}, known("claude-opus-5-5")) == {}
    assert anthropic_settings({"thinking": {"type": "adaptive"}}, known("claude-opus-5")) == {"thinking": ("adaptive",)}


def test_what_distinguishes_two_values_is_kept() -> None:
    profile = known("claude-sonnet-4-6")
    thinking = anthropic_settings({"thinking": {"type": "enabled", "budget_tokens": 2048}}, profile)
    choice = anthropic_settings(
        {"tool_choice": {"type": "tool", "name": "f", "disable_parallel_tool_use": True}}, profile
    )
    assert thinking == {"thinking": ("enabled", 2048)}
    assert choice == {"tool_choice": ("tool", "f"), "disable_parallel_tool_use": True}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"service_tier": "auto"},
        {"service_tier": "default", "parallel_tool_calls": True, "verbosity": "medium"},
        {"output_format": {"type": "text"}},
        {"output_format": "text", "prompt_cache_key": ""},
    ],
)
def test_openai_defaults_are_absent(fields: dict[str, Any]) -> None:
    assert openai_settings(fields, known("gpt-6.1-sol")) == {}


def test_priority_and_fast_are_one_tier() -> None:
    profile = known("gpt-6.1-sol")
    assert openai_settings({"service_tier": "priority"}, profile) == {"service_tier": "fast"}
    assert openai_settings({"service_tier": "fast"}, profile) == {"service_tier": "fast"}


def test_tool_choice_is_no_prefix_setting_of_openai() -> None:
    assert openai_settings({"tool_choice": "none"}, known("gpt-6.1-sol")) == {}


def test_the_default_effort_of_an_older_model_is_absent() -> None:
    assert openai_settings({"effort": "medium"}, known("gpt-5")) == {}
    assert openai_settings({"effort": "low"}, known("gpt-5")) == {"effort": "low"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=80)
@given(JSON)
def test_any_json_value_becomes_a_key(value: Any) -> None:
    assert hash(frozen(value)) == hash(frozen(value))


@settings(max_examples=80)
@given(st.dictionaries(st.sampled_from(["tool_choice", "thinking", "output_config", "speed", "service_tier"]), JSON))
def test_odd_values_are_settings_and_never_errors(fields: dict[str, Any]) -> None:
    for found in (anthropic_settings(fields, known("claude-opus-5-5")), openai_settings(fields, known("gpt-5"))):
        assert all(hash(value) == hash(value) and value is not None for value in found.values())

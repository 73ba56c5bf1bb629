from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.models.entries import ENTRIES
from penstock.models.names import Name, resolve


@pytest.mark.parametrize(
    ("text", "model"),
    [
        ("claude-opus-5-5", "claude-opus-5-5"),
        ("claude-opus-5-5-20260922", "claude-opus-5-5"),
        ("anthropic/claude-opus-4.8", "claude-opus-4-8"),
        ("openrouter/anthropic/claude-fable-5.2", "claude-fable-5-2"),
        ("claude-haiku-4-5@20251001", "claude-haiku-4-5"),
        ("claude-opus-5[1m]", "claude-opus-5"),
        ("claude-4-5-haiku", "claude-haiku-4-5"),
        ("claude-opus-4-0", "claude-opus-4"),
        ("claude-sonnet-4-20250514", "claude-sonnet-4"),
        ("claude-3-5-haiku-latest", "claude-3-5-haiku"),
        ("claude-3.5-sonnet", "claude-3-5-sonnet"),
        ("claude-3-5-sonnet-20241022", "claude-3-5-sonnet"),
        ("gpt-4o-2024-08-06", "gpt-4o"),
        ("gpt-4o-2024-05-13", "gpt-4o-2024-05-13"),
        ("openai/gpt-5-6-sol", "gpt-5.6-sol"),
        ("gpt-5.6", "gpt-5.6-sol"),
        ("gpt-5.2-20251211", "gpt-5.2"),
        ("gpt-5-chat-latest", "gpt-5-chat"),
        ("o3-2025-04-16", "o3"),
        (" GPT-4.1-nano-2025-04-14 ", "gpt-4.1-nano"),
    ],
)
def test_the_usual_spellings_resolve(text: str, model: str) -> None:
    assert resolve(text) == Name(model)


@pytest.mark.parametrize(
    "text",
    [
        "us.anthropic.claude-opus-4-7-20260416-v1:0",
        "anthropic.claude-opus-4-7-v1",
        "arn:aws:bedrock:us-east-1:1:inference-profile/global.anthropic.claude-opus-4-7-20260416-v1:0",
    ],
)
def test_a_bedrock_id_resolves_and_is_known_as_one(text: str) -> None:
    assert resolve(text) == Name("claude-opus-4-7", bedrock=True)


def test_a_fine_tuned_model_is_its_base_and_marked() -> None:
    assert resolve("ft:gpt-4o-mini-2024-07-18:acme::abc") == Name("gpt-4o-mini", tuned=True)


@pytest.mark.parametrize(
    "text",
    ["", "/", "claude", "claude-", "gpt-7", "claude-opus-9", "claude-opus-5-5-preview", "gpt-5.6-sol-extra", "ft:"],
)
def test_what_is_not_listed_stays_unknown(text: str) -> None:
    assert resolve(text) is None


@given(model=st.sampled_from(list(ENTRIES)), prefix=st.sampled_from(["", "openai/", "anthropic/", "a/b/"]))
@settings(max_examples=80)
def test_every_canonical_id_is_its_own_name_with_and_without_a_path(model: str, prefix: str) -> None:
    assert resolve(prefix + model) == Name(model)


@given(st.text(max_size=60))
def test_any_text_is_a_known_name_or_none(text: str) -> None:
    found = resolve(text)
    assert found is None or found.model in ENTRIES

from __future__ import annotations

import json
from typing import Any

import pytest

from penstock.cachemodel.machine import admit, begin
from penstock.cachemodel.prompt import UNREACHABLE, Prompt, prompt_of
from penstock.cachemodel.store import CacheState
from penstock.models.catalog import profile_of
from penstock.models.profile import Profile, Regime
from penstock.wire.dialect import Dialect
from penstock.wire.segments import Level
from penstock.wire.view import read_request

CLAUDE, CHAT, RESPONSES = Dialect.ANTHROPIC_MESSAGES, Dialect.OPENAI_CHAT, Dialect.OPENAI_RESPONSES


def prompt(dialect: Dialect, body: dict[str, Any], size: int = 1000, **more: Any) -> Prompt:
    view = read_request(dialect, json.dumps(body).encode())
    profile = profile_of(view.model)
    assert isinstance(profile, Profile)
    return prompt_of(view, profile, [size] * len(view.segments), **more)


def messages(**more: Any) -> dict[str, Any]:
    return {"model": "claude-opus-5-5", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]} | more


def test_blocks_carry_level_marker_and_message_of_their_segments() -> None:
    body = messages(
        tools=[{"name": "f", "input_schema": {}}],
        system=[{"type": "text", "text": "s", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
        cache_control={"type": "ephemeral"},
    )
    found = prompt(CLAUDE, body, scope="w")
    assert [block.level for block in found.blocks] == [Level.TOOLS, Level.SYSTEM, Level.MESSAGES]
    assert [block.marker for block in found.blocks] == [None, "1h", None]
    assert [block.message for block in found.blocks] == [-1, -1, 0]
    assert (found.automatic, found.scope, found.api, found.minimum_prefix) == ("5m", "w", "messages", 512)
    assert (found.max_tokens, found.stream, found.structured) == (9, False, False)
    assert admit(CacheState(), found, 0).split.write_1h == 2000


def test_moving_a_marker_changes_no_block() -> None:
    marked = messages(
        messages=[{"role": "user", "content": [{"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}}]}]
    )
    assert [block.id for block in prompt(CLAUDE, marked).blocks] == [
        block.id for block in prompt(CLAUDE, messages()).blocks
    ]


@pytest.mark.parametrize(
    ("more", "settings"),
    [
        ({}, {}),
        ({"output_config": {"effort": "medium"}, "speed": "standard"}, {}),
        ({"output_config": {"effort": "low"}}, {"effort": "low"}),
        ({"tool_choice": {"type": "any"}}, {"tool_choice": ("any",)}),
        ({"speed": "fast"}, {"speed": "fast"}),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, {"web_search": True}),
        ({"tools": [{"type": "web_fetch_20250910", "name": "web_fetch"}]}, {"web_fetch": True}),
    ],
)
def test_the_settings_of_a_messages_request(more: dict[str, Any], settings: dict[str, Any]) -> None:
    assert prompt(CLAUDE, messages(**more)).settings == settings


def test_citations_are_read_from_the_documents() -> None:
    document = {"type": "document", "source": {"type": "text", "data": "x", "media_type": "text/plain"}}
    for citations, expected in (({"enabled": True}, {"citations": True}), ({"enabled": False}, {}), (None, {})):
        content = [document | ({"citations": citations} if citations else {})]
        assert prompt(CLAUDE, messages(messages=[{"role": "user", "content": content}])).settings == expected


def test_an_output_format_is_known_for_the_pre_warm() -> None:
    body = messages(output_config={"format": {"type": "json_schema", "schema": {}}}, stream=True)
    found = prompt(CLAUDE, body, batch=True)
    assert (found.structured, found.stream, found.batch) == (True, True, True)


def test_the_options_of_a_responses_request() -> None:
    body = {
        "model": "gpt-6.1-terra",
        "input": [
            {
                "role": "developer",
                "content": [{"type": "input_text", "text": "d", "prompt_cache_breakpoint": {"mode": "explicit"}}],
            },
            {"role": "user", "content": "u"},
        ],
        "instructions": "i",
        "reasoning": {"effort": "low"},
        "text": {"verbosity": "high", "format": {"type": "json_object"}},
        "prompt_cache_options": {"mode": "explicit", "ttl": "12h", "prewarm": True},
        "prompt_cache_key": "k",
        "service_tier": "flex",
    }
    found = prompt(RESPONSES, body)
    assert (found.regime, found.mode, found.automatic, found.prewarm) == (
        Regime.OPENAI_BREAKPOINTS,
        "explicit",
        "12h",
        True,
    )
    assert found.settings == {
        "effort": "low",
        "verbosity": "high",
        "output_format": (("type", "json_object"),),
        "prompt_cache_key": "k",
        "service_tier": "flex",
    }
    assert [block.marker for block in found.blocks] == [None, "12h", None]
    split = admit(CacheState(), found, 0).split
    assert (split.write_12h, split.plain) == (2000, 1000)


def test_the_settings_of_a_chat_request() -> None:
    body = {
        "model": "gpt-6.1-sol",
        "messages": [{"role": "user", "content": "u"}],
        "reasoning_effort": "low",
        "verbosity": "low",
        "response_format": {"type": "text"},
        "parallel_tool_calls": False,
    }
    found = prompt(CHAT, body)
    assert found.settings == {"effort": "low", "verbosity": "low", "parallel_tool_calls": False}
    assert (found.api, found.mode, found.automatic) == ("chat", "implicit", None)


@pytest.mark.parametrize(
    ("model", "asked", "retention"),
    [
        ("gpt-4o", None, "in_memory"),
        ("gpt-5", None, "24h"),
        ("gpt-5", "in_memory", "in_memory"),
        ("gpt-5.5", None, "24h"),
    ],
)
def test_the_grid_has_the_models_retention_unless_the_request_names_one(
    model: str, asked: str | None, retention: str
) -> None:
    body = {"model": model, "messages": [{"role": "user", "content": "u"}]}
    found = prompt(CHAT, body | ({"prompt_cache_retention": asked} if asked else {}))
    assert found.retention == retention
    assert found.interval == (2048 if model == "gpt-5.5" else 128)


def test_t4_a_model_without_a_known_minimum_caches_nothing() -> None:
    found = prompt(CLAUDE, messages(model="claude-3-sonnet", system="s", cache_control={"type": "ephemeral"}), 10**9)
    assert found.minimum_prefix == UNREACHABLE
    assert admit(CacheState(), found, 0).split.plain == found.tokens


def test_odd_options_are_read_without_an_error() -> None:
    body = {"model": "gpt-6.1-sol", "input": "u", "prompt_cache_options": "x", "text": 3, "reasoning": []}
    assert prompt(RESPONSES, body).mode == "implicit"


def test_a_conversation_is_read_turn_by_turn() -> None:
    state, turns = CacheState(), [{"role": "user", "content": "a"}]
    reads = []
    for number in range(3):
        admission = admit(state, prompt(CLAUDE, messages(messages=turns, cache_control={"type": "ephemeral"})), number)
        begin(state, admission, number + 0.5)
        reads.append(admission.split.read)
        turns += [{"role": "assistant", "content": f"b{number}"}, {"role": "user", "content": f"c{number}"}]
    assert reads == [0, 1000, 3000]


def test_counts_must_match_the_segments() -> None:
    view = read_request(CLAUDE, json.dumps(messages()).encode())
    profile = profile_of(view.model)
    assert isinstance(profile, Profile)
    with pytest.raises(ValueError, match="argument"):
        prompt_of(view, profile, [1, 2, 3])

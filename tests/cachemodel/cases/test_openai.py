from __future__ import annotations

from typing import Any

import pytest

from penstock.cachemodel.cases import openai
from penstock.cachemodel.cases.fields import CaseError, Fields
from penstock.cachemodel.prompt import Prompt
from penstock.models.catalog import profile_of
from penstock.models.profile import Profile
from penstock.models.tiers import Tier
from penstock.wire.segments import Level


def read(
    request: dict[str, Any] | None = None, params: dict[str, Any] | None = None, model: str = "gpt-6.1-sol"
) -> tuple[Prompt, Tier]:
    profile = profile_of(model)
    assert isinstance(profile, Profile)
    return openai.read(Fields(request or {}, "request"), Fields(params or {}, "params"), profile, 1024)


def test_items_become_blocks_whose_last_part_ends_the_message() -> None:
    prompt, _ = read(
        {
            "tools_tokens": 7,
            "items": [
                {
                    "role": "developer",
                    "parts": [{"id": "a", "tokens": 1, "breakpoint": True}, {"id": "b", "tokens": 2}],
                },
                {"role": "assistant", "parts": [{"id": "c", "tokens": 3}]},
                {"type": "function_call_output", "id": "o", "tokens": 4},
            ],
        }
    )
    assert [(block.role, block.tokens, block.ends_message) for block in prompt.blocks] == [
        ("", 7, False),
        ("developer", 1, False),
        ("developer", 2, True),
        ("assistant", 3, True),
        ("tool", 4, True),
    ]
    assert prompt.blocks[0].level is Level.TOOLS
    assert [block.marker for block in prompt.blocks] == [None, "", None, None, None]
    assert [block.markable for block in prompt.blocks[1:]] == [True, True, False, False]


@pytest.mark.parametrize(
    ("part", "marker"),
    [
        ({"breakpoint": True}, ""),
        ({"breakpoint": {"mode": "explicit", "ttl": "12h"}}, "12h"),
        ({"prompt_cache_breakpoint": {"mode": "explicit"}}, ""),
        ({"breakpoint": True, "ttl": "12h"}, "12h"),
        ({"breakpoint": "12h"}, "12h"),
        ({"breakpoint": False}, None),
    ],
)
def test_a_breakpoint_has_several_spellings(part: dict[str, Any], marker: str | None) -> None:
    prompt, _ = read({"items": [{"role": "user", "parts": [{"id": "u", "tokens": 1} | part]}]})
    assert prompt.blocks[0].marker == marker


@pytest.mark.parametrize(
    ("params", "settings"),
    [
        ({"reasoning": {"effort": "low"}}, {"effort": "low"}),
        ({"reasoning_effort": "low"}, {"effort": "low"}),
        ({"text.verbosity": "high"}, {"verbosity": "high"}),
        ({"text": {"verbosity": "high", "format": "x"}}, {"verbosity": "high", "output_format": "x"}),
        ({"text.format": {"type": "text"}}, {}),
        ({"response_format": "schema"}, {"output_format": "schema"}),
        ({"parallel_tool_calls": False, "tool_choice": "none"}, {"parallel_tool_calls": False}),
        ({"service_tier": "flex"}, {"service_tier": "flex"}),
        ({"prompt_cache_key": "k"}, {"prompt_cache_key": "k"}),
    ],
)
def test_params_become_settings(params: dict[str, Any], settings: dict[str, Any]) -> None:
    assert read({}, params)[0].settings == settings


def test_the_cache_options_may_be_grouped_or_not() -> None:
    grouped, _ = read({}, {"prompt_cache_options": {"mode": "explicit", "ttl": "12h", "prewarm": True}})
    apart, _ = read({}, {"mode": "explicit", "ttl": "12h", "prewarm": True})
    assert grouped == apart
    assert (apart.mode, apart.automatic, apart.prewarm) == ("explicit", "12h", True)


@pytest.mark.parametrize("api", ["chat", "chat_completions", "chat.completions", "Chat"])
def test_the_chat_api_has_several_names(api: str) -> None:
    assert read({}, {"api": api})[0].api == "chat"


def test_the_grid_of_a_model_and_of_a_case() -> None:
    assert read({}, {}, "gpt-5.5")[0].interval == 128
    assert read({}, {"hidden_system_tokens": 0}, "gpt-5.5")[0].interval == 2048
    prompt, _ = read({"hidden_system_tokens": 50}, {"cache_interval": 1024}, "gpt-5.5")
    assert (prompt.interval, prompt.hidden_tokens) == (1024, 50)
    assert read({}, {}, "gpt-4.1")[0].retention == "24h"
    assert read({}, {"prompt_cache_retention": "in-memory"}, "gpt-4.1")[0].retention == "in_memory"


def test_tools_by_id_list_or_size() -> None:
    by_id = [read({"tools_tokens": 9}, {"tools_id": name})[0].blocks[0].id for name in ("a", "b", "a")]
    assert by_id[0] == by_id[2] != by_id[1]
    listed, _ = read({"tools": [{"id": "t", "tokens": 5}], "tools_tokens": 0})
    assert [block.tokens for block in listed.blocks] == [5]


def test_the_tier_is_the_one_that_is_billed() -> None:
    assert read({}, {"service_tier": "priority"})[1] == Tier("fast")
    assert read({}, {"batch": True})[1] == Tier("batch")
    assert read({}, {"inference_geo": "eu"})[1] == Tier("standard", "eu")


@pytest.mark.parametrize(
    ("request_", "params", "message"),
    [
        ({}, {"surprise": 1}, "no rule for surprise"),
        ({}, {"prompt_cache_options": {"colour": 1}}, "no rule for colour"),
        ({"items": [{"role": "user", "parts": [{"id": "u"}]}]}, {}, "no id or no tokens"),
        ({"items": [{"role": "user", "parts": [{"id": "u", "tokens": 1, "weight": 2}]}]}, {}, "no rule for weight"),
        ({"tools": [{"id": "t", "tokens": 5, "weight": 2}]}, {}, "no rule for weight"),
    ],
)
def test_what_has_no_rule_is_named(request_: dict[str, Any], params: dict[str, Any], message: str) -> None:
    with pytest.raises(CaseError, match=message):
        read(request_, params)

from __future__ import annotations

from typing import Any

import pytest

from penstock.cachemodel.cases import anthropic
from penstock.cachemodel.cases.fields import CaseError, Fields
from penstock.cachemodel.prompt import Prompt
from penstock.models.catalog import profile_of
from penstock.models.profile import Profile
from penstock.models.tiers import Tier
from penstock.wire.segments import Level


def read(request: dict[str, Any] | None = None, params: dict[str, Any] | None = None) -> tuple[Prompt, Tier]:
    profile = profile_of("claude-opus-5-5")
    assert isinstance(profile, Profile)
    return anthropic.read(Fields(request or {}, "request"), Fields(params or {}, "params"), profile, 512)


def test_blocks_are_read_in_render_order() -> None:
    prompt, _ = read(
        {
            "messages": [{"role": "user", "blocks": [{"id": "u", "type": "text", "tokens": 3, "cache_control": "1h"}]}],
            "system": [{"id": "s", "tokens": 2}],
            "tools": [{"id": "t", "type": "tool", "tokens": 1}],
        }
    )
    assert [(block.level, block.tokens, block.marker) for block in prompt.blocks] == [
        (Level.TOOLS, 1, None),
        (Level.SYSTEM, 2, None),
        (Level.MESSAGES, 3, "1h"),
    ]


@pytest.mark.parametrize(
    ("given", "ttl"),
    [
        ("5m", "5m"),
        (True, "5m"),
        ({"type": "ephemeral"}, "5m"),
        ({"type": "ephemeral", "ttl": "1h"}, "1h"),
        (False, None),
    ],
)
def test_a_marker_has_several_spellings(given: object, ttl: str | None) -> None:
    prompt, _ = read({"system": [{"id": "s", "tokens": 1, "cache_control": given}]}, {"top_level_cache_control": given})
    assert prompt.blocks[0].marker == ttl
    assert prompt.automatic == ttl


@pytest.mark.parametrize(
    ("params", "settings"),
    [
        ({"thinking": "enabled", "thinking_budget": 2048}, {"thinking": ("enabled", 2048)}),
        ({"budget_tokens": 2048}, {"thinking": ("enabled", 2048)}),
        ({"thinking": True}, {"thinking": ("enabled",)}),
        ({"thinking": False}, {"thinking": ("disabled",)}),
        ({"output_config.effort": "low"}, {"effort": "low"}),
        ({"output_config": {"effort": "low"}}, {"effort": "low"}),
        ({"effort": "medium"}, {}),
        ({"web_search": {"enabled": True}}, {"web_search": True}),
        ({"citations": "on", "web_fetch": "off"}, {"citations": True}),
        ({"images": True}, {"images": True}),
        ({"temperature": 0.5, "metadata": {"user_id": "x"}, "stream": True}, {}),
    ],
)
def test_params_become_settings(params: dict[str, Any], settings: dict[str, Any]) -> None:
    prompt, _ = read({}, params)
    assert prompt.settings == settings


def test_toggles_may_stand_on_the_blocks_themselves() -> None:
    request = {
        "tools": [{"id": "w", "type": "web_search_20250305", "tokens": 0}],
        "messages": [{"role": "user", "blocks": [{"id": "d", "type": "document", "tokens": 1, "citations": True}]}],
    }
    prompt, _ = read(request)
    assert prompt.settings == {"web_search": True, "citations": True}


def test_tier_scope_and_pre_warm() -> None:
    assert read({}, {"speed": "fast"})[1] == Tier("fast")
    assert read({}, {"batch": True, "inference_geo": "us"})[1] == Tier("batch", "us")
    prompt, _ = read({}, {"workspace": "w", "organization": "o", "max_tokens": 0, "output_config.format": "json"})
    assert (prompt.scope, prompt.max_tokens, prompt.structured) == ("o/w", 0, True)
    assert read({}, {"output_config": {"format": {"type": "json_schema"}}})[0].structured


@pytest.mark.parametrize(
    ("request_", "params", "message"),
    [
        ({}, {"surprise": 1}, "no rule for surprise"),
        ({"system": [{"id": "s", "tokens": 1, "colour": "red"}]}, {}, "no rule for colour"),
        ({"system": [{"id": "s"}]}, {}, "no id or no tokens"),
        ({"messages": [{"role": "user", "blocks": [], "weight": 3}]}, {}, "no rule for weight"),
        ({"system": [{"id": "s", "tokens": 1, "cache_control": 5}]}, {}, "no lifetime"),
    ],
)
def test_what_has_no_rule_is_named(request_: dict[str, Any], params: dict[str, Any], message: str) -> None:
    with pytest.raises(CaseError, match=message):
        read(request_, params)

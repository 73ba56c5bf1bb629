from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.wire.answer import read_answer
from penstock.wire.dialect import Dialect
from penstock.wire.reply import TierSaid, read_reply
from penstock.wire.usage_of import usage_of
from tests.wire.responses import BODIES

A, C, R = Dialect.ANTHROPIC_MESSAGES, Dialect.OPENAI_CHAT, Dialect.OPENAI_RESPONSES
_COUNTS = st.none() | st.booleans() | st.integers(-2, 9) | st.sampled_from([2**31, 2**70, 3.0, 1.5, "7", [], {}])
_PARTS = {
    "prompt_tokens_details": ("cached_tokens", "cache_write_tokens"),
    "completion_tokens_details": ("reasoning_tokens",),
    "cache_creation": ("ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens"),
    "output_tokens_details": ("thinking_tokens",),
    "server_tool_use": ("web_search_requests",),
}
_FLAT = (
    *("prompt_tokens", "completion_tokens", "total_tokens", "input_tokens", "output_tokens"),
    *("cache_read_input_tokens", "cache_creation_input_tokens"),
)
_USAGE = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(_FLAT, _COUNTS),
        **{
            name: _COUNTS | st.fixed_dictionaries({}, optional=dict.fromkeys(parts, _COUNTS))
            for name, parts in _PARTS.items()
        },
        "service_tier": st.sampled_from([None, "batch", "standard", 3]),
        "speed": st.sampled_from([None, "fast", []]),
        "iterations": st.sampled_from([None, [], [{"type": "compaction", "input_tokens": 3, "output_tokens": 1}]]),
    },
)
_ODD = st.sampled_from([None, 1, "text", [], {}, [None], [{}], [{"type": "text"}], [{"message": {}}]])


def _same(dialect: Dialect, body: bytes) -> None:
    reply = read_reply(dialect, body)
    assert reply.usage == usage_of(dialect, body)
    assert reply.answer == read_answer(dialect, body)


@pytest.mark.parametrize("dialect", [A, C, R])
@given(data=st.data())
def test_an_answer_reads_as_its_members_do_one_by_one(dialect: Dialect, data: st.DataObject) -> None:
    body = data.draw(BODIES[dialect])
    _same(dialect, json.dumps(body).encode())
    body["usage"] = data.draw(_USAGE)
    _same(dialect, json.dumps(body).encode())
    body[data.draw(st.sampled_from(sorted(body)))] = data.draw(_ODD)
    _same(dialect, json.dumps(body).encode())


@pytest.mark.parametrize("dialect", [A, C, R])
@given(body=st.binary(max_size=40))
def test_no_bytes_are_beyond_reading(dialect: Dialect, body: bytes) -> None:
    _same(dialect, body)


@pytest.mark.parametrize(
    ("dialect", "body", "said"),
    [
        (C, {"service_tier": "flex"}, TierSaid("flex", None, None, None)),
        (C, {}, None),
        (A, {"usage": {"service_tier": "batch"}}, TierSaid(None, "batch", None, None)),
        (A, {"usage": {"speed": "fast", "inference_geo": "us"}}, TierSaid(None, None, "fast", "us")),
        (A, {"usage": {"speed": 3}}, None),
        (R, {"service_tier": "priority"}, TierSaid("priority", None, None, None)),
    ],
)
@pytest.mark.parametrize("whole", [True, False], ids=["usual", "odd"])
def test_the_tier_is_what_body_and_usage_say(
    dialect: Dialect, body: dict[str, Any], said: TierSaid | None, whole: bool
) -> None:
    usage = {"input_tokens": 1, "output_tokens": 1, "prompt_tokens": 1, "completion_tokens": 1}
    usage |= {"prompt_tokens_details": {"cached_tokens": 0}, **body.get("usage", {})}
    usual = {"content": [], "choices": [{"message": {"content": "hi"}}]} if whole else {}
    assert read_reply(dialect, json.dumps({**usual, **body, "usage": usage}).encode()).tier == said

from __future__ import annotations

import msgspec

from penstock.simulator.reply import Reply, ToolCall, prompt_digest
from penstock.wire.dialect import Dialect
from penstock.wire.view import read_request
from tests.simulator.asking import messages


def test_a_prompt_keeps_its_digest_when_markers_caps_and_models_change() -> None:
    plain = messages("question")
    marked = {
        **plain,
        "model": "claude-haiku-5-5",
        "max_tokens": 7,
        "messages": [
            {
                "role": "user",
                "content": [{"type": "text", "text": "question", "cache_control": {"type": "ephemeral"}}],
            }
        ],
    }
    digests = {
        prompt_digest(read_request(Dialect.ANTHROPIC_MESSAGES, msgspec.json.encode(body))) for body in (plain, marked)
    }
    assert len(digests) == 1
    assert all(len(digest) == 16 for digest in digests)


def test_an_empty_prompt_has_a_digest_of_zeros() -> None:
    view = read_request(Dialect.ANTHROPIC_MESSAGES, b'{"model":"m","max_tokens":1,"messages":[]}')
    assert prompt_digest(view) == bytes(16)


def test_a_reply_reads_back_from_json() -> None:
    reply = Reply(text="a", tool_calls=(ToolCall("t", "{}"),), reasoning_tokens=3)
    assert msgspec.json.decode(msgspec.json.encode(reply), type=Reply) == reply

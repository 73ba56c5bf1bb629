from __future__ import annotations

import json
from typing import Any

import pytest

from penstock.audit.retrieved import retrieved_shares
from penstock.wire.dialect import Dialect
from penstock.wire.view import read_request
from tests.audit.traffic import words


def share(content: Any) -> float:
    body = {"model": "gpt-5.4", "messages": [{"role": "user", "content": content}]}
    return retrieved_shares(read_request(Dialect.OPENAI_CHAT, json.dumps(body).encode()))[0]


@pytest.mark.parametrize(
    ("before", "after"),
    [("<document>", "</document>"), ('<chunk id="3">', "</chunk>"), ("<context>\n", "\n</context>")],
)
def test_text_in_elements_is_retrieved(before: str, after: str) -> None:
    pieces = "\n".join(before + words(500, f"p{k}x") + after for k in range(4))
    assert share(pieces + "\nWhat is the notice period?") > 0.95


def test_numbered_pieces_are_retrieved_and_the_question_behind_them_is_not() -> None:
    pieces = "\n".join(f"[{k}] {words(500, f'p{k}x')}" for k in range(1, 5))
    question = "\n\nQuestion: " + words(400, "ask")
    assert 0.75 < share(pieces + question) < 0.95


@pytest.mark.parametrize(
    "text",
    [
        words(3000, "story"),
        "<document>" + words(3000, "one") + "</document>",  # one document is the task's own input
        "[1] only one " + words(3000, "enum"),
        "<document>a</document><document>b</document>",
    ],
)
def test_plain_long_text_and_single_or_small_pieces_are_not(text: str) -> None:
    assert share(text) == 0.0


def test_document_blocks_count_whole_and_other_roles_not_at_all() -> None:
    document = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "x" * 50}}
    pieces = "".join(f"<doc>{words(400, f'p{k}')}</doc>" for k in range(6))
    body = {
        "model": "claude-opus-5",
        "max_tokens": 5,
        "system": pieces,
        "messages": [{"role": "user", "content": [document]}, {"role": "assistant", "content": pieces}],
    }
    view = read_request(Dialect.ANTHROPIC_MESSAGES, json.dumps(body).encode())
    assert retrieved_shares(view) == [0.0, 1.0, 0.0]

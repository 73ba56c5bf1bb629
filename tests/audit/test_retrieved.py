from __future__ import annotations

import json
from typing import Any

import pytest

from penstock.audit.retrieved import retrieved_shares
from penstock.wire.dialect import Dialect
from penstock.wire.view import read_request
from tests.audit.traffic import words


def shares(content: Any) -> list[float]:
    body = {"model": "claude-opus-5", "max_tokens": 5, "messages": [{"role": "user", "content": content}]}
    return retrieved_shares(read_request(Dialect.ANTHROPIC_MESSAGES, json.dumps(body).encode()))


def test_a_run_of_elements_is_retrieved_and_the_question_behind_it_is_not() -> None:
    pieces = "\n".join(f"<document>{words(300, f'p{k}x')}</document>" for k in range(4))
    (share,) = shares(f"{pieces}\n\nQuestion: {words(300, 'ask')}")
    assert 0.7 < share < 0.9


@pytest.mark.parametrize("text", [words(3000, "story"), "<document>" + words(2000, "one"), "hi"])
def test_plain_text_is_not(text: str) -> None:
    assert shares(text) == [0.0]


def test_parts_that_are_one_chunk_each_and_search_results_are_retrieved() -> None:
    result = {"type": "search_result", "source": "s", "title": "t", "content": [{"type": "text", "text": "x"}]}
    paper = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "x" * 900}}
    parts = [{"type": "text", "text": f"<chunk>{words(300, f'p{k}')}</chunk>"} for k in range(2)]
    assert shares([*parts, result, paper, {"type": "text", "text": "When?"}]) == [1.0, 1.0, 1.0, 0.0, 0.0]


def test_other_roles_do_not_count() -> None:
    pieces = "".join(f"<doc>{words(300, f'p{k}')}</doc>\n" for k in range(6))
    messages = [{"role": "user", "content": "q"}, {"role": "assistant", "content": pieces}]
    body = {"model": "claude-opus-5", "max_tokens": 5, "system": pieces, "messages": messages}
    view = read_request(Dialect.ANTHROPIC_MESSAGES, json.dumps(body).encode())
    assert retrieved_shares(view) == [0.0, 0.0, 0.0]

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from penstock.wire.dialect import Dialect
from penstock.wire.tally import NOTHING, Tally
from penstock.wire.view import View, read_request

IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}}
THOUGHT = {"type": "thinking", "thinking": "hm", "signature": "x"}


def view_of(messages: list[dict[str, Any]], **more: Any) -> View:
    body = {"model": "claude-opus-5-5", "max_tokens": 9, "messages": messages, **more}
    return read_request(Dialect.ANTHROPIC_MESSAGES, json.dumps(body).encode())


def tally_of(view: View) -> Tally:
    return NOTHING.adding(view.segments)


def test_tools_and_system_text_are_the_head() -> None:
    tool = {"name": "find", "input_schema": {"type": "object"}}
    bare = view_of([{"role": "user", "content": "Hi"}])
    headed = view_of([{"role": "user", "content": "Hi"}], tools=[tool, {**tool, "name": "list"}], system="Be brief.")
    other = view_of([{"role": "user", "content": "Ho"}], tools=[tool, {**tool, "name": "list"}], system="Be brief.")
    assert tally_of(bare).head == b""
    assert tally_of(headed).tools == 2
    assert tally_of(headed).head == tally_of(other).head != b""


def test_images_and_documents_are_counted() -> None:
    document = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Clause 1"}}
    found = tally_of(view_of([{"role": "user", "content": [IMAGE, IMAGE, document]}]))
    assert (found.images, found.pictures, found.documents) == (2, 2, 1)


def test_t13_thinking_before_the_latest_plain_user_text_is_what_a_model_drops() -> None:
    result = {"type": "tool_result", "tool_use_id": "a", "content": "4"}
    call = {"type": "tool_use", "id": "a", "name": "add", "input": {}}
    loop = [
        {"role": "user", "content": "Add"},
        {"role": "assistant", "content": [THOUGHT, call]},
        {"role": "user", "content": [result]},
    ]
    assert (tally_of(view_of(loop)).thinking, tally_of(view_of(loop)).stripped) == (1, 0)
    asked = [*loop, {"role": "assistant", "content": "4"}, {"role": "user", "content": "And now?"}]
    assert (tally_of(view_of(asked)).thinking, tally_of(view_of(asked)).stripped) == (1, 1)


@given(
    st.lists(st.sampled_from([IMAGE, THOUGHT, {"type": "text", "text": "a"}]), min_size=1, max_size=8),
    st.integers(0, 8),
)
def test_counting_on_is_counting_all(parts: list[dict[str, Any]], cut: int) -> None:
    segments = view_of([{"role": "assistant", "content": parts}]).segments
    assert NOTHING.adding(segments[:cut]).adding(segments[cut:]) == NOTHING.adding(segments)

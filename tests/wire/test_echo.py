from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.wire.dialect import Dialect
from penstock.wire.echo import Echo, echo_of
from penstock.wire.view import read_request

MARKER = b'{"type":"ephemeral","ttl":"1h"}'
TEXT = {"type": "text", "text": "By Friday."}
THOUGHT = {"type": "thinking", "thinking": "Hm.", "signature": "s"}
CALL = {"type": "tool_use", "id": "t1", "name": "look", "input": {"at": 7}}


def _body(*blocks: Any, stop: str = "end_turn") -> bytes:
    return json.dumps({"type": "message", "content": list(blocks), "stop_reason": stop}).encode()


def _echo(*blocks: Any, stop: str = "end_turn", thinking: bool | None = None) -> Echo:
    echo = echo_of(_body(*blocks, stop=stop), thinking=thinking)
    assert echo is not None
    return echo


def test_a_text_comes_back_as_it_was_with_the_marker_on_it() -> None:
    marked = json.loads(_echo(TEXT).marked(MARKER))
    assert marked == {"role": "assistant", "content": [{**TEXT, "cache_control": json.loads(MARKER)}]}
    assert json.loads(_echo(TEXT).placeholder()) == {"role": "user", "content": "."}


def _prefix(turns: list[Any]) -> bytes:
    body = {"model": "m", "max_tokens": 0, "messages": turns}
    raw = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
    return read_request(Dialect.ANTHROPIC_MESSAGES, raw).segments[1].prefix


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip))
def test_a_client_that_sends_the_text_back_sends_the_same_prefix(text: str) -> None:
    asked = {"role": "user", "content": "Who?"}
    echoed = json.loads(_echo({"type": "text", "text": text, "citations": None}).marked(MARKER))
    assert _prefix([asked, echoed]) == _prefix([asked, {"role": "assistant", "content": text}])


def test_calls_of_tools_come_back_whole_and_are_followed_by_a_result_of_each() -> None:
    echo = _echo(THOUGHT, TEXT, CALL, {**CALL, "id": "t2"}, stop="tool_use")
    content = json.loads(echo.marked(MARKER))["content"]
    assert [block["type"] for block in content] == ["thinking", "text", "tool_use", "tool_use"]
    assert [block.get("cache_control") for block in content[:-1]] == [None, None, None]
    assert content[-1]["cache_control"] == json.loads(MARKER)
    results = json.loads(echo.placeholder())["content"]
    assert [result["tool_use_id"] for result in results] == ["t1", "t2"]


def test_thinking_comes_back_where_its_client_was_seen_to_send_it() -> None:
    assert len(_echo(THOUGHT, TEXT, thinking=True).blocks) == 2
    assert len(_echo(THOUGHT, TEXT, thinking=False).blocks) == 1
    assert echo_of(_body(THOUGHT, TEXT), thinking=None) is None


@pytest.mark.parametrize(
    "body",
    [
        _body(TEXT, stop="max_tokens"),
        _body(TEXT, stop="pause_turn"),
        _body(TEXT, stop="refusal"),
        _body(TEXT, stop="tool_use"),
        _body(CALL, stop="end_turn"),
        _body(THOUGHT),
        _body({"type": "text", "text": " \n"}),
        _body({**TEXT, "citations": [{"type": "char_location"}]}),
        _body({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}, TEXT),
        _body("no block"),
        _body(),
        b"{",
        b"[]",
    ],
)
def test_what_may_come_back_otherwise_is_not_known(body: bytes) -> None:
    assert echo_of(body, thinking=True) is None


@given(st.binary(max_size=60))
def test_whatever_the_bytes_are_nothing_is_raised(body: bytes) -> None:
    assert echo_of(body, thinking=None) is None

from __future__ import annotations

from pathlib import Path

from benchmarks import transcripts
from penstock.wire.dialect import Dialect
from tests.benchmarks.made_up import write_folder


def test_the_kth_request_is_everything_before_the_kth_assistant_message(tmp_path: Path) -> None:
    first, *_ = transcripts.load(write_folder(tmp_path, turns=2))
    assert [len(turn.messages) for turn in first.turns] == [2, 4, 6, 8]
    assert first.turns[0].messages[0]["role"] == "system"
    assert first.turns[1].answer["content"] == "Flight 0 is at noon."


def test_tool_calls_and_results_keep_their_ids_in_both_dialects(tmp_path: Path) -> None:
    first, *_ = transcripts.load(write_folder(tmp_path))
    turn = first.turns[1]
    chat = transcripts.chat_body("m", first, turn)["messages"]
    assert chat[2]["tool_calls"][0]["id"] == chat[3]["tool_call_id"]
    anthropic = transcripts.messages_body("m", first, turn)
    use, result = anthropic["messages"][1]["content"][0], anthropic["messages"][2]["content"][0]
    assert use["id"] == result["tool_use_id"]
    assert use["input"] == {"to": "X"}
    assert [message["role"] for message in anthropic["messages"]] == ["user", "assistant", "user"]


def test_results_and_calls_that_a_transcript_lost_are_mended() -> None:
    messages = [
        {"role": "user", "content": "hi"},
        {"role": "tool", "content": "a result without its call"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": None}}],
        },
        {"role": "user", "content": "never mind"},
    ]
    clean = transcripts._with_call_ids(messages)
    assert [message["role"] for message in clean] == ["user", "user", "assistant", "tool", "user"]
    assert clean[2]["tool_calls"][0]["function"]["arguments"] == "{}"


def test_the_dialects_paths_are_known() -> None:
    assert Dialect.ANTHROPIC_MESSAGES.path == "/v1/messages"

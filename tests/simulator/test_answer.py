from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.models.catalog import profile_of
from penstock.models.profile import Profile
from penstock.simulator.answer import TOOL_CALL_FRAMING, Answered, answer
from penstock.simulator.reply import Reply, ToolCall
from penstock.simulator.tokens import count_text
from penstock.wire.dialect import Dialect
from penstock.wire.view import read_request
from tests.simulator.asking import CHAT, chat

PROFILE = profile_of(CHAT)
TEXT = "one two three four five six seven eight nine ten"
CALL = ToolCall("weather", '{"city":"Ulm"}')


def cut(reply: Reply, *, thinking: int = 0, cap: int | None = None, room: int | None = None, **fields: Any) -> Answered:
    assert isinstance(PROFILE, Profile)
    view = read_request(Dialect.OPENAI_CHAT, msgspec.json.encode(chat(**fields)))
    return answer(reply, view, PROFILE, thinking=thinking, cap=cap, room=room)


def test_an_answer_within_its_cap_is_whole() -> None:
    found = cut(Reply(text=TEXT), cap=10)
    assert (found.text, found.output_tokens, found.finish) == (TEXT, 10, "stop")


def test_an_answer_over_its_cap_is_cut_there_and_billed_there() -> None:
    found = cut(Reply(text=TEXT), cap=4)
    assert (found.text, found.output_tokens, found.finish) == ("one two three four", 4, "length")


def test_t26_thinking_comes_first_and_can_leave_no_room() -> None:
    some = cut(Reply(text=TEXT), thinking=7, cap=10)
    assert (some.text, some.output_tokens, some.reasoning_tokens) == ("one two three", 10, 7)
    none = cut(Reply(text=TEXT), thinking=50, cap=10)
    assert (none.text, none.output_tokens, none.reasoning_tokens, none.visible) == ("", 10, 10, False)


def test_a_stated_length_is_what_is_billed_and_the_text_is_cut_in_proportion() -> None:
    assert cut(Reply(text=TEXT, output_tokens=20)).output_tokens == 20
    half = cut(Reply(text=TEXT, output_tokens=20), cap=10)
    assert (half.text, half.output_tokens) == ("one two three four five", 10)
    assert cut(Reply(text="", output_tokens=0), thinking=9, cap=4).output_tokens == 4


def test_tool_calls_that_do_not_fit_are_left_out() -> None:
    cost = TOOL_CALL_FRAMING + count_text("weather" + CALL.arguments, 1.0)
    both = cut(Reply(tool_calls=(CALL, CALL)), cap=2 * cost)
    assert (len(both.tool_calls), both.finish) == (2, "tool_use")
    one = cut(Reply(tool_calls=(CALL, CALL)), cap=2 * cost - 1)
    assert (len(one.tool_calls), one.finish, one.output_tokens) == (1, "length", 2 * cost - 1)


def test_a_stop_sequence_ends_the_text_before_it() -> None:
    found = cut(Reply(text=TEXT, output_tokens=99), stop=["six", "four"])
    assert (found.text, found.finish, found.stop_sequence) == ("one two three ", "stop_sequence", "four")
    assert found.output_tokens == 3, "a stated length is of the whole text"


def test_a_full_context_window_ends_the_answer() -> None:
    assert cut(Reply(text=TEXT), cap=100, room=4).finish == "window"
    assert cut(Reply(text=TEXT), cap=4, room=4).finish == "length"


def test_a_refusal_says_so() -> None:
    assert cut(Reply(text="No.", refused=True)).finish == "refusal"


@settings(max_examples=80, deadline=None)
@given(
    st.text(max_size=80),
    st.integers(0, 3),
    st.one_of(st.none(), st.integers(0, 40)),
    st.integers(0, 30),
    st.integers(0, 60),
)
def test_output_never_exceeds_the_cap_and_always_holds_the_thinking(
    text: str, calls: int, stated: int | None, thinking: int, cap: int
) -> None:
    found = cut(Reply(text=text, tool_calls=(CALL,) * calls, output_tokens=stated), thinking=thinking, cap=cap)
    assert 0 <= found.reasoning_tokens <= found.output_tokens <= cap
    assert text.startswith(found.text)
    assert (found.finish == "length") == (found.output_tokens == cap and thinking + _whole(text, calls, stated) > cap)


def _whole(text: str, calls: int, stated: int | None) -> int:
    counted = count_text(text, 1.0) + calls * (TOOL_CALL_FRAMING + count_text("weather" + CALL.arguments, 1.0))
    return max(1, counted if stated is None else stated)

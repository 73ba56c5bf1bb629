from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.evidence import task
from penstock.evidence.task import fingerprint, masked
from penstock.wire.dialect import Dialect
from penstock.wire.memo import Memo
from penstock.wire.view import View, read_request
from tests.levers.build import view_of
from tests.wire.requests import VIEWS

BODY: dict[str, Any] = {
    "model": "claude-opus-5-5",
    "max_tokens": 10,
    "system": "You sort mail. Today is Monday, 3 March 2026, 14:05.",
    "messages": [{"role": "user", "content": "Hello"}],
}


def of(**changes: Any) -> str:
    return fingerprint(view_of({**BODY, **changes}))


def test_a_fingerprint_is_sixteen_hex_digits() -> None:
    assert len(of()) == 16
    assert int(of(), 16) >= 0


@pytest.mark.parametrize(
    "system",
    [
        "You sort mail. Today is Friday, 14 November 2026, 09:30.",
        "You sort  mail.\nToday is Tuesday, 1 Jan 2027, 23:59:59.",
    ],
)
def test_t06_a_clock_in_the_system_prompt_does_not_make_another_task(system: str) -> None:
    assert of(system=system) == of()


def test_other_words_in_the_system_prompt_make_another_task() -> None:
    assert of(system="You sort bills. Today is Monday, 3 March 2026, 14:05.") != of()


def test_what_the_user_says_does_not_make_another_task() -> None:
    assert of(messages=[{"role": "user", "content": "Something else"}], model="claude-haiku-5-5") == of()


def test_tools_make_another_task_but_not_their_order() -> None:
    tools = [{"name": name, "input_schema": {"type": "object"}} for name in ("find", "book")]
    assert of(tools=tools) != of()
    assert of(tools=tools[::-1]) == of(tools=tools)


def test_the_shape_of_the_answer_makes_another_task() -> None:
    body = {"model": "gpt-6.1-sol", "messages": [{"role": "system", "content": "Sort."}]}
    schema = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}}
    plain = fingerprint(view_of(body, Dialect.OPENAI_CHAT))
    assert fingerprint(view_of({**body, "response_format": schema}, Dialect.OPENAI_CHAT)) != plain


def test_without_instructions_the_beginning_of_the_first_message_tells_tasks_apart() -> None:
    def opening(text: str) -> str:
        return fingerprint(view_of({"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": text}]}))

    assert opening("Translate into French:\nGood morning") == opening("Translate into French:\nGood night")
    assert opening("Translate into French:\nGood morning") != opening("Summarise this letter:\nGood morning")


def test_a_request_with_nothing_to_go_by_has_a_fingerprint_too() -> None:
    assert fingerprint(view_of({"model": "m", "max_tokens": 1, "messages": []}))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("id 123e4567-e89b-12d3-a456-426614174000 end", "id # end"),
        ("write to anna.b@example.org now", "write to # now"),
        ("order req_8fk3jd92 came", "order # came"),
        ("at 2026-03-03T14:05:00Z sharp", "at # sharp"),
        ("costs 1,234.50 in all", "costs # in all"),
        ("  two   blanks ", "two blanks"),
        ("no number at all", "no number at all"),
    ],
)
def test_what_changes_from_call_to_call_is_masked(text: str, shown: str) -> None:
    assert masked(text) == shown


@given(st.lists(VIEWS, min_size=1, max_size=3))
def test_a_fingerprint_is_the_same_whatever_was_asked_before(views: list[View]) -> None:
    known, task._known = task._known, Memo(64)
    try:
        warm = [fingerprint(view) for view in (*views, *views)]
    finally:
        task._known = known
    assert warm == [task._fingerprint(*task._parts(view)) for view in (*views, *views)]


def test_a_prompt_with_tools_that_cannot_be_read_is_told_by_its_first_message_every_time() -> None:
    body = {"model": "m", "tools": 5}
    found = {of_raw({**body, "messages": [{"role": "user", "content": text}]}) for text in ("Sort this", "Book that")}
    assert len(found) == 2


def of_raw(body: dict[str, Any]) -> str:
    return fingerprint(read_request(Dialect.ANTHROPIC_MESSAGES, json.dumps(body).encode()))

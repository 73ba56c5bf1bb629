from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.evidence.arrangement import AS_FIRST_SEEN, Arrangement, Arrangements, output_schema
from penstock.evidence.store import Evidence
from penstock.wire.dialect import Dialect
from penstock.wire.view import View, read_request

MESSAGES, CHAT, RESPONSES = Dialect.ANTHROPIC_MESSAGES, Dialect.OPENAI_CHAT, Dialect.OPENAI_RESPONSES
LOOK = '{"name":"look","input_schema":{"type":"object","properties":{"a":{},"b":{}}}}'
KOOL = '{"input_schema":{"properties":{"b":{},"a":{}},"type":"object"}, "name":"look"}'
ASK = '{"name":"ask","input_schema":{"type":"object","required":["b","a"]}}'
ASK_OTHER = '{"name":"ask","input_schema":{"type":"object","required":["a","b"]}}'


def view(*tools: str) -> View:
    raw = b'{"model":"m","max_tokens":9,"messages":[],"tools":[%b]}' % ",".join(tools).encode()
    return read_request(MESSAGES, raw)


def seen(arrangements: Arrangements, one: View, task: str = "t") -> Arrangement:
    arrangements.observe(task, one)
    return arrangements.tools(task, one)


def test_a_task_that_spells_its_tools_one_way_shows_nothing() -> None:
    arrangements = Arrangements()
    assert [seen(arrangements, view(LOOK, ASK)) for _ in range(3)] == [AS_FIRST_SEEN] * 3


def test_t7_another_key_order_of_the_same_tool_gets_the_first_spelling() -> None:
    arrangements = Arrangements()
    seen(arrangements, view(LOOK, ASK))
    found = seen(arrangements, view(KOOL, ASK))
    assert found == Arrangement(spellings=(LOOK.encode(), ASK.encode()), respelled=1, reordered=False, first=0)
    assert seen(arrangements, view(LOOK, ASK)) == AS_FIRST_SEEN


def test_t7_another_order_of_the_same_tools_is_seen_whatever_their_spelling() -> None:
    arrangements = Arrangements()
    seen(arrangements, view(LOOK, ASK))
    assert seen(arrangements, view(ASK, LOOK)) == Arrangement(reordered=True)
    both = seen(arrangements, view(ASK, KOOL))
    assert (both.reordered, both.respelled, both.spellings) == (True, 1, (ASK.encode(), LOOK.encode()))


def test_another_order_in_a_list_is_another_tool() -> None:
    arrangements = Arrangements()
    seen(arrangements, view(ASK))
    assert seen(arrangements, view(ASK_OTHER)) == AS_FIRST_SEEN


def test_tools_that_come_and_go_are_no_other_order() -> None:
    arrangements = Arrangements()
    seen(arrangements, view(LOOK, ASK))
    assert seen(arrangements, view(ASK)) == AS_FIRST_SEEN


def test_a_key_that_stands_twice_may_be_read_either_way_and_is_left_alone() -> None:
    arrangements = Arrangements()
    twice = '{"name":"a","input_schema":{"b":1,"b":2}}'
    seen(arrangements, view(LOOK, twice))
    assert seen(arrangements, view(KOOL, twice)) == AS_FIRST_SEEN


def test_tasks_do_not_share_spellings_and_what_was_not_observed_shows_nothing() -> None:
    arrangements = Arrangements()
    seen(arrangements, view(LOOK))
    assert seen(arrangements, view(KOOL), "other") == AS_FIRST_SEEN
    assert arrangements.tools("t", view(ASK)) == AS_FIRST_SEEN
    assert arrangements.tools("t", view()) == AS_FIRST_SEEN
    assert Evidence() == Evidence(arrangements=arrangements)


SCHEMA: dict[str, Any] = {"type": "object", "properties": {"why": {"type": "string"}, "fit": {"type": "boolean"}}}
TURNED: dict[str, Any] = {"properties": {"fit": {"type": "boolean"}, "why": {"type": "string"}}, "type": "object"}


def asking(schema: Any, dialect: Dialect) -> View:
    body: dict[str, Any] = {"model": "m", "messages": [], "max_tokens": 9}
    if dialect is CHAT:
        body["response_format"] = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    elif dialect is RESPONSES:
        body = {"model": "m", "input": "hi", "text": {"format": {"type": "json_schema", "name": "x", "schema": schema}}}
    else:
        body["output_config"] = {"format": {"type": "json_schema", "schema": schema}}
    return read_request(dialect, json.dumps(body).encode())


@pytest.mark.parametrize("dialect", [CHAT, RESPONSES])
def test_the_order_of_an_answers_keys_is_the_one_that_the_task_sent_first(dialect: Dialect) -> None:
    arrangements = Arrangements()
    found = []
    for schema in (SCHEMA, SCHEMA, TURNED, {**SCHEMA, "additionalProperties": False}):
        one = asking(schema, dialect)
        arrangements.observe("t", one)
        found.append(arrangements.schema("t", one))
    first = json.dumps(SCHEMA).encode()
    assert found == [AS_FIRST_SEEN, AS_FIRST_SEEN, Arrangement(spellings=(first,), respelled=1), AS_FIRST_SEEN]


def test_a_schema_that_is_no_part_of_the_prefix_is_left_alone() -> None:
    assert output_schema(asking(SCHEMA, MESSAGES)) is None
    assert output_schema(read_request(CHAT, b'{"model":"m","messages":[]}')) is None


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=10,
)
DEFINITIONS = st.dictionaries(st.text(max_size=4), VALUES, min_size=1, max_size=4)


def turned(value: Any, chosen: st.DataObject) -> Any:
    if isinstance(value, dict):
        keys = chosen.draw(st.permutations(list(value)))
        return {key: turned(value[key], chosen) for key in keys}
    return [turned(one, chosen) for one in value] if isinstance(value, list) else value


@settings(max_examples=60, deadline=None)
@given(st.lists(DEFINITIONS, min_size=1, max_size=3), st.data())
def test_whatever_the_keys_order_the_spelling_is_the_first_one_and_means_the_same(
    tools: list[dict[str, Any]], chosen: st.DataObject
) -> None:
    arrangements = Arrangements()
    first = view(*map(json.dumps, tools))
    arrangements.observe("t", first)
    for _ in range(3):
        later = view(*(json.dumps(turned(tool, chosen)) for tool in tools))
        found = seen(arrangements, later)
        spelled = found.spellings or [later.raw[start:end] for start, end in map(later.span, later.segments)]
        assert [json.loads(one) for one in spelled] == tools
        if len({json.dumps(tool, sort_keys=True) for tool in tools}) == len(tools):
            assert list(spelled) == [json.dumps(tool).encode() for tool in tools]

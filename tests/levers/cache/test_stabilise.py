from __future__ import annotations

import json
import re
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.engine.edit import Edit, Note, Risk
from penstock.engine.facts import facts_for
from penstock.evidence.store import Evidence
from penstock.levers.cache.stabilise import propose
from penstock.policy.load import load_policy
from penstock.unknown import Unknown
from penstock.wire.body import Operation, apply
from penstock.wire.view import View
from tests.levers.cache.prompts import CLAUDE, GPT, NOW, anthropic, chat, view_of

OPEN = "[defaults.cache]\nstabilise = true\nmove_static_up = true\n"


def _prose(seed: object, words: int = 900) -> str:
    rng = Random(str(seed))
    return "\n".join(" ".join(f"{rng.getrandbits(30):x}" for _ in range(12)) for _ in range(words // 12))


class Task:
    """One task's calls, each laid out and planned."""

    def __init__(self, policy: str = "") -> None:
        self.policy = load_policy(policy)
        self.evidence = Evidence()

    def proposed(self, body: dict[str, Any]) -> tuple[View, list[Edit | Note]]:
        view = view_of(body)
        self.evidence.layouts.observe("t", view)
        self.evidence.arrangements.observe("t", view)
        facts = facts_for(
            view,
            task="t",
            policy=self.policy.task("t"),
            levers=self.policy.levers,
            evidence=self.evidence,
            now=NOW,
        )
        return view, propose(view, facts)

    def edits(self, body: dict[str, Any]) -> list[Edit]:
        return [edit for edit in self.proposed(body)[1] if isinstance(edit, Edit)]

    def send(self, body: dict[str, Any]) -> dict[str, Any]:
        view, proposed = self.proposed(body)
        edits = [edit for edit in proposed if isinstance(edit, Edit)]
        operations = [Operation(edit.path, edit.action.value, edit.value) for edit in edits]
        sent: dict[str, Any] = json.loads(apply(view.raw, operations))
        return sent


def _texts(content: Any) -> list[str]:
    return [content] if isinstance(content, str) else [part["text"] for part in content]


@pytest.mark.parametrize("parts", [False, True])
@pytest.mark.parametrize("make", [anthropic, chat])
def test_t2_one_text_is_cut_where_it_stops_being_shared_and_reads_the_same(make: Any, parts: bool) -> None:
    task = Task()
    for number in range(6):
        text = _prose("vacancy") + "\n\nCV:\n" + _prose(number)
        content: Any = [{"type": "text", "text": text}] if parts else text
        body = make(turns=[content])
        sent = task.send(body)
        pieces = _texts(sent["messages"][-1]["content"])
        assert "".join(pieces) == text
        assert {**sent, "messages": None} == {**body, "messages": None}
        assert len(pieces) == (1 if number < 3 else 2)
        if number >= 3:
            assert _prose("vacancy").startswith(pieces[0])
            assert len(pieces[0]) > 0.9 * len(_prose("vacancy"))


def test_a_split_is_exact_and_says_why() -> None:
    task = Task()
    for number in range(4):
        edits = task.edits(anthropic(turns=[_prose("vacancy") + _prose(number)]))
    assert [(edit.risk, edit.lever, edit.saving) for edit in edits] == [(Risk.EXACT, "cache", 0)]
    assert "other calls of the task share" in edits[0].why


def test_t7_no_turn_of_a_conversation_moves_the_prefix_of_the_turn_before() -> None:
    task = Task(OPEN)
    conversations = [[_prose("vacancy") + _prose(number)] for number in range(8)]
    before: dict[int, list[Any]] = {}
    for _ in range(4):
        for number, turns in enumerate(conversations):
            system = f"Session: {number}\n{_prose('rules')}"
            sent = task.send(anthropic(system=system, turns=turns))
            now = [sent["system"], *sent["messages"]]
            if number in before:
                assert now[: len(before[number])] == before[number]
            before[number] = now
            turns += ["An answer.", "And then?"]


def test_t4_nothing_is_cut_below_the_models_minimum_or_for_a_model_that_we_do_not_know() -> None:
    short, unknown = Task(), Task()
    for number in range(6):
        text = _prose("vacancy", 60) + _prose(number)
        assert short.edits(anthropic(system="Be brief.", turns=[text], model="claude-opus-4-6")) == []
        assert unknown.edits(anthropic(turns=[_prose("v") + _prose(number)], model="some-model")) == []


def test_texts_that_do_not_repeat_are_left_alone() -> None:
    task = Task(OPEN)
    assert [task.edits(anthropic(system="Be brief.", turns=[_prose(number)])) for number in range(6)] == [[]] * 6


def test_a_client_that_marks_its_own_prefixes_keeps_its_blocks() -> None:
    task = Task(OPEN)
    mark = {"cache_control": {"type": "ephemeral"}}
    for number in range(6):
        body = anthropic(turns=[_prose("vacancy") + _prose(number)])
        assert task.edits({**body, **mark}) == []
        marked = anthropic(system=[{"type": "text", "text": "Be brief.", **mark}], turns=[_prose("v") + _prose(number)])
        assert task.edits(marked) == []
        assert (
            task.edits({**chat(turns=[_prose("w") + _prose(number)]), "prompt_cache_options": {"mode": "explicit"}})
            == []
        )


@pytest.mark.parametrize(("make", "model"), [(anthropic, CLAUDE), (chat, GPT)])
def test_t6_a_clock_at_the_top_goes_below_what_never_changes_word_for_word(make: Any, model: str) -> None:
    task = Task(OPEN)
    rules = _prose("rules")
    found = []
    for second in range(6):
        system = f"Current time: 2026-11-20 09:00:0{second}\n{rules}"
        sent = task.send(make(system=system, model=model))
        found.append(_texts(sent["system"] if "system" in sent else sent["messages"][0]["content"]))
    assert [len(texts) for texts in found] == [1, 1, 1, 2, 2, 2]
    assert {texts[0] for texts in found[3:]} == {rules}
    assert [texts[1] for texts in found[3:]] == [f"\nCurrent time: 2026-11-20 09:00:0{second}" for second in (3, 4, 5)]


def test_t6_without_permission_the_clock_stays_and_is_named() -> None:
    task = Task("[defaults.cache]\nstabilise = true\n")
    for second in range(6):
        _, proposed = task.proposed(anthropic(system=f"Current time: 09:00:0{second}\n{_prose('rules')}"))
    (note,) = proposed
    assert isinstance(note, Note)
    assert "move_static_up" in note.why
    assert "varies: clock at bytes 14 to 22, of 7," in note.why
    assert re.search(r"; about [\d,]+ tokens behind it", note.why)
    assert re.search(r"cache, \$0\.0\d*[1-9]\d* a call", note.why)
    assert "09:00" not in note.why


def test_in_a_list_of_system_blocks_the_clock_goes_below_the_last() -> None:
    task = Task(OPEN)
    for second in range(5):
        first = {"type": "text", "text": f"Current time: 09:00:0{second}\n{_prose('rules')}"}
        sent = task.send(anthropic(system=[first, {"type": "text", "text": "Be kind."}]))
    assert [block["text"] for block in sent["system"]] == [_prose("rules"), "Be kind.", "\nCurrent time: 09:00:04"]


@settings(max_examples=30, deadline=None)
@given(st.permutations(["alpha", "beta", "gamma", "delta"]))
def test_t7_the_same_tools_in_any_order_are_one_prefix(order: list[str]) -> None:
    tools = [{"name": name, "input_schema": {"type": "object", "required": ["b", "a"]}} for name in order]
    sent = Task(OPEN).send(anthropic(tools=tools))
    assert [tool["name"] for tool in sent["tools"]] == sorted(order)
    assert sorted(map(json.dumps, sent["tools"])) == sorted(map(json.dumps, tools))
    edits = Task(OPEN).edits(anthropic(tools=tools))
    assert [edit.risk for edit in edits] == [Risk.EQUIVALENT] * (order != sorted(order))
    assert Task().edits(anthropic(tools=tools)) == []


def test_t7_tools_of_one_name_keep_their_order() -> None:
    tools = [{"name": "b"}, {"name": "a"}, {"name": "a", "description": "x"}]
    assert Task(OPEN).edits(anthropic(tools=tools)) == []


def test_a_part_with_members_of_its_own_stays_whole() -> None:
    task = Task()
    for number in range(6):
        part = {"type": "text", "text": _prose("vacancy") + _prose(number), "citations": None}
        assert task.edits(anthropic(turns=[[part]])) == []


def test_an_unknown_price_is_no_reason_to_leave_a_text_whole() -> None:
    task = Task()
    for number in range(4):
        view = view_of(anthropic(turns=[_prose("vacancy") + _prose(number)]))
        task.evidence.layouts.observe("t", view)
    policy = load_policy("")
    facts = facts_for(view, task="t", policy=policy.defaults, levers=policy.levers, evidence=task.evidence, now=0.0)
    assert isinstance(facts.prices, Unknown)
    assert len(propose(view, facts)) == 1


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("Date: 2026-11-{n:02d}", "date at bytes 6 to 16"),
        ("Request {n:08x}-1111-4222-8333-abcdefabcdef.", "uuid at bytes 8 to 44"),
        ("Trace req_{n}k2x9fq", "id at bytes 6 to 17"),
        ("Work in /home/u{n}/src now", "path at bytes 8 to 20"),
        ("Call number {n}", "counter at bytes 12 to 13"),
        ("You help Ann{n} Smith", "name at bytes 9 to 13"),
    ],
)
def test_t6_what_varies_is_named_by_its_kind_and_its_bytes(line: str, named: str) -> None:
    task = Task()
    notes: list[str] = []
    for n in range(1, 9):
        _, proposed = task.proposed(anthropic(system=f"{line.format(n=n)}\n{_prose('rules')}"))
        notes = [one.why for one in proposed if isinstance(one, Note)]
    (why,) = notes
    assert f"varies: {named}, of " in why
    assert "$0." in why


def test_t6_several_things_that_vary_are_listed_and_the_edit_names_their_kinds() -> None:
    task = Task(OPEN)
    for n in range(6):
        system = f"Time 09:00:0{n}\nSession req_{n}k2x9fq in /srv/u{n}/x\n{_prose('rules')}"
        edits = task.edits(anthropic(system=system))
    assert edits[0].why.startswith("clock and id and path: 2 varying lines (")


def _tools(names: str, *, turned: bool = False) -> list[dict[str, Any]]:
    made = [{"name": name, "description": "d", "input_schema": {"type": "object", "title": name}} for name in names]
    return [dict(reversed(tool.items())) if turned else tool for tool in made]


def test_t7_without_permission_another_order_is_named_with_its_place_and_its_price() -> None:
    task = Task()
    task.proposed(anthropic(tools=_tools("abc")))
    for tools, kind, first in (
        (_tools("acb"), "tool order", 1),
        (_tools("abc", turned=True), "JSON key order", 0),
        (_tools("cba", turned=True), "tool order and JSON key order", 0),
    ):
        view, proposed = task.proposed(anthropic(tools=tools))
        (note,) = proposed
        assert isinstance(note, Note)
        start, end = view.span(view.segments[first])
        assert note.why.startswith(f"{kind}: the same 3 tools came otherwise before, the first change at bytes ")
        assert f"at bytes {start:,} to {end:,}; about " in note.why
        assert re.search(r"cannot be read from a cache, \$0\.0\d+ a call", note.why)
    assert task.proposed(anthropic(tools=_tools("abc")))[1] == []


def test_t7_tools_are_spelled_as_the_task_spelled_them_first_and_ordered_by_name() -> None:
    task = Task(OPEN)
    first = task.send(anthropic(tools=_tools("abc")))
    edits = task.edits(anthropic(tools=_tools("cab", turned=True)))
    assert [edit.risk for edit in edits] == [Risk.EQUIVALENT]
    assert "in the order of their names, 3 with their keys in the order that the task sent first" in edits[0].why
    sent = task.send(anthropic(tools=_tools("cab", turned=True)))
    assert json.dumps(sent["tools"]) == json.dumps(first["tools"])


def _format(schema: dict[str, Any]) -> dict[str, Any]:
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": schema}}}


@pytest.mark.parametrize("model", [GPT, "gpt-4.1"])
def test_an_output_schema_keeps_the_key_order_that_the_task_sent_first(model: str) -> None:
    task, closed = Task(OPEN), Task()
    schema = {"type": "object", "properties": {"why": {}, "fit": {}}}
    turned = {"type": "object", "properties": {"fit": {}, "why": {}}}
    for each in (task, closed):
        assert each.edits(chat(model=model, **_format(schema))) == []
    sent = task.send(chat(model=model, **_format(turned)))
    assert json.dumps(sent) == json.dumps(chat(model=model, **_format(schema)))
    notes = closed.proposed(chat(model=model, **_format(turned)))[1]
    if model != GPT:  # where writing costs nothing nothing is looked for without permission
        assert notes == []
        return
    (note,) = notes
    assert isinstance(note, Note)
    assert note.why.startswith("JSON key order: the same output schema came otherwise before")


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.permutations("abcd"), st.booleans(), st.booleans()), min_size=2, max_size=5))
def test_t7_no_order_of_tools_or_keys_moves_the_prefix_between_successive_turns(turns: list[Any]) -> None:
    task = Task(OPEN)
    schema: dict[str, Any] = {"type": "object", "properties": {"why": {}, "fit": {}}}
    sent, said = [], ["Who pays?"]
    for order, turned, flipped in turns:
        properties = dict(reversed(schema["properties"].items())) if flipped else schema["properties"]
        body = chat(turns=said, tools=[], **_format({**schema, "properties": properties}))
        functions = _tools("".join(order), turned=turned)
        body["tools"] = [{"type": "function", "function": function} for function in functions]
        sent.append(task.send(body))
        said += ["An answer.", "And then?"]
    assert len({json.dumps([one["tools"], one["response_format"]]) for one in sent}) == 1
    for before, after in pairwise(sent):
        assert after["messages"][: len(before["messages"])] == before["messages"]

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.engine.edit import Risk
from penstock.engine.pipeline import Lever, optimise
from penstock.engine.plan import Plan
from penstock.levers.trim.retrieved import propose
from penstock.wire.dialect import Dialect
from penstock.wire.view import read_request
from tests.levers.build import facts_of, view_of
from tests.playbook import messages

MESSAGES, CHAT = Dialect.ANTHROPIC_MESSAGES, Dialect.OPENAI_CHAT
HAIKU = "claude-haiku-4-5"


def _chunk(number: int, words: int = 2000) -> str:
    return f'<document id="{number}">' + f"w{number} " * words + "</document>"


def _plan(body: Any, policy: str = "[tasks.t.trim]", dialect: Dialect = MESSAGES) -> Plan:
    view = view_of(body, dialect)
    plan = optimise(view, facts_of(view, policy), [Lever("trim", propose)])
    assert not plan.failures
    return plan


def _content(plan: Plan, message: int = 0) -> Any:
    return json.loads(plan.body)["messages"][message]["content"]


def _asking(*chunks: str) -> dict[str, Any]:
    return messages("Read:\n" + "\n".join(chunks) + "\nWho was it?", model=HAIKU)


def test_retrieved_text_is_held_to_four_thousand_tokens_in_whole_chunks() -> None:
    plan = _plan(_asking(*(_chunk(n) for n in range(6))))
    text = _content(plan)
    assert text == f"Read:\n{_chunk(0)}\n{_chunk(1)}\n[4 retrieved passages left out]\n\nWho was it?"
    (edit,) = plan.edits
    assert edit.risk is Risk.LOSSY
    assert edit.why.startswith("4 of 6 retrieved passages left out, about")
    assert isinstance(edit.saving, int)
    assert edit.saving > 0


def test_top_k_holds_the_number_of_chunks_below_the_cap_too() -> None:
    text = _content(_plan(_asking(*(_chunk(n, 3) for n in range(4))), "[tasks.t.trim]\ntop_k = 2"))
    assert text == f"Read:\n{_chunk(0, 3)}\n{_chunk(1, 3)}\n[2 retrieved passages left out]\n\nWho was it?"


def test_exact_repetitions_are_left_out_of_a_text_over_the_cap() -> None:
    text = _content(_plan(_asking(_chunk(0), _chunk(0), _chunk(1))))
    assert text == f"Read:\n{_chunk(0)}\n[1 retrieved passage left out]\n\n{_chunk(1)}\nWho was it?"


def test_tasks_marked_long_context_and_texts_within_the_caps_are_left_alone() -> None:
    body = _asking(*(_chunk(n) for n in range(6)))
    assert _plan(body, "[tasks.t.trim]\nlong_context = true").edits == ()
    assert _plan(body, "").edits == ()
    assert _plan(_asking(_chunk(0, 10), _chunk(0, 10))).edits == ()


def test_t25_a_message_in_the_history_is_held_in_the_same_way_as_when_it_was_new() -> None:
    question = _asking(*(_chunk(n) for n in range(6)))["messages"][0]["content"]
    now = _content(_plan(messages(question, model=HAIKU)))
    later = _content(_plan(messages(question, "Bob.", "And then?", model=HAIKU)))
    assert now == later


def test_parts_of_which_each_is_one_chunk_go_whole_and_a_marked_one_stays() -> None:
    control = {"type": "ephemeral"}
    parts: list[dict[str, Any]] = [{"type": "text", "text": _chunk(n)} for n in range(4)]
    parts[3]["cache_control"] = control
    question = {"type": "text", "text": "Who was it?"}
    body = {**messages(model=HAIKU), "messages": [{"role": "user", "content": [*parts, question]}]}
    mark = {"type": "text", "text": "[1 retrieved passage left out]"}
    assert _content(_plan(body)) == [parts[0], parts[1], mark, parts[3], question]


def test_search_results_are_chunks_and_documents_of_the_user_are_not() -> None:
    results = [
        {"type": "search_result", "source": f"s{n}", "title": "t", "content": [{"type": "text", "text": "w " * 6000}]}
        for n in range(3)
    ]
    body = {**messages(model=HAIKU), "messages": [{"role": "user", "content": results}]}
    mark = {"type": "text", "text": "[2 retrieved passages left out]"}
    assert _content(_plan(body)) == [results[0], mark]
    paper = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "w " * 9000}}
    attached = {**messages(model=HAIKU), "messages": [{"role": "user", "content": [paper, paper, paper]}]}
    assert _plan(attached).edits == ()


def test_the_parts_of_the_responses_dialect_get_its_own_kind_of_mark() -> None:
    parts = [{"type": "input_text", "text": _chunk(n)} for n in range(3)]
    body = {"model": "gpt-4.1-mini", "input": [{"role": "user", "content": parts}]}
    plan = _plan(body, "[tasks.t.trim]\ntop_k = 1", Dialect.OPENAI_RESPONSES)
    mark = {"type": "input_text", "text": "[2 retrieved passages left out]"}
    assert json.loads(plan.body)["input"][0]["content"] == [parts[0], mark]


def test_an_unknown_price_makes_the_saving_unknown_and_the_cap_holds() -> None:
    body = {**_asking(*(_chunk(n) for n in range(6))), "model": "who-knows"}
    (edit,) = _plan(body).edits
    assert not isinstance(edit.saving, int)


def test_escapes_keep_the_style_of_the_client() -> None:
    chunks = "\n".join(_chunk(n) for n in range(6))
    ascii_only = _plan(messages(f"é {chunks}", model=HAIKU))
    assert rb"\u00e9" in ascii_only.body
    raw = json.dumps(messages(f"é {chunks}", model=HAIKU), ensure_ascii=False).encode()
    view = read_request(MESSAGES, raw)
    plan = optimise(view, facts_of(view, "[tasks.t.trim]"), [Lever("trim", propose)])
    assert "é".encode() in plan.body


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1, 900), min_size=1, max_size=12), st.integers(50, 5000), st.none() | st.integers(1, 6))
def test_what_is_asked_always_stays_and_chunks_are_never_split(sizes: list[int], cap: int, top_k: int | None) -> None:
    chunks = [_chunk(number, size) for number, size in enumerate(sizes)]
    most = "" if top_k is None else f"\ntop_k = {top_k}"
    text = _content(_plan(_asking(*chunks), f"[tasks.t.trim]\nretrieved_tokens = {cap}{most}"))
    assert text.startswith("Read:\n")
    assert text.endswith("\nWho was it?")
    assert text.count("<document") == text.count("</document>")
    assert [chunk for chunk in chunks if chunk in text][:1] == chunks[:1]
    kept = text.count("<document")
    assert (f"[{len(chunks) - kept} retrieved passage" in text) is (kept < len(chunks))

"""The cache lever as a whole."""

from __future__ import annotations

from penstock.engine.edit import Risk
from penstock.levers.cache.propose import propose
from penstock.unknown import Unknown
from tests.levers.cache.prompts import LONG, Traffic, anthropic, chat, markers, view_of


def test_a_prompt_that_keeps_coming_is_marked() -> None:
    traffic = Traffic()
    for n in range(12):
        sent = traffic.send(anthropic(turns=(f"Question {n}: who pays for item {n}?",)))
    assert markers(sent["system"]) == ["5m"]
    assert sent["system"][0]["text"] == LONG


def test_t20_a_one_shot_prompt_carries_no_marker() -> None:
    traffic = Traffic()
    for n in range(40):
        sent = traffic.send(anthropic(system=f"{n} {LONG}", turns=(f"Summarise {n}",)))
        assert markers(sent) == []


def test_t20_a_one_shot_prompt_asks_openai_for_no_write() -> None:
    traffic = Traffic()
    for n in range(40):
        sent = traffic.send(chat(system=f"{n} {LONG}", turns=(f"Summarise {n}",)))
    assert sent["prompt_cache_options"] == {"mode": "explicit"}
    assert markers(sent) == []


def test_t12_a_shared_prompt_is_marked_where_it_ends_and_its_tail_is_not_written() -> None:
    traffic = Traffic()
    for n in range(20):
        sent = traffic.send(chat(turns=(f"{n}: {LONG[:5000]}",)))
    assert sent["prompt_cache_options"] == {"mode": "explicit"}
    assert markers(sent["messages"][0]) == ["30m"]
    assert markers(sent["messages"][1]) == []


def test_t12_the_fields_of_breakpoints_never_reach_an_older_model() -> None:
    traffic = Traffic()
    for n in range(20):
        sent = traffic.send(chat(model="gpt-5.4", turns=(f"Question {n}",)))
        assert sent == chat(model="gpt-5.4", turns=(f"Question {n}",))


def test_t12_a_busy_task_gets_a_key_per_session_on_older_models() -> None:
    traffic = Traffic()
    for n in range(100):
        traffic.send(chat(model="gpt-5.4", turns=(f"Question {n}",)), after=1.0)
    body = chat(model="gpt-5.4")
    (edit,) = traffic.edits(body, session="s1")
    assert edit.path == ("prompt_cache_key",)
    assert traffic.edits(body, session="s1") == [edit]
    assert traffic.edits(body, session="s2")[0].value != edit.value
    assert traffic.edits({**body, "prompt_cache_key": "mine"}, session="s1") == []


def test_t04_a_model_that_we_do_not_know_is_left_alone() -> None:
    traffic = Traffic()
    for n in range(12):
        sent = traffic.send(anthropic(model="claude-nova-9", turns=(f"Question {n}",)))
        assert markers(sent) == []


def test_t04_a_prompt_below_the_minimum_is_left_alone() -> None:
    traffic = Traffic()
    for _ in range(12):
        sent = traffic.send(anthropic(system="Be brief.", turns=("Hello",)))
        assert markers(sent) == []


def test_every_edit_is_exact_and_expected_to_save() -> None:
    traffic = Traffic()
    for n in range(12):
        body = anthropic(turns=(f"Question {n}",))
        edits = traffic.edits(body)
        assert all(edit.risk is Risk.EXACT for edit in edits)
        savings = [edit.saving for edit in edits if not isinstance(edit.saving, Unknown)]
        assert len(savings) == len(edits)
        assert not edits or sum(savings) > 0
        traffic.send(body)
    assert edits


def test_a_plan_is_a_function_of_its_arguments() -> None:
    traffic = Traffic()
    for n in range(12):
        traffic.send(anthropic(turns=(f"Question {n}",)))
    view = view_of(anthropic())
    facts = traffic.facts(view)
    assert propose(view, facts) == propose(view, facts)


def test_a_task_whose_cache_section_is_off_is_left_alone() -> None:
    traffic = Traffic("[tasks.contracts.cache]\nenabled = false\n")
    for n in range(12):
        assert markers(traffic.send(anthropic(turns=(f"Question {n}",)))) == []

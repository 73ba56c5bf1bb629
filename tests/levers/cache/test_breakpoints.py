from __future__ import annotations

import json
import random
from typing import Any

import pytest

from penstock.levers.cache.breakpoints import latest_ending
from penstock.wire.dialect import Dialect
from penstock.wire.view import read_request
from tests.levers.cache.prompts import LONG, chat, markers, view_of
from tests.levers.cache.provider import Billed


def _conversation(provider: Billed, rounds: int = 12, **more: Any) -> list[Any]:
    turns: list[Any] = ["Start. " + LONG[:2000]]
    for n in range(rounds):
        provider.pay(chat(turns=turns, **more))
        turns = [*turns, f"Answer {n}. " + LONG[:2000], f"Question {n}?"]
    return turns


def test_t12_the_write_of_a_tail_that_never_comes_again_is_spared() -> None:
    provider = Billed()
    for n in range(30):
        split = provider.pay(chat(turns=(f"{n}: {LONG[:5000]}",)))
    assert provider.body["prompt_cache_options"] == {"mode": "explicit"}
    assert split.write_30m == 0
    assert split.read > 1500
    assert provider.paid < 0.6 * provider.plain < provider.untouched


@pytest.mark.parametrize("seed", range(5))
def test_t20_unique_prompts_are_written_while_that_is_found_out_and_never_again(seed: int) -> None:
    chance = random.Random(seed)
    provider, dearer = Billed(), []
    for n in range(50):
        before = provider.paid - provider.plain
        system = f"{n} {LONG * chance.choice([1, 2, 3])}"
        provider.pay(chat(system=system, turns=(f"Summarise {n}.",)), after=chance.expovariate(0.1))
        dearer += [n] if provider.paid - provider.plain > before else []
    assert max(dearer) <= 12
    assert provider.paid <= 1.06 * provider.plain


def test_a_conversation_that_goes_on_is_written_and_read() -> None:
    provider = Billed()
    before = 0
    turns: list[Any] = ["Start. " + LONG[:2000]]
    for n in range(12):
        split = provider.pay(chat(turns=turns))
        if n > 7:
            assert split.read >= before > 0
        before = split.read + split.write_30m
        turns = [*turns, f"Answer {n}. " + LONG[:2000], f"Question {n}?"]
    assert provider.paid < 0.5 * provider.plain


@pytest.mark.parametrize(
    "change",
    [
        {"reasoning_effort": "low"},
        {"verbosity": "low"},
        {"service_tier": "flex"},
        {"response_format": {"type": "json_object"}},
        {"parallel_tool_calls": False},
        {"prompt_cache_key": "another"},
        {"context_management": [{"type": "compaction"}]},
    ],
)
def test_t08_a_setting_that_breaks_the_prefix_is_not_taken_for_a_read(change: dict[str, Any]) -> None:
    provider = Billed()
    body = chat(turns=_conversation(provider))
    assert provider.known_entry(body) > 5000
    assert provider.known_entry({**body, **change}) == provider.pay({**body, **change}).read == 0


@pytest.mark.parametrize("same", [{"tool_choice": "none"}, {"response_format": {"type": "text"}}, {"n": 1}])
def test_t08_what_stands_beside_the_prefix_breaks_nothing(same: dict[str, Any]) -> None:
    provider = Billed()
    body = chat(turns=_conversation(provider))
    known = provider.known_entry({**body, **same})
    assert known == provider.pay({**body, **same}).read > 5000


def test_t05_a_client_that_chose_for_itself_is_left_alone() -> None:
    provider = Billed()
    for n in range(20):
        provider.pay(chat(turns=(f"{n}: {LONG[:5000]}",)))
    body = chat(turns=(f"Last: {LONG[:5000]}",))
    assert provider.edits(body)
    assert provider.edits({**body, "prompt_cache_options": {"mode": "implicit"}}) == []
    part = {"type": "text", "text": "Last", "prompt_cache_breakpoint": {"mode": "explicit"}}
    assert provider.edits(chat(turns=([part],))) == []


def test_t04_below_the_minimum_implicit_mode_writes_nothing_and_is_left_alone() -> None:
    provider = Billed()
    for n in range(20):
        provider.pay(chat(system="Be brief.", turns=(f"Question {n}?",)))
        assert "prompt_cache_options" not in provider.body
    assert provider.paid == provider.plain


def test_t12_chat_completions_are_never_asked_for_twelve_hours() -> None:
    provider = Billed()
    for n in range(30):
        provider.pay(chat(model="gpt-6.1-terra", turns=(f"{n}: {LONG[:5000]}",)), after=3600.0)
        assert "12h" not in markers(provider.body)


def test_t11_a_cache_is_of_one_model() -> None:
    provider = Billed()
    body = chat(turns=_conversation(provider), model="gpt-6-sol")
    assert provider.known_entry(body) == provider.pay(body).read == 0


@pytest.mark.parametrize(
    ("messages", "ending"),
    [
        ([("developer", "a"), ("user", "b")], 1),
        ([("user", "a"), ("assistant", "b")], 0),
        ([("developer", "a"), ("assistant", "b")], 0),
        ([("assistant", "a")], -1),
    ],
)
def test_the_latest_ending_is_a_user_message_or_the_developers(messages: list[tuple[str, str]], ending: int) -> None:
    body = {"model": "gpt-6.1-sol", "messages": [{"role": role, "content": text} for role, text in messages]}
    view = read_request(Dialect.OPENAI_CHAT, json.dumps(body).encode())
    assert latest_ending(view.segments) == ending


def test_t07_the_text_that_is_marked_stays_the_same_text() -> None:
    provider = Billed()
    for n in range(20):
        body = chat(turns=(f"{n}: {LONG[:5000]}",))
        provider.pay(body)
    before, after = view_of(body), view_of(provider.body)
    assert markers(provider.body) == ["30m"]
    assert [segment.digest for segment in before.segments] == [segment.digest for segment in after.segments]

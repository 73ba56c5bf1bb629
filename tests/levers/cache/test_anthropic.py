from __future__ import annotations

import json
import random
from functools import lru_cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.cachemodel.machine import CacheState, Decisions, admit
from penstock.cachemodel.prompt import prompt_of
from penstock.wire.dialect import Dialect
from penstock.wire.view import read_request
from tests.levers.cache.prompts import LONG, anthropic, markers
from tests.levers.cache.provider import CAREFUL, Billed, profile, tokens_of

TOOLS = [{"name": "look", "description": "Looks things up.", "input_schema": {"type": "object"}}]


def _text(text: str, ttl: str | None = None) -> dict[str, Any]:
    block: dict[str, Any] = {"type": "text", "text": text}
    return block if ttl is None else {**block, "cache_control": {"type": "ephemeral", "ttl": ttl}}


def _conversation(provider: Billed, rounds: int = 10, **more: Any) -> list[Any]:
    """Some rounds of one conversation; the turns of the next."""
    turns: list[Any] = ["Start. " + LONG[:2000]]
    for n in range(rounds):
        provider.pay(anthropic(turns=turns, **more))
        turns = [*turns, f"Answer {n}. " + LONG[:2000], f"Question {n}?"]
    return turns


def test_t02_a_shared_prefix_is_marked_at_the_end_of_its_last_block() -> None:
    provider = Billed()
    for n in range(30):
        question = [_text("The file: " + LONG), _text(f"Question {n}? " + LONG[: 40 + n])]
        split = provider.pay(anthropic(system=[_text(LONG), _text("Be exact.")], turns=(question,)))
    shared, unique = provider.body["messages"][0]["content"]
    assert markers(shared) == ["5m"]
    assert markers(unique) == []
    assert split.read == split.total - split.plain
    assert split.plain < 100
    assert provider.paid < 0.35 * provider.plain


@pytest.mark.parametrize("decisions", [CAREFUL, Decisions()])
def test_t03_a_turn_of_thirty_blocks_does_not_lose_the_conversation(decisions: Decisions) -> None:
    provider = Billed(decisions=decisions)
    turns: list[Any] = ["Start. " + LONG[:2000]]
    before = 0
    for n in range(12):
        split = provider.pay(anthropic(turns=turns, tools=TOOLS))
        if n > 5:
            assert split.read >= before
        before = split.total - split.plain
        uses = [{"type": "tool_use", "id": f"t{n}_{i}", "name": "look", "input": {"q": i}} for i in range(15)]
        results = [
            {"type": "tool_result", "tool_use_id": f"t{n}_{i}", "content": f"{n} {i} " + LONG[:300]} for i in range(15)
        ]
        turns = [*turns, uses, results]
    assert before > 15_000
    assert provider.paid < 0.5 * provider.plain


@pytest.mark.parametrize(("model", "marked"), [("claude-haiku-4-5", False), ("claude-opus-5", True)])
def test_t04_the_minimum_is_the_models_own(model: str, marked: bool) -> None:
    provider = Billed()
    for n in range(15):
        provider.pay(anthropic(model=model, turns=(f"Question {n}?",)))
    assert bool(markers(provider.body)) is marked


def test_t16_the_same_text_is_more_tokens_on_a_newer_tokenizer() -> None:
    provider = Billed()
    old, new = (
        sum(tokens_of(provider.sent_view(anthropic(model=model)))) for model in ("claude-opus-4-6", "claude-opus-5-5")
    )
    assert new == pytest.approx(1.3 * old, rel=0.02)


@lru_cache(maxsize=1)
def _warm() -> Billed:
    """A task whose prompts have kept coming, every ten minutes or every few seconds."""
    provider = Billed()
    for n in range(24):
        provider.pay(_marked({}, None, f"Question {n}?"), after=600.0 if n % 2 else 5.0)
    return provider


def _marked(marks: dict[int, str], automatic: str | None, question: str = "Last?") -> dict[str, Any]:
    """A request of seven blocks, some of them marked by the client."""
    texts = [LONG, "Be exact.", "File: " + LONG, LONG[:3000], LONG[:3000] + "!", LONG[:3000] + "?", question]
    blocks = [_text(text, marks.get(n)) for n, text in enumerate(texts)]
    body = anthropic(system=blocks[:2], turns=(blocks[2:],))
    return body if automatic is None else {**body, "cache_control": {"type": "ephemeral", "ttl": automatic}}


@st.composite
def _client(draw: st.DrawFn) -> tuple[dict[int, str], str | None]:
    """Marks that the provider accepts: at most four with the automatic one, the hours first."""
    places = sorted(draw(st.sets(st.integers(0, 6), max_size=4)))
    hours = draw(st.integers(0, len(places)))
    marks = {place: "1h" if n < hours else "5m" for n, place in enumerate(places)}
    if len(marks) == 4 or not draw(st.booleans()):
        return marks, None
    hour_allowed = all(ttl == "1h" for ttl in marks.values()) and marks.get(6) != "5m"
    automatic = draw(st.sampled_from(("1h", "5m"))) if hour_allowed else "5m"
    return marks, marks.get(6, automatic)


@given(_client())
@settings(max_examples=60, deadline=None)
def test_t05_with_the_clients_marks_a_request_stays_acceptable_and_they_stay(
    client: tuple[dict[int, str], str | None],
) -> None:
    marks, automatic = client
    sent = _warm().sent_view(_marked(marks, automatic))
    prompt = prompt_of(sent, profile(sent), tokens_of(sent))
    admit(CacheState(CAREFUL), prompt, 0.0)
    placed = {n: segment.marker.ttl for n, segment in enumerate(sent.segments) if segment.marker is not None}
    assert placed.items() >= marks.items()
    assert (
        sent.automatic_marker
        == read_request(sent.dialect, json.dumps(_marked(marks, automatic)).encode()).automatic_marker
    )
    lifetimes = list(placed.values())
    assert lifetimes == sorted(lifetimes)


def test_t05_four_marks_of_the_client_leave_no_room() -> None:
    body = _marked({0: "1h", 2: "5m", 4: "5m"}, "5m")
    assert _warm().edits(_marked({}, None))
    assert _warm().edits(body) == []


def _common(one: bytes, other: bytes) -> int:
    """How many bytes two strings begin with together."""
    return next((n for n, (left, right) in enumerate(zip(one, other, strict=False)) if left != right), len(one))


def test_t07_all_bytes_but_the_marker_are_the_clients() -> None:
    provider = Billed()
    content = LONG + " \u00e9 \ud83d\ude00"
    raw = (
        b'{ "max_tokens":1000 , "model":"claude-opus-5-5","system" : [{"text":%s,\n "type":"text"}],'
        b'"temperature":1.0e0, "messages":[{"content":"Who\\u0020pays?","role":"user"}] }'
    ) % json.dumps(content).encode()
    for n in range(15):
        provider.pay(anthropic(system=content, turns=(f"Question {n}?",)))
    view = read_request(Dialect.ANTHROPIC_MESSAGES, raw)
    sent = provider.planned_bytes(view)
    before, after = _common(raw, sent), _common(raw[::-1], sent[::-1])
    assert len(sent) > len(raw)
    assert before + after >= len(raw)
    assert b"cache_control" in sent[before : len(sent) - after + 20]


def test_t07_a_request_without_a_plan_keeps_its_very_bytes() -> None:
    view = read_request(Dialect.ANTHROPIC_MESSAGES, json.dumps(anthropic(), indent=3).encode())
    assert Billed().planned_bytes(view) is view.raw


@pytest.mark.parametrize(
    "change",
    [
        {"output_config": {"effort": "low"}},
        {"tool_choice": {"type": "none"}},
        {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}},
        {"thinking": {"type": "adaptive", "display": "omitted"}, "output_config": {"effort": "max"}},
        {"speed": "fast"},
        {"tools": TOOLS},
    ],
)
def test_t08_a_setting_that_breaks_the_prefix_is_not_taken_for_a_read(change: dict[str, Any]) -> None:
    provider = Billed()
    turns = _conversation(provider)
    unchanged = provider.known_entry(anthropic(turns=turns))
    body = anthropic(turns=turns, **change)
    known = provider.known_entry(body)
    assert unchanged > 9000
    assert known == provider.pay(body).read < 5000


def test_t08_a_setting_at_its_default_breaks_nothing() -> None:
    provider = Billed()
    body = anthropic(turns=_conversation(provider), tool_choice={"type": "auto"}, thinking={"type": "adaptive"})
    known = provider.known_entry(body)
    assert known == provider.pay(body).read > 9000


@pytest.mark.parametrize(("model", "scope"), [("claude-sonnet-5-5", ""), ("claude-opus-5-5", "another workspace")])
def test_t11_a_cache_is_of_one_model_and_one_workspace(model: str, scope: str) -> None:
    provider = Billed()
    body = anthropic(turns=_conversation(provider), model=model)
    assert provider.known_entry(body, scope) == 0
    assert provider.pay(body, scope=scope).read == 0


def test_t13_a_conversation_whose_thinking_is_stripped_is_not_written_again_and_again() -> None:
    provider = Billed()
    turns: list[Any] = ["Start. " + LONG]
    for n in range(15):
        split = provider.pay(anthropic(system=LONG * 3, turns=turns, model="claude-haiku-4-5"))
        thought = {"type": "thinking", "thinking": LONG[:4000], "signature": "x"}
        turns = [*turns, [thought, _text(f"Answer {n}. " + LONG[:2000])], f"Question {n}?"]
    assert split.read > 6000
    assert provider.paid < provider.plain


def test_t14_calls_every_ten_minutes_are_kept_for_an_hour() -> None:
    provider = Billed()
    for n in range(30):
        split = provider.pay(anthropic(turns=(f"Question {n}?",)), after=600.0)
    assert markers(provider.body) == ["1h"]
    assert split.read > 2500
    assert provider.paid < 0.25 * provider.plain


def test_a_conversation_with_pauses_is_kept_for_an_hour_by_its_newest_words() -> None:
    provider = Billed()
    reads = []
    for talk in range(14):
        turns: list[Any] = [f"Talk {talk}. " + LONG * 3]
        for n in range(6):
            split = provider.pay(anthropic(turns=turns), after=1200.0 if n == 3 else 60.0)
            if n == 4 and talk >= 8:
                reads.append(split.read / split.total)
            turns = [*turns, f"Answer {n}.", f"Question {n}?"]
        provider.at += 4000.0
    assert min(reads) > 0.95


@pytest.mark.parametrize("seed", range(5))
def test_t14_calls_every_two_hours_are_written_while_that_is_found_out_and_never_again(seed: int) -> None:
    chance = random.Random(seed)
    provider, written = Billed(), []
    for n in range(40):
        question = f"Question {n}? " + LONG[: chance.randrange(3000)]
        provider.pay(anthropic(turns=(question,)), after=7200.0 * chance.uniform(0.8, 1.6))
        written += [n] if markers(provider.body) else []
    assert len(written) <= 6
    assert max(written) <= 7
    assert provider.paid <= 1.03 * provider.plain


def test_t14_the_policys_lifetime_is_the_only_one_used() -> None:
    provider = Billed('[tasks.contracts.cache]\nttl = "1h"\n')
    for n in range(30):
        provider.pay(anthropic(turns=(f"Question {n}?",)))
        assert set(markers(provider.body)) <= {"1h"}


def test_t15_a_switch_of_models_is_not_paid_for_with_a_write_that_nobody_will_read() -> None:
    provider = Billed()
    turns = _conversation(provider)
    for n in range(20):
        provider.pay(anthropic(system=f"{n} {LONG}", turns=[*turns, "Yes.", f"{n}?"], model="claude-haiku-5-5"))
    assert provider.paid < provider.plain


@pytest.mark.parametrize("seed", range(3))
def test_t20_unique_prompts_cost_no_more_than_without_a_cache(seed: int) -> None:
    chance = random.Random(seed)
    provider = Billed()
    for n in range(50):
        system = f"{n} {LONG * chance.choice([1, 2, 3])}"
        provider.pay(anthropic(system=system, turns=(f"Summarise {n}.",)), after=chance.expovariate(0.1))
    assert provider.paid == provider.plain


def test_t20_a_one_shot_task_beside_a_busy_one_is_known_after_a_few_minutes() -> None:
    provider = Billed()
    for n in range(30):
        provider.pay(anthropic(turns=(f"Question {n}?",)))
    provider.task = "titles"
    for n in range(80):
        if n == 40:
            provider.paid = provider.plain = 0
        provider.pay(anthropic(system=f"{n} {LONG}", turns=(f"A title for {n}.",)))
    assert provider.paid == provider.plain

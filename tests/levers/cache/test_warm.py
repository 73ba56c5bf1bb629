from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.levers.cache.chain import chain_of
from penstock.levers.cache.warm import Price, ahead_pays, break_even, warming_body, worth
from penstock.simulator.provider import Provider
from penstock.unknown import Unknown
from penstock.wire.dialect import Dialect
from penstock.wire.view import View, read_request
from tests.levers.cache.prompts import LONG, anthropic, chat, view_of
from tests.levers.cache.provider import profile, tokens_of
from tests.simulator.asking import NOW, read, send

MARK = {"cache_control": {"type": "ephemeral"}}
SYSTEM = [{"type": "text", "text": LONG, **MARK}]
TOOLS = [{"name": "look", "description": "Looks things up.", "input_schema": {"type": "object"}}]


def _price(write: float, read: float, tokens: int = 10_000) -> Price:
    return Price(write=round(write * tokens * 1000), read=round(read * tokens * 1000))


def _warmed(body: dict[str, Any]) -> dict[str, Any]:
    view = view_of(body)
    found = warming_body(view, profile(view))
    assert isinstance(found, bytes), found
    decoded: dict[str, Any] = json.loads(found)
    return decoded


def _refused(body: dict[str, Any]) -> str:
    view = view_of(body)
    found = warming_body(view, profile(view))
    assert isinstance(found, Unknown)
    return found.why


@pytest.mark.parametrize(
    ("write", "read", "most"), [(1.25, 0.1, 11), (2.0, 0.1, 19), (1.25, 0.05, 24), (1.25, 0.025, 49), (1.0, 0.5, 1)]
)
def test_t14_no_more_requests_are_sent_than_one_avoided_rewrite_pays_for(write: float, read: float, most: int) -> None:
    price = _price(write, read)
    assert break_even(price) == most
    assert most * price.read <= price.spared < (most + 1) * price.read
    assert worth(price, most, lambda _: 0.99) < 0.0


@given(st.floats(1.0, 2.0), st.floats(0.025, 0.5), st.lists(st.floats(0.0, 1.0), min_size=60, max_size=60))
def test_t14_a_request_is_never_worth_more_than_the_rewrite_it_spares(
    write: float, read: float, hazards: list[float]
) -> None:
    price = _price(write, read)
    for done in range(break_even(price) + 2):
        value = worth(price, done, lambda n: hazards[min(n, 59)])
        assert -1.101 * price.read <= value <= price.spared - 1.099 * price.read


def test_a_request_pays_when_the_next_use_is_expected_in_the_round_it_buys_or_soon_after() -> None:
    price = _price(1.25, 0.1)
    assert worth(price, 0, lambda n: 0.10 if n == 1 else 0.0) > 0.0
    assert worth(price, 0, lambda n: 0.09 if n == 1 else 0.0) < 0.0
    assert worth(price, 0, lambda n: 0.9 if n == 5 else 0.0) > 0.0
    assert worth(price, 0, lambda n: 0.9 if n == 11 else 0.0) < 0.0
    assert worth(price, 5, lambda n: 0.9 if n == 5 else 0.0) < 0.0


def test_what_stands_beside_the_prefix_is_paid_for_too() -> None:
    price = _price(1.25, 0.1)
    assert break_even(Price(price.write, price.read, beside=price.read)) == 5
    assert break_even(Price(0, 0)) == 0


def test_filling_ahead_pays_when_it_spares_more_writes_than_its_own_read_costs() -> None:
    price = _price(1.25, 0.1)
    assert ahead_pays(price, 0.09)
    assert not ahead_pays(price, 0.08)


def test_t10_a_shared_prefix_is_renewed_with_the_same_tools_system_thinking_and_effort() -> None:
    thinking = {"type": "adaptive"}
    body = anthropic(system=SYSTEM, tools=TOOLS, thinking=thinking, output_config={"effort": "high"}, stream=True)
    warmed = _warmed(body)
    assert warmed["max_tokens"] == 0
    assert "stream" not in warmed
    assert warmed["messages"] == [{"role": "user", "content": "."}]
    for name in ("model", "tools", "system", "thinking", "output_config"):
        assert warmed[name] == body[name]


def _keys(view: View) -> list[int]:
    chain = chain_of(view, tokens_of(view), profile(view), "")
    return [chain.key(position) for position, one in enumerate(view.segments) if one.marker is not None]


CONTENT = [{"type": "text", "text": LONG, **MARK}]


@pytest.mark.parametrize(
    "body",
    [
        anthropic(system=SYSTEM),
        anthropic(system=SYSTEM, tools=TOOLS, output_config={"effort": "max"}),
        anthropic(system="Be brief.", turns=[CONTENT]),
        anthropic(system="Be brief.", turns=[CONTENT, "Noted.", "And now?"]),
        anthropic(system=SYSTEM, turns=["One", "Two", [{"type": "text", "text": "Three", **MARK}]]),
    ],
)
def test_t10_what_is_warmed_is_the_very_entry_and_the_provider_accepts_it(body: dict[str, Any]) -> None:
    view = view_of(body)
    warmed = warming_body(view, profile(view))
    assert isinstance(warmed, bytes)
    again = read_request(Dialect.ANTHROPIC_MESSAGES, warmed)
    assert _keys(again)[-1] == _keys(view)[-1]
    provider = Provider()
    filled = read(send(provider, "/v1/messages", warmed))
    used = read(send(provider, "/v1/messages", view.raw, at=NOW + 10.0))
    assert (filled["usage"]["output_tokens"], filled["content"]) == (0, [])
    assert used["usage"]["cache_read_input_tokens"] > 1000


def test_requests_that_may_not_be_warmed_are_left_alone_because_leaving_a_part_out_warms_another_entry() -> None:
    assert "thinking" in _refused(anthropic(system=SYSTEM, thinking={"type": "enabled", "budget_tokens": 1024}))
    assert "format" in _refused(anthropic(system=SYSTEM, output_config={"format": {"type": "json_schema"}}))
    assert "tool choice" in _refused(anthropic(system=SYSTEM, tools=TOOLS, tool_choice={"type": "any"}))
    assert "marker" in _refused(anthropic())
    assert "marker" in _refused(anthropic(**MARK))
    marked_answer = [{"type": "text", "text": "Noted.", **MARK}]
    assert "answer" in _refused(anthropic(turns=["One", marked_answer, "Two"]))
    assert "API" in _refused(chat())
    assert "API" in _refused(chat(model="gpt-5"))


def _responses(**more: Any) -> View:
    body = {"model": "gpt-6.1-sol", "input": [{"role": "user", "content": LONG}], "stream": True, **more}
    return read_request(Dialect.OPENAI_RESPONSES, json.dumps(body).encode())


@pytest.mark.parametrize("options", [None, {}, {"mode": "implicit", "ttl": "12h"}])
def test_openai_responses_are_prewarmed_with_the_caller_s_other_options(options: dict[str, str] | None) -> None:
    view = _responses() if options is None else _responses(prompt_cache_options=options)
    found = warming_body(view, profile(view))
    assert isinstance(found, bytes)
    provider = Provider()
    answer = read(send(provider, "/v1/responses", found))
    assert (answer["output"], answer["usage"]["output_tokens"]) == ([], 0)
    used = read(send(provider, "/v1/responses", view.raw.replace(b', "stream": true', b""), at=NOW + 10.0))
    assert used["usage"]["input_tokens_details"]["cached_tokens"] > 1000
    warmed = json.loads(found)
    assert warmed["prompt_cache_options"] == {**(options or {}), "prewarm": True}
    assert warmed["store"] is False
    assert "stream" not in warmed


def test_explicit_mode_without_a_breakpoint_has_nothing_to_warm() -> None:
    view = _responses(prompt_cache_options={"mode": "explicit"})
    assert isinstance(warming_body(view, profile(view)), Unknown)

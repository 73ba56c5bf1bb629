from __future__ import annotations

from typing import Any

import pytest

from penstock.evidence.sightings import Shape
from penstock.levers.cache.chain import SegmentChain, chain_of
from penstock.models.catalog import profile_of
from penstock.wire.dialect import Dialect
from tests.levers.build import view_of
from tests.levers.cache.prompts import anthropic

CLAUDE: dict[str, Any] = {
    "model": "claude-opus-5-5",
    "max_tokens": 10,
    "tools": [{"name": "find", "input_schema": {"type": "object"}}],
    "system": [{"type": "text", "text": "Sort."}, {"type": "text", "text": "Politely."}],
    "messages": [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Yes?"}],
}
GPT: dict[str, Any] = {
    "model": "gpt-6.1-sol",
    "messages": [{"role": "system", "content": "Sort."}, {"role": "user", "content": "Hello"}],
}


def chain(body: dict[str, Any], dialect: Dialect = Dialect.ANTHROPIC_MESSAGES, scope: str = "") -> SegmentChain:
    view = view_of(body, dialect)
    return chain_of(view, [10 * (n + 1) for n in range(len(view.segments))], profile_of(view.model), scope)


def keys(of: SegmentChain) -> list[int]:
    return [of.key(position) for position in range(len(of))]


def test_tokens_add_up_along_the_chain() -> None:
    one = chain(CLAUDE)
    assert one.ends == [10, 30, 60, 100, 150]
    assert one.upto(-1) == 0
    assert one.upto(2) == 60


def test_landmarks_are_the_last_tool_and_the_last_system_block() -> None:
    assert chain(CLAUDE).landmarks == (0, 2)
    assert chain({key: value for key, value in CLAUDE.items() if key != "tools"}).landmarks == (1,)


def test_equal_requests_have_equal_keys_and_each_position_its_own() -> None:
    assert keys(chain(CLAUDE)) == keys(chain(CLAUDE))
    assert len(set(keys(chain(CLAUDE)))) == 5


def test_chains_part_where_their_texts_part() -> None:
    other = {**CLAUDE, "messages": [*CLAUDE["messages"][:1], {"role": "assistant", "content": "No."}]}
    same = [a == b for a, b in zip(keys(chain(CLAUDE)), keys(chain(other)), strict=True)]
    assert same == [True, True, True, True, False]


def test_models_and_scopes_share_no_prefix() -> None:
    for other in (chain({**CLAUDE, "model": "claude-haiku-5-5"}), chain(CLAUDE, scope="team")):
        assert not set(keys(chain(CLAUDE))) & set(keys(other))


@pytest.mark.parametrize(
    "setting", [{"tool_choice": {"type": "any"}}, {"thinking": {"type": "enabled", "budget_tokens": 2000}}]
)
def test_a_setting_of_claude_parts_the_messages_and_not_what_stands_before_them(setting: dict[str, Any]) -> None:
    same = [a == b for a, b in zip(keys(chain(CLAUDE)), keys(chain({**CLAUDE, **setting})), strict=True)]
    assert same == [True, True, True, False, False]


@pytest.mark.parametrize("setting", [{"tool_choice": {"type": "auto"}}, {"max_tokens": 99}, {"stream": True}])
def test_a_setting_at_its_default_or_beside_the_prompt_parts_nothing(setting: dict[str, Any]) -> None:
    assert keys(chain({**CLAUDE, **setting})) == keys(chain(CLAUDE))


@pytest.mark.parametrize("setting", [{"prompt_cache_key": "k"}, {"service_tier": "flex"}, {"verbosity": "low"}])
def test_a_setting_of_gpt_parts_the_whole_prompt(setting: dict[str, Any]) -> None:
    plain = chain(GPT, Dialect.OPENAI_CHAT)
    assert not set(keys(plain)) & set(keys(chain({**GPT, **setting}, Dialect.OPENAI_CHAT)))


@pytest.mark.parametrize("setting", [{"service_tier": "auto"}, {"verbosity": "medium"}, {"parallel_tool_calls": True}])
def test_a_setting_of_gpt_at_its_default_parts_nothing(setting: dict[str, Any]) -> None:
    assert keys(chain({**GPT, **setting}, Dialect.OPENAI_CHAT)) == keys(chain(GPT, Dialect.OPENAI_CHAT))


def test_an_unknown_model_has_prefixes_of_its_own() -> None:
    unknown = chain({**CLAUDE, "model": "something-new"})
    assert len(set(keys(unknown))) == 5
    assert not set(keys(unknown)) & set(keys(chain({**CLAUDE, "model": "something-newer"})))


def test_t08_speed_parts_everything_and_its_default_nothing() -> None:
    assert keys(chain({**CLAUDE, "speed": "standard"})) == keys(chain(CLAUDE))
    assert not set(keys(chain({**CLAUDE, "speed": "fast"}))) & set(keys(chain(CLAUDE)))


@pytest.mark.parametrize(("model", "keeps"), [("claude-haiku-4-5", False), ("claude-opus-5-5", True)])
def test_t13_thinking_that_the_model_drops_parts_the_messages(model: str, keeps: bool) -> None:
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "x"}
    call = {"type": "tool_use", "id": "t1", "name": "find", "input": {}}
    result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "found"}]}
    turns = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": [thought, call]}, result]
    before = keys(chain({**CLAUDE, "model": model, "messages": turns}))
    after = keys(chain({**CLAUDE, "model": model, "messages": [*turns, {"role": "user", "content": "And?"}]}))
    assert after[:3] == before[:3]
    assert (after[3 : len(before)] == before[3:]) is keeps
    first = keys(chain({**CLAUDE, "model": model, "messages": turns[:2]}))
    assert first == before[: len(first)]


TOOL = {"name": "look", "description": "Looks.", "input_schema": {"type": "object"}}


@pytest.mark.parametrize(
    ("turns", "tools", "shape"),
    [
        (["Hi"], [], Shape.FIRST),
        (["Hi"], [TOOL], Shape.FIRST_WITH_TOOLS),
        (["Hi", "Hello", "And?"], [], Shape.DIALOGUE),
        (["Hi", "Hello", "And?"], [TOOL], Shape.DIALOGUE_WITH_TOOLS),
        (
            [
                "Hi",
                [{"type": "tool_use", "id": "t", "name": "look", "input": {}}],
                [{"type": "tool_result", "tool_use_id": "t", "content": "seen"}],
            ],
            [TOOL],
            Shape.TOOL_RESULT,
        ),
    ],
)
def test_a_chain_tells_whether_a_prompt_begins_goes_on_or_is_a_step_of_a_loop(
    turns: list[Any], tools: list[Any], shape: Shape
) -> None:
    assert chain(anthropic(turns=turns, **({"tools": tools} if tools else {}))).shape is shape

from __future__ import annotations

import json
from itertools import pairwise

import pytest

from benchmarks.agents import MODELS, Agent
from penstock.cachemodel.admission import Split
from penstock.wire.dialect import Dialect
from penstock.wire.usage_of import usage_of
from penstock.wire.view import read_request


@pytest.mark.parametrize("dialect", MODELS)
@pytest.mark.parametrize(("size", "turns"), [(10_000, 4), (50_000, 20)])
def test_a_conversation_grows_by_an_exchange_to_about_its_size(dialect: Dialect, size: int, turns: int) -> None:
    agent = Agent(dialect, size=size, turns=turns, seed=1, key="a")
    views = [read_request(dialect, agent.body(turn)) for turn in range(1, turns + 1)]
    for shorter, longer in pairwise(views):
        assert longer.segments[: len(shorter.segments)] == shorter.segments
        assert longer.message_count == shorter.message_count + 2
    assert 0.7 * size < len(agent.body(turns)) < 1.1 * size


def test_seeds_and_keys_decide_the_bodies() -> None:
    def body(**given: object) -> dict[str, object]:
        made = {"size": 9000, "turns": 3, "seed": 1, "key": "a"} | given
        return dict(json.loads(Agent(Dialect.ANTHROPIC_MESSAGES, **made).body(3)))  # type: ignore[arg-type]

    assert body() == body()
    assert body()["system"] == body(key="b")["system"]
    assert body()["messages"] != body(key="b")["messages"]
    assert body()["system"] != body(seed=2)["system"]


@pytest.mark.parametrize("dialect", MODELS)
def test_an_answer_bills_the_prompt(dialect: Dialect) -> None:
    usage = usage_of(dialect, Agent(dialect, size=2000, turns=1, seed=1, key="a").answer(Split(plain=700, read=300)))
    assert usage is not None
    assert (usage.input_total, usage.cache_read, usage.output) == (1000, 300, 60)

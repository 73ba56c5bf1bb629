from __future__ import annotations

import json
import sys

import pytest

from benchmarks import planner_cost
from benchmarks.agents import Agent
from penstock.wire.dialect import Dialect


def test_the_json_has_the_keys_of_every_benchmark_and_of_this_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["x", "--json", "--repeats", "1"])
    monkeypatch.setattr(planner_cost, "CASES", ((2_000, (1, 3)),))
    planner_cost.main()
    printed = json.loads(capsys.readouterr().out)
    assert {"benchmark", "seed", "penstock_version", "price_table", "wall_s", "rows"} <= printed.keys()
    assert [(row["dialect"], row["turns"], row["seen_before"]) for row in printed["rows"]] == [
        (dialect, *case)
        for dialect in ("anthropic.messages", "openai.chat")
        for case in ((1, False), (3, True), (3, False))
    ]
    assert all({"body_bytes", "read_us", "plan_us"} <= row.keys() for row in printed["rows"])


def test_every_call_is_planned_answered_and_learnt_from() -> None:
    bench = planner_cost.Bench()
    agents = [Agent(Dialect.ANTHROPIC_MESSAGES, size=20_000, turns=3, seed=1, key=key) for key in "abcdefgh"]
    costs = [bench.ask(agent, turn) for agent in agents for turn in (1, 2, 3)]
    assert all(cost.read > 0 and cost.rest > 0 for cost in costs)
    assert sum(cost.edits for cost in costs) > 0
    assert not bench.context.failures
    lengths = bench.context.evidence.lengths.by_key.values()
    assert sum(one.count for one in lengths) == 24

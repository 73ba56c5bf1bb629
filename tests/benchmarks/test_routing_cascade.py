from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from benchmarks.routing import Pair
from benchmarks.routing_cascade import answer_of, cascaded, rule, turned_down
from benchmarks.routing_data import Row

ADD = {
    "name": "math.add",
    "parameters": {"type": "dict", "properties": {"a": {"type": "integer"}, "b": {"type": "any"}}, "required": ["a"]},
}


def row(output: Any, **more: Any) -> Row:
    outputs = {} if output is None else {"cheap": output}
    return Row("1", "t", "why?", {"cheap": 1.0}, functions=[ADD], outputs=outputs, **more)


@pytest.mark.parametrize(
    ("output", "down"),
    [
        (None, None),
        ("a text", False),
        ("", True),
        ([{"math_add": '{"a": 1, "b": []}'}], False),
        ([{"math_add": {"a": 1}}], False),
        ([{"math_add": '{"a": "one"}'}], True),
        ([{"math_add": "{}"}], True),
        ([{"other": "{}"}], True),
        ([], True),
        (["nonsense"], True),
    ],
)
def test_recorded_answers_are_checked_as_live_ones_are(output: Any, down: bool | None) -> None:
    assert turned_down(row(output), "cheap") is down


def test_a_reply_that_held_no_readable_json_is_turned_down_where_the_source_says_so() -> None:
    assert turned_down(row("text", parsed={"cheap": False}), "cheap")
    assert not turned_down(row("text", parsed={"cheap": True}), "cheap")


def test_text_and_tool_calls_are_answers_and_nothing_else_is() -> None:
    calls = answer_of([{"f": {"x": 1}}, {"g": "{}"}])
    assert calls is not None
    assert [(one.name, one.arguments) for one in calls.tool_calls] == [("f", '{"x": 1}'), ("g", "{}")]
    assert answer_of(5) is None


def pair(*, down: float, cheap: float, recorded: bool = True) -> Pair:
    """Rows whose cheap answers are empty with probability ``down``, and wrong if they are; hard ones are wrong too."""
    draw = random.Random(1)
    rows = []
    for number in range(400):
        empty, hard = draw.random() < down, draw.random() < 0.3
        scores = {"dear": 1.0, "cheap": float(not empty and not (hard and draw.random() < 0.8))}
        text = f"prove that {number} holds for every case" if hard else f"say hello to {number}"
        outputs = {"cheap": "" if empty else "an answer"} if recorded else {}
        rows.append(Row(str(number), "t", text, scores, cost={"dear": 1.0, "cheap": cheap}, outputs=outputs))
    return Pair("made up", rows, "dear", "cheap")


def test_the_rule_cascades_where_what_is_turned_down_costs_less_than_what_is_saved() -> None:
    rows = np.arange(400)
    assert rule(pair(down=0.2, cheap=0.5), rows)
    assert not rule(pair(down=0.2, cheap=0.9), rows)


def test_verifiers_and_difficulty_together_keep_the_loss_within_the_margin() -> None:
    found = cascaded(pair(down=0.2, cheap=0.1), 200, np.random.default_rng(3))
    assert found is not None
    assert found["turned_down_of_right"] == 0.0
    assert found["cascade"]["loss"] > 0.1
    assert found["with_difficulty"]["loss"] < 0.05
    assert found["with_difficulty"]["violations"] <= 0.05
    assert found["with_difficulty"]["answered_by_cheap"] > 0.2
    assert found["cascade"]["cost_over_strong"] < found["with_difficulty"]["cost_over_strong"] < 1.0


def test_without_recorded_answers_there_is_nothing_to_say() -> None:
    assert cascaded(pair(down=0.0, cheap=0.1, recorded=False), 200, np.random.default_rng(3)) is None

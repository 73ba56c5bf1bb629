from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.grading.contract import BadScores, material, read_scores, scores_of
from tests.grading.pairs import grade


@given(prompt=st.text(st.characters(exclude_categories=["Cs"])), reference=st.text(st.characters(codec="utf-8")))
def test_a_grader_sees_the_request_as_it_came_and_both_answers(prompt: str, reference: str) -> None:
    seen = json.loads(material(grade("python:a:b", prompt=prompt, reference=reference)))
    assert seen["request"]["messages"] == [{"role": "user", "content": prompt}]
    assert seen["reference"] == {"model": "strong", "text": reference, "tool_calls": []}
    assert seen["candidate"]["tool_calls"] == [{"name": "look", "arguments": '{"a":1}'}]
    assert (seen["version"], seen["task"], seen["call_id"]) == (1, "label", "c1")


@given(reference=st.floats(0, 1), candidate=st.floats(0, 1))
def test_two_scores_are_read_back(reference: float, candidate: float) -> None:
    said = {"reference": reference, "candidate": candidate, "note": "more is ignored"}
    assert read_scores(json.dumps(said).encode()) == (reference, candidate)
    assert scores_of((reference, candidate)) == (reference, candidate)


@pytest.mark.parametrize(
    "said",
    [None, 1.0, [], [1], [1, 2, 3], [True, 1], ["1", 1], [1, float("nan")], [1, -0.1], {"reference": 1}, {}],
)
def test_anything_else_than_two_scores_from_0_to_1_is_no_score(said: Any) -> None:
    with pytest.raises(BadScores):
        scores_of(said)


@given(st.binary())
def test_bytes_of_any_kind_are_two_scores_or_none(raw: bytes) -> None:
    try:
        reference, candidate = read_scores(raw)
    except BadScores:
        return
    assert 0.0 <= reference <= 1.0
    assert 0.0 <= candidate <= 1.0

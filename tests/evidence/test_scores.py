from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.evidence.scores import f1, field_digests, field_f1, graded, pair_score, plain, said, ungraded
from penstock.wire.answer import Answer, ToolCall

_SCALARS = st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3)
JSON = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=8,
)
FEW = settings(max_examples=60, deadline=None)


def _text(text: str, **more: Any) -> Answer:
    return Answer(text=text, **more)


def _tool(name: str, arguments: str) -> Answer:
    return Answer(text="", tool_calls=(ToolCall("id", name, arguments),))


@FEW
@given(JSON, JSON)
def test_f1_is_symmetric_within_bounds_and_1_only_for_equal_json(left: Any, right: Any) -> None:
    score = field_f1(left, right)
    assert 0.0 <= score <= 1.0
    assert score == field_f1(right, left)
    same = json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)
    assert (score == 1.0) == same


@FEW
@given(st.lists(JSON), st.dictionaries(st.text(max_size=2), JSON))
def test_digests_of_fields_have_the_f1_of_the_fields_and_hold_no_text(left: Any, right: Any) -> None:
    for one, other in ((left, right), (right, [right]), (left, left)):
        mine, theirs = (field_digests(_text(json.dumps(value)), "call") for value in (one, other))
        assert mine is not None
        assert theirs is not None
        assert f1(Counter(mine), Counter(theirs)) == field_f1(one, other)
        assert all(len(digest) == 8 for digest in mine)


def test_prose_single_values_and_very_large_answers_have_no_digests_of_fields() -> None:
    assert field_digests(_text("a plain sentence"), "c") is None
    assert field_digests(_text("5"), "c") is None
    assert field_digests(_text(json.dumps(list(range(1000)))), "c") is not None
    assert field_digests(_text(json.dumps(list(range(1001)))), "c") is None


def test_digests_of_two_calls_tell_nothing_about_each_other() -> None:
    assert field_digests(_text('{"a": 1}'), "c") != field_digests(_text('{"a": 1}'), "d")


@FEW
@given(JSON, JSON, st.booleans(), st.booleans())
def test_a_difference_is_never_a_win_and_equal_answers_never_differ(
    left: Any, right: Any, reference_passes: bool, candidate_passes: bool
) -> None:
    pair = pair_score(
        _text(json.dumps(left)),
        _text(json.dumps(right)),
        reference_passes=reference_passes,
        candidate_passes=candidate_passes,
    )
    assert -1.0 <= pair.difference <= 0.0
    assert pair.accepted == candidate_passes
    assert pair_score(_text(json.dumps(left)), _text(json.dumps(left, indent=2))).difference == 0.0


@FEW
@given(st.text(max_size=40), st.text(max_size=40))
def test_any_two_texts_have_a_score(left: str, right: str) -> None:
    assert -1.0 <= pair_score(_text(left), _text(right)).difference <= 0.0
    assert pair_score(_text(left), _text(left)).rule == "equal"


@pytest.mark.parametrize(
    ("left", "right", "difference", "rule"),
    [
        ('{"a":1,"b":2}', '{ "b": 2.0, "a": 1 }', 0.0, "equal"),
        ('{"a":1,"b":2}', '{"a":1,"b":3}', -0.5, "fields"),
        ('{"a":1}', '{"a":true}', -1.0, "fields"),
        ("true", "false", -1.0, "differ"),
        ("Spam  mail", "Spam mail\n", 0.0, "equal"),
        ("Spam", "Ham", -1.0, "differ"),
        ('{"a":1}', "a is 1", -1.0, "differ"),
        ('{"a":1}', "1", -1.0, "differ"),
    ],
)
def test_the_first_rule_that_applies_decides(left: str, right: str, difference: float, rule: str) -> None:
    pair = pair_score(_text(left), _text(right))
    assert (pair.difference, pair.rule, pair.reference) == (difference, rule, 1.0)


def test_a_refusal_or_a_cut_answer_loses_against_one_that_passes() -> None:
    good = _text("{}")
    for bad in (_text("{}", refused=True), _text("{}", truncated=True)):
        assert pair_score(good, bad).difference == -1.0
        assert (pair_score(bad, good).difference, pair_score(bad, good).reference) == (0.0, 0.0)
        assert pair_score(bad, bad).difference == 0.0


def test_tool_calls_are_compared_by_name_and_arguments() -> None:
    assert pair_score(_tool("f", '{"x": 1}'), _tool("f", '{"x":1}')).difference == 0.0
    assert pair_score(_tool("f", '{"x":1}'), _tool("g", '{"x":1}')).difference == -0.5
    assert pair_score(_tool("f", "{}"), _text("done")).difference == -1.0
    assert said(_tool("f", "{broken")) == ([{"name": "f", "arguments": "{broken"}],)


def test_white_space_is_all_that_plain_text_may_differ_in() -> None:
    assert plain(" a\n b ") == "a b"


@FEW
@given(st.floats(0, 1), st.floats(0, 1))
def test_a_grade_takes_the_place_of_the_bound_and_may_be_a_win(reference: float, candidate: float) -> None:
    score = graded(pair_score(_text("spam"), _text("ham")), reference, candidate, "grader")
    assert (score.difference, score.reference, score.known) == (candidate - reference, reference, True)


def test_where_no_grade_came_the_bound_stands_and_the_reference_s_score_is_unknown() -> None:
    bound = pair_score(_text("spam"), _text("ham"))
    score = ungraded(bound)
    assert (score.difference, score.reference, score.known) == (bound.difference, None, False)

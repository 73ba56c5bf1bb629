from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.levers.route.json_check import first_fault

PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 1},
        "age": {"type": "integer", "minimum": 0, "exclusiveMaximum": 150},
        "level": {"enum": ["junior", "senior"]},
        "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 2},
        "boss": {"anyOf": [{"$ref": "#"}, {"type": "null"}]},
    },
    "required": ["name", "age"],
    "additionalProperties": False,
}


def test_what_keeps_to_the_schema_has_no_fault() -> None:
    boss = {"name": "b", "age": 60}
    assert first_fault({"name": "a", "age": 3.0, "level": "senior", "tags": ["x"], "boss": boss}, PERSON) is None


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ([], "the answer: not object"),
        ({"age": 3}, "name: missing"),
        ({"name": "a", "age": "3"}, "age: not integer"),
        ({"name": "a", "age": True}, "age: not integer"),
        ({"name": "a", "age": 3.5}, "age: not integer"),
        ({"name": "a", "age": -1}, "age: below the minimum"),
        ({"name": "a", "age": 150}, "age: not below the maximum"),
        ({"name": "", "age": 1}, "name: not long enough"),
        ({"name": "a", "age": 1, "level": "boss"}, "level: none of the allowed values"),
        ({"name": "a", "age": 1, "tags": ["x", 3]}, "tags[1]: not string"),
        ({"name": "a", "age": 1, "tags": ["x", "y", "z"]}, "tags: too many"),
        ({"name": "a", "age": 1, "secret": "prompt text"}, "the answer: a property that is not in the schema"),
        ({"name": "a", "age": 1, "boss": {"name": "b"}}, "boss: fits none of the alternatives"),
    ],
)
def test_the_first_fault_is_named_by_place_and_never_by_value(value: Any, fault: str) -> None:
    assert first_fault(value, PERSON) == fault


@pytest.mark.parametrize(
    ("value", "schema", "good"),
    [
        (1, {"const": True}, False),
        (True, {"enum": [1]}, False),
        (3, {"type": ["string", "number"]}, True),
        (3, {"exclusiveMinimum": 3}, False),
        (3, {"maximum": 3}, True),
        (4, {"maximum": 3}, False),
        ([1, "a"], {"prefixItems": [{"type": "integer"}], "items": {"type": "string"}}, True),
        (["a", "b"], {"prefixItems": [{"type": "integer"}]}, False),
        ("x", {"oneOf": [{"type": "string"}, {"type": "null"}]}, True),
        (5, {"allOf": [{"minimum": 1}, {"maximum": 4}]}, False),
        ({"a": 1}, {"additionalProperties": {"type": "string"}}, False),
        ({"p": 3}, {"properties": {"p": {"$ref": "#/$defs/n~1x"}}, "$defs": {"n/x": {"type": "string"}}}, False),
        (3, {"$ref": "#/nowhere"}, True),
        (3, {"unheardOf": 1, "type": "unheard of"}, True),
        (3, True, True),
        (3, False, False),
        (3, None, True),
        (None, {"type": "null"}, True),
        ({}, {"type": "object", "required": []}, True),
    ],
)
def test_each_keyword_means_what_it_says(value: Any, schema: Any, good: bool) -> None:
    assert (first_fault(value, schema) is None) is good


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(json_values, json_values)
def test_no_value_and_no_schema_breaks_the_check(value: Any, schema: Any) -> None:
    fault = first_fault(value, schema)
    assert fault is None or isinstance(fault, str)


def test_a_schema_that_refers_to_itself_ends() -> None:
    assert first_fault(3, {"$ref": "#"}) is None

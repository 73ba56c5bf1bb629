from __future__ import annotations

from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.simulator.shaped import instance


def fits(schema: dict[str, Any], value: Any) -> bool:
    """A check of the keywords that the tests use, written apart from the generator."""
    if "const" in schema:
        return bool(value == schema["const"])
    if "enum" in schema:
        return value in schema["enum"]
    if "anyOf" in schema:
        return any(fits(each, value) for each in schema["anyOf"])
    kind = schema["type"]
    if isinstance(kind, list):
        return any(fits({**schema, "type": each}, value) for each in kind)
    if kind == "object":
        properties = schema.get("properties", {})
        return (
            isinstance(value, dict)
            and set(schema.get("required", ())) <= set(value)
            and all(key in properties and fits(properties[key], each) for key, each in value.items())
        )
    if kind == "array":
        return (
            isinstance(value, list)
            and schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", 99)
            and all(fits(schema["items"], each) for each in value)
        )
    if kind == "string":
        return isinstance(value, str) and schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", 999)
    if kind == "boolean":
        return isinstance(value, bool)
    if kind == "null":
        return value is None
    number = isinstance(value, int if kind == "integer" else int | float) and not isinstance(value, bool)
    return number and schema.get("minimum", value) <= value <= schema.get("maximum", value)


bounds = st.tuples(st.integers(-50, 50), st.integers(0, 40)).map(lambda pair: (pair[0], pair[0] + pair[1]))
leaves = st.one_of(
    st.just({"type": "boolean"}),
    st.just({"type": "null"}),
    st.just({"type": ["string", "null"]}),
    bounds.map(lambda pair: {"type": "integer", "minimum": pair[0], "maximum": pair[1]}),
    bounds.map(lambda pair: {"type": "number", "minimum": pair[0], "maximum": pair[1]}),
    st.tuples(st.integers(0, 12), st.integers(0, 12)).map(
        lambda pair: {"type": "string", "minLength": min(pair), "maxLength": max(pair)}
    ),
    st.lists(st.one_of(st.text(max_size=5), st.integers()), min_size=1, max_size=4).map(lambda each: {"enum": each}),
    st.integers().map(lambda each: {"const": each}),
)
schemas = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.dictionaries(st.text(min_size=1, max_size=4), inner, max_size=3).map(
            lambda each: {"type": "object", "properties": each, "required": list(each)}
        ),
        st.tuples(inner, st.integers(0, 3), st.integers(0, 3)).map(
            lambda each: {"type": "array", "items": each[0], "minItems": each[1], "maxItems": each[1] + each[2]}
        ),
        st.lists(inner, min_size=1, max_size=3).map(lambda each: {"anyOf": each}),
    ),
    max_leaves=6,
)


@settings(max_examples=100, deadline=None)
@given(schemas, st.integers())
def test_a_drawn_value_fits_its_schema(schema: dict[str, Any], seed: int) -> None:
    assert fits(schema, instance(schema, Random(seed)))


def test_references_and_merged_schemas_are_followed() -> None:
    schema = {
        "$defs": {"name": {"type": "string", "enum": ["ann"]}, "aged": {"properties": {"age": {"const": 3}}}},
        "allOf": [{"$ref": "#/$defs/aged"}, {"required": ["age"]}],
        "type": "object",
        "properties": {"name": {"$ref": "#/$defs/name"}},
        "required": ["name"],
    }
    assert instance(schema, Random(0)) == {"name": "ann", "age": 3}


def test_a_recursive_schema_ends() -> None:
    node: dict[str, Any] = {
        "$defs": {
            "node": {
                "type": "object",
                "properties": {
                    "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
                    "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
                },
                "required": ["children", "next"],
            }
        },
        "$ref": "#/$defs/node",
    }
    assert msgspec.json.encode(instance(node, Random(3)))


@pytest.mark.parametrize("schema", [{"$ref": "#"}, {"allOf": [{"$ref": "#"}]}, {"anyOf": [{"$ref": "#"}]}])
def test_a_schema_that_is_only_itself_ends(schema: dict[str, Any]) -> None:
    assert isinstance(instance(schema, Random(0)), str)


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string", "format": "date"}, "2026-11-"),
        ({"type": "string", "format": "email"}, "@example.com"),
        ({"type": "string", "pattern": r"^[A-Z]{2}-\d{3}$"}, "AB-123"),
        ({"type": "string", "pattern": r"^\d{4}$"}, ""),
    ],
)
def test_formats_and_common_patterns_are_met(schema: dict[str, Any], expected: str) -> None:
    value = instance(schema, Random(5))
    assert expected in value
    if schema.get("pattern") == r"^\d{4}$":
        assert len(value) == 4


@pytest.mark.parametrize(
    ("schema", "allowed"),
    [
        ({"type": "integer", "exclusiveMinimum": 3, "exclusiveMaximum": 5}, {4}),
        ({"type": "integer", "minimum": 7, "maximum": 12, "multipleOf": 5}, {10}),
        ({"type": "integer", "maximum": -199, "minimum": -199}, {-199}),
    ],
)
def test_exclusive_bounds_and_steps_hold(schema: dict[str, Any], allowed: set[int]) -> None:
    assert {instance(schema, Random(seed)) for seed in range(20)} <= allowed


def test_unique_items_are_unique() -> None:
    schema = {"type": "array", "items": {"enum": [1, 2, 3]}, "minItems": 3, "maxItems": 3, "uniqueItems": True}
    assert sorted(instance(schema, Random(1))) == [1, 2, 3]


@pytest.mark.parametrize("schema", [None, True, 5, "x", [], {}, {"type": "wizard"}, {"pattern": "("}])
def test_what_is_no_schema_gives_a_short_string(schema: Any) -> None:
    assert isinstance(instance(schema, Random(0)), str)

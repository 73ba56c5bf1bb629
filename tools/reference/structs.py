"""Structs as rows: each member's name, type, default and the text of its class's docstring."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from penstock.policy.json_schema import describe
from tools.reference.markdown import code, prose, table


class Member(NamedTuple):
    """One member of a struct, ready for a table."""

    name: str
    kind: str
    default: str
    meaning: str


def definitions(*structs: type[msgspec.Struct]) -> dict[str, Any]:
    """The schema of each struct, and of what they hold, by name; descriptions from their docstrings."""
    _, found = msgspec.json.schema_components(structs, ref_template="#/$defs/{name}")
    describe(found)
    return found


def members(definition: Mapping[str, Any], among: Mapping[str, Any]) -> list[Member]:
    """The members of a struct.

    Args:
        definition: the struct's schema.
        among: all definitions that its references may name.
    """
    required = definition.get("required", ())
    return [
        Member(
            code(name),
            kind_of(schema, among),
            "required" if name in required else _default(schema),
            prose(schema.get("description", "")),
        )
        for name, schema in definition.get("properties", {}).items()
    ]


def struct_table(definition: Mapping[str, Any], among: Mapping[str, Any]) -> list[str]:
    """The members as the lines of a table without defaults, for what programs write and people read."""
    rows = ((member.name, member.kind, member.meaning) for member in members(definition, among))
    return table(("field", "type", "meaning"), rows)


def referred(schema: Mapping[str, Any], among: Mapping[str, Any]) -> str | None:
    """The name of the struct that a member is, or is when it is there; None for plain values and for enumerations."""
    options = [one for one in schema.get("anyOf", (schema,)) if one.get("type") != "null"]
    name = options[0].get("$ref", "").rpartition("/")[2] if len(options) == 1 else ""
    return name if among.get(name, {}).get("type") == "object" else None


def kind_of(schema: Mapping[str, Any], among: Mapping[str, Any]) -> str:
    """A schema in words: ``integer >= 1, or none``."""
    if "anyOf" in schema:
        return ", or ".join(kind_of(one, among) for one in schema["anyOf"])
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return name if among[name].get("type") == "object" else kind_of(among[name], among)
    if "enum" in schema:
        return ", ".join(code(json.dumps(value)) for value in schema["enum"])
    match schema.get("type"):
        case "null":
            return "none"
        case "array":
            items = schema.get("items") or next(iter(schema.get("prefixItems", ())), None)
            return f"list of {kind_of(items, among)}" if items else "list"
        case "object":
            values = schema.get("additionalProperties")
            return f"table of {kind_of(values, among)}" if isinstance(values, dict) and values else "table"
        case None:
            return "any"
        case plain:
            return f"{plain}{_range(schema)}"


_BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}


def _range(schema: Mapping[str, Any]) -> str:
    bounds = [f"{sign} {schema[name]:g}" for name, sign in _BOUNDS.items() if name in schema]
    return f" {' and '.join(bounds)}" if bounds else ""


def _default(schema: Mapping[str, Any]) -> str:
    default = schema.get("default")
    return "" if default is None else code(json.dumps(default, ensure_ascii=False))

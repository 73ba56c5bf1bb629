"""The JSON Schema of the policy file, for editors."""

from __future__ import annotations

from typing import Any

import msgspec

from penstock.policy.schema import Policy


def policy_json_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of ``penstock.toml``: every key with its type, range, default and description."""
    schema = msgspec.json.schema(Policy)
    for definition in schema.get("$defs", {}).values():
        described = _attributes(definition.get("description", ""))
        definition["description"] = definition.get("description", "").partition("\n")[0]
        for name, member in definition.get("properties", {}).items():
            if name in described:
                member["description"] = described[name]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "penstock.toml", **schema}


def _attributes(docstring: str) -> dict[str, str]:
    """The ``Attributes:`` of a docstring as name -> text on one line."""
    _, _, listed = docstring.partition("Attributes:\n")
    found: dict[str, str] = {}
    name = ""
    for line in listed.splitlines():
        text = line.strip()
        head, colon, rest = text.partition(": ")
        if colon and head.isidentifier():
            name = head
            found[name] = rest
        elif name and text:
            found[name] += " " + text
    return found

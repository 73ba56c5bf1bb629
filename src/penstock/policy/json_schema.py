"""The JSON Schema of the policy file, for editors; and of any struct, with the texts of its docstring."""

from __future__ import annotations

from typing import Any

import msgspec

from penstock.policy.schema import Policy


def policy_json_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of ``penstock.toml``: every key with its type, range, default and description."""
    schema = msgspec.json.schema(Policy)
    describe(schema.get("$defs", {}))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "penstock.toml", **schema}


def describe(definitions: dict[str, Any]) -> None:
    """Turn the docstrings that msgspec puts into schema definitions into one description for each member.

    Args:
        definitions: name to schema of a struct; changed in place. A struct keeps the first line of its docstring.
    """
    for definition in definitions.values():
        docstring = definition.get("description", "")
        described = attribute_docs(docstring)
        definition["description"] = docstring.partition("\n")[0]
        for name, member in definition.get("properties", {}).items():
            if name in described:
                member["description"] = described[name]


def attribute_docs(docstring: str) -> dict[str, str]:
    """The ``Attributes:`` of a docstring as name to text on one line; empty without such a section."""
    _, _, listed = docstring.partition("Attributes:\n")
    found: dict[str, str] = {}
    name, depth = "", -1
    for line in listed.splitlines():
        text = line.strip()
        if not text:
            continue
        indent = len(line) - len(line.lstrip())
        if indent < depth:  # the next section
            break
        head, colon, rest = text.partition(":")
        if colon and head.isidentifier() and (depth < 0 or indent == depth):
            name, depth = head, indent
            found[name] = rest.strip()
        elif name:
            found[name] = f"{found[name]} {text}".lstrip()
    return found
